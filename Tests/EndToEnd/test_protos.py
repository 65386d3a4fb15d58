"""Protos/*.proto say the same as the descriptors that others publish.

Comments and order are ours; names, numbers, types, labels, enum values and reserved numbers are
not. A oneof with a single member counts as a proto3 optional field: bytes and presence are equal.
"""

import importlib
import pathlib
import subprocess

import pytest
from google.protobuf import descriptor_pb2

PROTOS = pathlib.Path(__file__).resolve().parents[2] / "Protos"

PUBLISHED = [
    "google.protobuf.any_pb2",
    "google.protobuf.duration_pb2",
    "google.protobuf.timestamp_pb2",
    "google.rpc.error_details_pb2",
    "google.rpc.status_pb2",
    "grpc_health.v1.health_pb2",
    "opentelemetry.proto.collector.logs.v1.logs_service_pb2",
    "opentelemetry.proto.collector.metrics.v1.metrics_service_pb2",
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
    "opentelemetry.proto.common.v1.common_pb2",
    "opentelemetry.proto.logs.v1.logs_pb2",
    "opentelemetry.proto.metrics.v1.metrics_pb2",
    "opentelemetry.proto.resource.v1.resource_pb2",
    "opentelemetry.proto.trace.v1.trace_pb2",
]

# Packages of which only a part is taken.
TAKEN = {"google.rpc": {"Status", "RetryInfo", "BadRequest", "LocalizedMessage"}}

# io.prometheus.client as the Prometheus documentation has it: name, number, label, type.
EXPOSITION = {
    "LabelPair": "name 1 optional string, value 2 optional string",
    "Gauge": "value 1 optional double",
    "Counter": "value 1 optional double, exemplar 2 optional Exemplar,"
    " created_timestamp 3 optional Timestamp",
    "Quantile": "quantile 1 optional double, value 2 optional double",
    "Summary": "sample_count 1 optional uint64, sample_sum 2 optional double,"
    " quantile 3 repeated Quantile, created_timestamp 4 optional Timestamp",
    "Untyped": "value 1 optional double",
    "Histogram": "sample_count 1 optional uint64, sample_sum 2 optional double,"
    " bucket 3 repeated Bucket, sample_count_float 4 optional double, schema 5 optional sint32,"
    " zero_threshold 6 optional double, zero_count 7 optional uint64,"
    " zero_count_float 8 optional double, negative_span 9 repeated BucketSpan,"
    " negative_delta 10 repeated sint64, negative_count 11 repeated double,"
    " positive_span 12 repeated BucketSpan, positive_delta 13 repeated sint64,"
    " positive_count 14 repeated double, created_timestamp 15 optional Timestamp,"
    " exemplars 16 repeated Exemplar",
    "Bucket": "cumulative_count 1 optional uint64, upper_bound 2 optional double,"
    " exemplar 3 optional Exemplar, cumulative_count_float 4 optional double",
    "BucketSpan": "offset 1 optional sint32, length 2 optional uint32",
    "Exemplar": "label 1 repeated LabelPair, value 2 optional double,"
    " timestamp 3 optional Timestamp",
    "Metric": "label 1 repeated LabelPair, gauge 2 optional Gauge, counter 3 optional Counter,"
    " summary 4 optional Summary, untyped 5 optional Untyped, timestamp_ms 6 optional int64,"
    " histogram 7 optional Histogram",
    "MetricFamily": "name 1 optional string, help 2 optional string, type 3 optional MetricType,"
    " metric 4 repeated Metric, unit 5 optional string",
}
METRIC_TYPES = ["COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"]


def describe_message(message, prefix, into):
    """Adds one line for each thing that two descriptors must agree on."""
    name = f"{prefix}.{message.name}"
    into.add(f"message {name} map={message.options.map_entry}")
    members = {}
    for field in message.field:
        if field.HasField("oneof_index"):
            members.setdefault(field.oneof_index, []).append(field.name)
    for field in message.field:
        oneof = ""
        if field.HasField("oneof_index"):
            alone = len(members[field.oneof_index]) == 1
            oneof = "optional" if alone else message.oneof_decl[field.oneof_index].name
        into.add(
            f"field {name}.{field.name} = {field.number}"
            f" {field.Label.Name(field.label)} {field.Type.Name(field.type)}"
            f" {field.type_name} oneof={oneof} packed={field.options.packed}"
        )
    for reserved in message.reserved_range:
        into.add(f"reserved {name} {reserved.start}..<{reserved.end}")
    for nested in message.nested_type:
        describe_message(nested, name, into)
    for enum in message.enum_type:
        describe_enum(enum, name, into)


