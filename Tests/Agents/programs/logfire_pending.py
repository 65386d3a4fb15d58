"""Logfire, whose spans are announced by a pending copy when they start. Its own exporter sends
them; only the address is changed."""

import os

import logfire
import openai

collector = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
for name in [name for name in os.environ if name.startswith("OTEL_EXPORTER")]:
    del os.environ[name]
logfire.configure(
    token="none",
    send_to_logfire=True,
    console=False,
    service_name=os.environ["OTEL_SERVICE_NAME"],
    advanced=logfire.AdvancedOptions(base_url=collector),
)
client = openai.OpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="none", max_retries=0)
logfire.instrument_openai(client)
with logfire.span("answer"):
    # What is under way for longer than the exporter's delay is announced.
    logfire.force_flush()
    client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "What is two plus two?"}]
    )
logfire.shutdown()
