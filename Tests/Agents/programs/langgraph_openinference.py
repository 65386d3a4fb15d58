"""A LangGraph agent with a tool, seen through OpenInference's LangChain instrumentation."""

import telemetry
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from openinference.instrumentation.langchain import LangChainInstrumentor

_, _, finish = telemetry.providers()
LangChainInstrumentor().instrument()


def double(a: int) -> int:
    """Twice a number."""
    return 2 * a


model = ChatOpenAI(
    model="gpt-4o", base_url=telemetry.MODEL_URL + "/v1", api_key="none", max_retries=0
)
agent = create_agent(model, tools=[double], name="calculator")
agent.invoke({"messages": [{"role": "user", "content": "What is two plus two?"}]})
finish()
