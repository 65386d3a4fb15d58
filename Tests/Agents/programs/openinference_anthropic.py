import telemetry
import anthropic_calls
from openinference.instrumentation.anthropic import AnthropicInstrumentor

_, _, finish = telemetry.providers()
AnthropicInstrumentor().instrument()
anthropic_calls.run(telemetry.MODEL_URL)
finish()
