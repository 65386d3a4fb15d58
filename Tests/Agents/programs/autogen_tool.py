"""AutoGen's core runtime: an agent that answers a message."""

import asyncio
from dataclasses import dataclass

import telemetry
from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime
from autogen_core import message_handler, trace_invoke_agent_span, trace_tool_span

tracers, _, finish = telemetry.providers()


@dataclass
class Question:
    text: str


class Calculator(RoutedAgent):
    @message_handler
    async def answer(self, message: Question, ctx: MessageContext) -> Question:
        with trace_invoke_agent_span(agent_name="calculator", agent_id=str(self.id)):
            with trace_tool_span(tool_name="double", tool_call_id="call_1"):
                return Question("four")


async def main():
    runtime = SingleThreadedAgentRuntime(tracer_provider=tracers)
    await Calculator.register(runtime, "calculator", lambda: Calculator("adds"))
    runtime.start()
    await runtime.send_message(Question("two plus two"), AgentId("calculator", "default"))
    await runtime.stop_when_idle()


asyncio.run(main())
finish()
