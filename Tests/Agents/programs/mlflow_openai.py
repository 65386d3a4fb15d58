"""MLflow's tracing of an agent that calls the OpenAI API and a tool, sent over OTLP."""

import os

# Only traces: for metrics it would ask a server of MLflow about the experiment.
collector = os.environ.pop("OTEL_EXPORTER_OTLP_ENDPOINT")
os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = collector + "/v1/traces"
os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
os.environ["MLFLOW_TRACKING_URI"] = "http://127.0.0.1:9"

import mlflow  # noqa: E402
import openai  # noqa: E402
from mlflow.entities import SpanType  # noqa: E402
from mlflow.tracing.provider import provider  # noqa: E402

mlflow.openai.autolog()


@mlflow.trace(span_type=SpanType.TOOL)
def add(left, right):
    return left + right


client = openai.OpenAI(base_url=os.environ["MODEL_URL"] + "/v1", api_key="none", max_retries=0)
with mlflow.start_span("sum", span_type=SpanType.AGENT):
    client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "What is two plus two?"}]
    )
    add(2, 2)
provider.get().force_flush()
provider.get().shutdown()
