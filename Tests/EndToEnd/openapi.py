"""Holds answers against the description that Roost gives of its API.

What a schema does not name is allowed by it, so that fields can be added; here it is not, so that none
is added without being described.
"""

import re

import jsonschema

ROOT = "/api/v1/observability/"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
# Whose members are not ours to name.
OPEN = {"OpenAPI", "OTLPTrace"}


class Description:
    def __init__(self, document):
        self.document = document
        self.formats = jsonschema.FormatChecker(formats=())
        self.formats.checks("date-time")(lambda text: not isinstance(text, str) or bool(TIME.fullmatch(text)))
        self.schemas = document["components"]["schemas"]
        bases = {
            part["$ref"].rpartition("/")[2]
            for schema in self.schemas.values() for part in bases_of(schema)}
        closed = {
            name: schema if name in OPEN | bases else strict(schema)
            for name, schema in self.schemas.items()}
        self.whole = {**document, "components": {"schemas": closed}}

    def operations(self, method="get"):
        """Path and operation of each."""
        for path, methods in self.document["paths"].items():
            if method in methods:
                yield path, methods[method]

    def check(self, schema, value):
        """Raises what is wrong with a value; `schema` is a name."""
        validator = jsonschema.Draft202012Validator(
            {**self.whole, "$ref": f"#/components/schemas/{schema}"}, format_checker=self.formats)
        errors = sorted(validator.iter_errors(value), key=lambda error: list(map(str, error.path)))
        assert not errors, f"{schema}: " + "; ".join(
            f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors[:5])

    def check_answer(self, path, operation, answer):
        """Raises what is wrong with an answer, be it an error or not."""
        described = operation["responses"].get(str(answer.status_code))
        assert described, f"{path}: {answer.status_code} is not described: {answer.text[:300]}"
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in described["content"], f"{path}: {kind}"
        schema = described["content"][kind].get("schema")
        if schema:
            self.check(schema["$ref"].rpartition("/")[2], answer.json())


def is_stream(operation):
    """WebSockets and server-sent events, that have no end."""
    answers = operation["responses"]
    return "101" in answers or "text/event-stream" in answers.get("200", {}).get("content", {})


def bases_of(schema):
    """What a schema and those within build upon."""
    if isinstance(schema, list):
        return [base for inner in schema for base in bases_of(inner)]
    if not isinstance(schema, dict):
        return []
    return schema.get("allOf", []) + [
        base for name, inner in schema.items() if name != "allOf" for base in bases_of(inner)]


def strict(schema):
    """The same, with nothing allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {
        name: value if name in ("enum", "required") else
        {key: strict(one) for key, one in value.items()} if name == "properties" else strict(value)
        for name, value in schema.items()}
    if "properties" in schema and "additionalProperties" not in schema:
        inner["unevaluatedProperties"] = False
    return inner
