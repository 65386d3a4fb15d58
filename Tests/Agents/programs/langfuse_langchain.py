"""Langfuse's callbacks around an agent of LangChain with a tool."""

import telemetry

tracers, _, finish = telemetry.providers()

from langchain.agents import create_agent  # noqa: E402
from langchain_openai import ChatOpenAI  # noqa: E402
from langfuse import Langfuse  # noqa: E402
from langfuse.langchain import CallbackHandler  # noqa: E402

Langfuse(
    public_key="pk-lf-none", secret_key="sk-lf-none", base_url="http://127.0.0.1:9",
    tracer_provider=tracers,
)


def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


model = ChatOpenAI(
    model="gpt-4o", base_url=telemetry.MODEL_URL + "/v1", api_key="none", max_retries=0
)
agent = create_agent(model, tools=[double], name="calculator")
agent.invoke(
    {"messages": [{"role": "user", "content": "Twice 21?"}]},
    config={"callbacks": [CallbackHandler(public_key="pk-lf-none")]},
)
finish()
