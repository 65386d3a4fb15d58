import telemetry
from strands import Agent, tool
from strands.models.openai import OpenAIModel

_, _, finish = telemetry.providers()


@tool
def double(a: int) -> int:
    """Twice a number."""
    return 2 * a


model = OpenAIModel(
    client_args={"base_url": telemetry.MODEL_URL + "/v1", "api_key": "none"}, model_id="gpt-4o"
)
agent = Agent(model=model, tools=[double], name="calculator", callback_handler=None)
agent("What is two plus two?")
finish()
