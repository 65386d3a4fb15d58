"""The API against schemathesis, which makes requests from the description, right ones and wrong ones:
nothing it thinks of may end in a fault of the server or in an answer that the description does not know,
no right request may be refused and no wrong one taken."""

import httpx
import pytest
import schemathesis
from conftest import starter
from hypothesis import HealthCheck, Phase, given, settings
from openapi import ROOT, is_stream
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance, negative_data_rejection, positive_data_acceptance,
    response_schema_conformance, status_code_conformance)


def right_is_taken(context, answer, case):
    """What parameters say together is no matter of a schema: bounds, and that a service is needed."""
    if answer.status_code == 400:
        page = answer.json()
        if page.get("error", {}).get("code") == "contradicting_parameters":
            return None
        if any(said in fault["msg"] for fault in page.get("errors", [])
               for said in (" is below ", "service is missing")):
            return None
    return positive_data_acceptance(context, answer, case)


def wrong_is_refused(context, answer, case):
    """A request's line that is too long is refused before it is looked at, by a status of its own."""
    return None if answer.status_code == 414 else negative_data_rejection(context, answer, case)


CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance, right_is_taken, wrong_is_refused]
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


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_description_holds(described, mode):
    process, document = described
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://{process.web}")
    asked, faults = set(), []
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # There is nothing that could be wrong.

        @settings(
            max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            asked.add(operation.label)
            case.call_and_validate(checks=CHECKS)

        try:
            ask()
        except Exception as fault:  # Told together, so that one run shows all of them.
            faults.append(f"{operation.label}: {fault}")
    assert not faults, "\n\n".join(faults)[:10_000]
    assert len(asked) >= (25 if mode is GenerationMode.POSITIVE else 20)
    assert process.is_running