def describe_enum(enum, prefix, into):
    for value in enum.value:
        into.add(f"enum {prefix}.{enum.name}.{value.name} = {value.number}")


def describe(files):
    """What the files say, by package."""
    packages = {}
    for file in files:
        into = packages.setdefault(file.package, set())
        into.add(f"syntax {file.syntax or 'proto2'}")
        taken = TAKEN.get(file.package)
        for message in file.message_type:
            if taken is None or message.name in taken:
                describe_message(message, file.package, into)
        for enum in file.enum_type:
            describe_enum(enum, file.package, into)
        for service in file.service:
            for method in service.method:
                into.add(
                    f"rpc {file.package}.{service.name}.{method.name}"
                    f" {method.input_type} {method.client_streaming}"
                    f" {method.output_type} {method.server_streaming}"
                )
    return packages


@pytest.fixture(scope="module")
def own_files(tmp_path_factory):
    compiled = tmp_path_factory.mktemp("protos") / "all.bin"
    names = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
    subprocess.run(
        ["protoc-c", "--proto_path=.", f"--descriptor_set_out={compiled}", *names],
        cwd=PROTOS,
        check=True,
    )
    return descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes()).file


def published_files():
    for module in PUBLISHED:
        file = descriptor_pb2.FileDescriptorProto()
        importlib.import_module(module).DESCRIPTOR.CopyToProto(file)
        yield file


def test_every_message_field_and_enum_is_as_published(own_files):
    own, published = describe(own_files), describe(published_files())
    assert set(own) - {"io.prometheus.client"} == set(published)
    for package, theirs in published.items():
        assert sorted(own[package] - theirs) == [], f"only ours in {package}"
        assert sorted(theirs - own[package]) == [], f"only published in {package}"


def test_the_comparison_sees_a_changed_number_type_label_or_name(own_files):
    whole = describe(own_files)["opentelemetry.proto.trace.v1"]

    def changed(change):
        copies = [descriptor_pb2.FileDescriptorProto.FromString(f.SerializeToString()) for f in own_files]
        file = next(f for f in copies if f.package == "opentelemetry.proto.trace.v1")
        span = next(m for m in file.message_type if m.name == "Span")
        change(span)
        return describe(copies)["opentelemetry.proto.trace.v1"]

    def renumber(span):
        span.field[0].number = 99

    def retype(span):
        span.field[0].type = descriptor_pb2.FieldDescriptorProto.TYPE_STRING

    def relabel(span):
        span.field[0].label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED

    def rename(span):
        span.field[0].name = "trace_identity"

    def shift_enum(span):
        span.enum_type[0].value[1].number = 9

    def remove(span):
        del span.field[3]

    for change in (renumber, retype, relabel, rename, shift_enum, remove):
        assert changed(change) != whole, change.__name__


def test_the_exposition_messages_are_as_documented(own_files):
    file = next(f for f in own_files if f.package == "io.prometheus.client")
    own = {
        message.name: {
            f"{field.name} {field.number} {field.Label.Name(field.label)[6:].lower()} "
            + (
                field.type_name.rpartition(".")[2]
                or field.Type.Name(field.type)[5:].lower()
            )
            for field in message.field
        }
        for message in file.message_type
    }
    documented = {name: set(fields.split(", ")) for name, fields in EXPOSITION.items()}
    assert own == documented
    assert [(v.name, v.number) for v in file.enum_type[0].value] == [
        (name, number) for number, name in enumerate(METRIC_TYPES)
    ]
    assert len(file.enum_type) == 1
    assert file.syntax in ("", "proto2"), "fields have presence and are not packed"
    for message in file.message_type:
        for field in message.field:
            assert not field.options.packed
            if field.type_name.endswith("Timestamp"):
                assert field.type_name == ".google.protobuf.Timestamp"


def test_the_checked_in_c_is_what_the_generator_gives():
    check = subprocess.run(
        [PROTOS / "generate.sh", "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stdout + check.stderr
