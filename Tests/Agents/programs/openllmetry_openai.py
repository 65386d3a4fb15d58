import telemetry
import openai_calls
from opentelemetry.instrumentation.openai import OpenAIInstrumentor

_, _, finish = telemetry.providers()
OpenAIInstrumentor().instrument()
openai_calls.run(telemetry.MODEL_URL)
finish()
