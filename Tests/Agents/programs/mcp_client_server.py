"""An MCP client and its server over standard input and output, both instrumented."""

import asyncio
import sys

import telemetry

tracers, _, finish = telemetry.providers()

from opentelemetry.instrumentation.mcp import McpInstrumentor  # noqa: E402

McpInstrumentor().instrument()

from mcp import ClientSession, StdioServerParameters  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402


def serve():
    from mcp.server.fastmcp import FastMCP

    server = FastMCP("sums")

    @server.tool()
    def double(a: int) -> int:
        return 2 * a

    server.run()


async def main():
    import os

    server = StdioServerParameters(
        command=sys.executable, args=[__file__, "serve"], env=dict(os.environ)
    )
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        await session.call_tool("double", {"a": 2})


if sys.argv[1:] == ["serve"]:
    serve()
else:
    asyncio.run(main())
finish()
