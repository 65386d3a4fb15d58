"""pydantic-ai with two agents, one of which is a tool of the other; `PYDANTIC_AI_VERSION` chooses
the version of its own instrumentation format."""

import os

import telemetry
from pydantic_ai import Agent
from pydantic_ai.models.instrumented import InstrumentationSettings
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

tracers, meters, finish = telemetry.providers()
version = int(os.environ.get("PYDANTIC_AI_VERSION", "5"))
settings = InstrumentationSettings(
    tracer_provider=tracers, meter_provider=meters, version=version
)
provider = OpenAIProvider(base_url=telemetry.MODEL_URL + "/v1", api_key="none")
model = OpenAIChatModel("gpt-4o", provider=provider)
Agent.instrument_all(settings)
helper = Agent(model, name="helper")
planner = Agent(model, name="planner")


@planner.tool_plain
async def ask_helper(question: str) -> str:
    return (await helper.run(question)).output


planner.run_sync("What is two plus two?")
finish()
