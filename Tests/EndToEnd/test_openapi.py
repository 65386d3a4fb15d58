"""The API against schemathesis, which makes requests from the description: nothing it thinks of may
end in a fault of the server, or in an answer that the description does not know."""

import httpx
import pytest
import schemathesis
from conftest import starter
from hypothesis import HealthCheck, Phase, given, settings
from openapi import ROOT, is_stream
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance, response_schema_conformance, status_code_conformance)

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance]
EXAMPLES = 12


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """A collector, and its description without what has no end and what turns parts off."""
    with starter(tmp_path_factory.mktemp("described")) as start:
        process = start()
        document = httpx.get(f"http://{process.web}{ROOT}openapi.json", trust_env=False).json()
        for path, methods in list(document["paths"].items()):
            for method, operation in list(methods.items()):
                if is_stream(operation) or path.endswith("/switches") and method == "put":
                    del methods[method]
            if not methods:
                del document["paths"][path]
        yield process, document


def test_nothing_that_the_description_allows_breaks_it(described):
    process, document = described
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://{process.web}")
    asked, faults = set(), []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def ask(case):
            asked.add(operation.label)
            case.call_and_validate(checks=CHECKS)

        try:
            ask()
        except Exception as fault:  # Told together, so that one run shows all of them.
            faults.append(f"{operation.label}: {fault}")
    assert not faults, "\n\n".join(faults)[:10_000]
    assert len(asked) >= 25
    assert process.is_running
