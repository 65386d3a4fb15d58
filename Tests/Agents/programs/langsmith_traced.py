"""LangChain traced by the LangSmith client in its OpenTelemetry mode."""

import os

os.environ.update(
    LANGSMITH_OTEL_ENABLED="true",
    LANGSMITH_OTEL_ONLY="true",
    LANGSMITH_TRACING="true",
    LANGSMITH_API_KEY="none",
    LANGSMITH_ENDPOINT="http://127.0.0.1:9",
)

import telemetry  # noqa: E402

_, _, finish = telemetry.providers()

from langchain.agents import create_agent  # noqa: E402
from langchain_core.tracers.langchain import wait_for_all_tracers  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402


def double(a: int) -> int:
    """Twice a number."""
    return 2 * a


model = ChatOpenAI(
    model="gpt-4o", base_url=telemetry.MODEL_URL + "/v1", api_key="none", max_retries=0
)
agent = create_agent(model, tools=[double], name="calculator")
agent.invoke({"messages": [{"role": "user", "content": "What is two plus two?"}]})
wait_for_all_tracers()
finish()
