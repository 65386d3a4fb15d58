"""Langfuse's client, whose spans are taken off its own exporter and sent over plain OTLP."""

import telemetry

tracers, _, finish = telemetry.providers()

from langfuse import Langfuse  # noqa: E402
from langfuse.openai import OpenAI  # noqa: E402

langfuse = Langfuse(
    public_key="pk-lf-none", secret_key="sk-lf-none", base_url="http://127.0.0.1:9",
    tracer_provider=tracers,
)
with langfuse.start_as_current_observation(name="sum", as_type="agent"):
    client = OpenAI(base_url=telemetry.MODEL_URL + "/v1", api_key="none", max_retries=0)
    client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "What is two plus two?"}]
    )
finish()
