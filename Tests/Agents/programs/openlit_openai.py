import os

import telemetry
import openai_calls
import openlit

openlit.init(otlp_endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"], disable_batch=True)
openai_calls.run(telemetry.MODEL_URL)

from opentelemetry import metrics, trace  # noqa: E402

trace.get_tracer_provider().shutdown()
metrics.get_meter_provider().shutdown()
