"""The programs with real instrumentation, and how each is run."""

import os
import pathlib
import subprocess
from dataclasses import dataclass, field

FOLDER = pathlib.Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Program:
    name: str
    # Which requirements file it needs: `a` or `b`.
    environment: str
    # The package whose telemetry it shows.
    library: str
    variables: dict = field(default_factory=dict)
    # The file under programs/, when it is not the name.
    script: str = ""

    @property
    def service(self):
        return self.name.replace("_", "-")

    def run(self, python, model_url, collector_url):
        """Runs it to its end; its standard error in the exception when it fails."""
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith("OTEL_")
        }
        environment |= {
            "MODEL_URL": model_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_SERVICE_NAME": self.service,
        }
        result = subprocess.run(
            [str(python), str(FOLDER / f"{self.script or self.name}.py")],
            env=environment | self.variables,
            capture_output=True,
            text=True,
            timeout=120,
        )
        if result.returncode:
            raise RuntimeError(f"{self.name}: {result.stderr[-2000:]}")


PROGRAMS = [
    Program("openinference_openai", "a", "openinference-instrumentation-openai"),
    Program("openinference_anthropic", "a", "openinference-instrumentation-anthropic"),
    Program("openllmetry_openai", "a", "opentelemetry-instrumentation-openai"),
    Program("openllmetry_anthropic", "a", "opentelemetry-instrumentation-anthropic"),
    Program("opentelemetry_openai_v2", "a", "opentelemetry-instrumentation-openai-v2"),
    Program(
        "pydantic_ai_v2",
        "a",
        "pydantic-ai-slim",
        {"PYDANTIC_AI_VERSION": "2"},
        "pydantic_ai_agent",
    ),
    Program(
        "pydantic_ai_v5",
        "a",
        "pydantic-ai-slim",
        {"PYDANTIC_AI_VERSION": "5"},
        "pydantic_ai_agent",
    ),
    Program("langgraph_openinference", "a", "openinference-instrumentation-langchain"),
    Program("langgraph_openllmetry", "a", "opentelemetry-instrumentation-langchain"),
    Program("langsmith_traced", "a", "langsmith"),
    Program("openai_agents_openinference", "a", "openinference-instrumentation-openai-agents"),
    Program("autogen_tool", "a", "autogen-core"),
    Program("langfuse_openai", "a", "langfuse"),
    Program("langfuse_langchain", "a", "langfuse"),
    Program("mlflow_openai", "a", "mlflow-tracing"),
    Program("logfire_pending", "a", "logfire"),
    Program("strands_agent", "b", "strands-agents"),
    Program("google_adk_agent", "b", "google-adk"),
    Program("openlit_openai", "b", "openlit"),
    Program("mcp_client_server", "b", "opentelemetry-instrumentation-mcp"),
]
