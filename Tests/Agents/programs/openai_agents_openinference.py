"""openai-agents with a tool and a handoff, seen through OpenInference."""

import asyncio

import telemetry
from agents import Agent, Runner, function_tool, set_default_openai_client
from openai import AsyncOpenAI
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor

tracers, _, finish = telemetry.providers()
OpenAIAgentsInstrumentor().instrument(tracer_provider=tracers)
set_default_openai_client(
    AsyncOpenAI(base_url=telemetry.MODEL_URL + "/v1", api_key="none", max_retries=0),
    use_for_tracing=False,
)


@function_tool
def double(a: int) -> int:
    return 2 * a


agent = Agent(name="calculator", model="gpt-4o", tools=[double])
asyncio.run(Runner.run(agent, "What is two plus two?"))
finish()
