import asyncio
import os

import telemetry

os.environ["GOOGLE_API_KEY"] = "none"
os.environ["GOOGLE_GEMINI_BASE_URL"] = telemetry.MODEL_URL
_, _, finish = telemetry.providers()

from google.adk.agents import LlmAgent  # noqa: E402
from google.adk.runners import InMemoryRunner  # noqa: E402
from google.genai import types  # noqa: E402


def double(a: int) -> int:
    """Twice a number."""
    return 2 * a


async def main():
    agent = LlmAgent(name="calculator", model="gemini-2.5-flash", tools=[double])
    runner = InMemoryRunner(agent=agent, app_name="sums")
    session = await runner.session_service.create_session(app_name="sums", user_id="u1")
    question = types.Content(role="user", parts=[types.Part(text="What is two plus two?")])
    async for _ in runner.run_async(user_id="u1", session_id=session.id, new_message=question):
        pass


asyncio.run(main())
finish()
