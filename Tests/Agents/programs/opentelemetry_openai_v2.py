import telemetry
import openai_calls
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

_, _, finish = telemetry.providers()
OpenAIInstrumentor().instrument()
openai_calls.run(telemetry.MODEL_URL)
finish()
