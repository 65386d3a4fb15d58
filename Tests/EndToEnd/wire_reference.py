"""What PyPI's protobuf makes of an OTLP request, written the way wire-dump writes it.

The messages are made from the descriptors of opentelemetry-proto with every string turned into
bytes, so that a request with broken text can be parsed and judged item by item, as Roost does.
"""

import json
import struct

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

STRICT = (
    trace_service_pb2.ExportTraceServiceRequest,
    metrics_service_pb2.ExportMetricsServiceRequest,
    logs_service_pb2.ExportLogsServiceRequest,
)


def _bytes_variants():
    pool = descriptor_pool.DescriptorPool()
    added = set()

    def add(file):
        if file.name in added:
            return
        added.add(file.name)
        for dependency in file.dependencies:
            add(dependency)
        proto = descriptor_pb2.FileDescriptorProto()
        file.CopyToProto(proto)
        pending = list(proto.message_type)
        while pending:
            message = pending.pop()
            pending.extend(message.nested_type)
            for field in message.field:
                if field.type == field.TYPE_STRING:
                    field.type = field.TYPE_BYTES
        pool.Add(proto)

    for cls in STRICT:
        add(cls.DESCRIPTOR.file)
    return tuple(
        message_factory.GetMessageClass(pool.FindMessageTypeByName(cls.DESCRIPTOR.full_name))
        for cls in STRICT
    )


LENIENT = _bytes_variants()


def parse(cls, raw):
    message = cls()
    try:
        message.ParseFromString(raw)
    except DecodeError:
        return None
    return message


def is_utf8(raw):
    if raw.isascii():
        return True
    try:
        raw.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


def bits(number):
    return struct.pack(">d", number).hex()


def optional(message, name):
    return bits(getattr(message, name)) if message.HasField(name) else None


def is_id(raw, length):
    return len(raw) == length and any(raw)


class Judge:
    """Turns a lenient message into lists, leaving out what is malformed and counting it."""

    def __init__(self):
        self.items = 0
        self.rejected = 0
        self.text = True
        # What to delete for a request without the malformed items: (container, index).
        self.cuts = []

    # Text that is not UTF-8 clears self.text; whoever owns the item looks at it.
    def string(self, raw):
        if not is_utf8(raw):
            self.text = False
        return raw.hex()

    def any(self, value):
        kind = value.WhichOneof("value")
        if kind is None or kind == "string_value_strindex":
            return None
        if kind == "string_value":
            return ["s", self.string(value.string_value)]
        if kind == "bool_value":
            return value.bool_value
        if kind == "int_value":
            return ["i", value.int_value]
        if kind == "double_value":
            return ["d", bits(value.double_value)]
        if kind == "array_value":
            return ["a", *map(self.any, value.array_value.values)]
        if kind == "kvlist_value":
            return ["k", *self.attributes(value.kvlist_value.values)]
        return ["b", value.bytes_value.hex()]

    def attributes(self, pairs):
        return [[self.string(pair.key), self.any(pair.value)] for pair in pairs]

    def request(self, message, signal):
        content = []
        entries = getattr(message, ("resource_spans", "resource_metrics", "resource_logs")[signal])
        scopes_name = ("scope_spans", "scope_metrics", "scope_logs")[signal]
        items_name = ("spans", "metrics", "log_records")[signal]
        item = (self.span, self.metric, self.log)[signal]
        for place, entry in enumerate(entries):
            self.text = True
            resource = [
                self.attributes(entry.resource.attributes),
                entry.resource.dropped_attributes_count,
                self.string(entry.schema_url),
            ]
            for reference in entry.resource.entity_refs:
                for text in (reference.schema_url, reference.type):
                    self.string(text)
                for text in (*reference.id_keys, *reference.description_keys):
                    self.string(text)
            scopes = getattr(entry, scopes_name)
            if not self.text:
                self.cuts.append((entries, place))
                for scope in scopes:
                    self.rejected += self.count(getattr(scope, items_name), signal)
                continue
            for scope_place, scope in enumerate(scopes):
                self.text = True
                head = [
                    self.string(scope.scope.name),
                    self.string(scope.scope.version),
                    self.attributes(scope.scope.attributes),
                    scope.scope.dropped_attributes_count,
                    self.string(scope.schema_url),
                ]
                items = getattr(scope, items_name)
                if not self.text:
                    self.cuts.append((scopes, scope_place))
                    self.rejected += self.count(items, signal)
                    continue
                for item_place, each in enumerate(items):
                    self.text = True
                    shown = item(each)
                    if shown is None:
                        self.cuts.append((items, item_place))
                    else:
                        head.append(shown)
                resource.append(head)
            content.append(resource)
        return content

    @staticmethod
    def points(metric):
        kind = metric.WhichOneof("data")
        return getattr(metric, kind).data_points if kind else ()

    def count(self, items, signal):
        return sum(len(self.points(item)) for item in items) if signal == 1 else len(items)

    def keep(self, shown, well_formed):
        if well_formed and self.text:
            self.items += 1
            return shown
        self.rejected += 1
        return None

    def span(self, span):
        ok = is_id(span.trace_id, 16) and is_id(span.span_id, 8)
        parent = span.parent_span_id
        ok = ok and len(parent) in (0, 8)
        links = []
        for link in span.links:
            ok = ok and is_id(link.trace_id, 16) and is_id(link.span_id, 8)
            links.append(
                [
                    link.trace_id.hex(),
                    link.span_id.hex(),
                    self.string(link.trace_state),
                    self.attributes(link.attributes),
                    link.dropped_attributes_count,
                    link.flags,
                ]
            )
        shown = [
            span.trace_id.hex(),
            span.span_id.hex(),
            parent.hex() if any(parent) else "",
            self.string(span.trace_state),
            self.string(span.name),
            span.kind,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            span.status.code,
            self.string(span.status.message),
            span.flags,
            self.attributes(span.attributes),
            span.dropped_attributes_count,
            [
                [
                    event.time_unix_nano,
                    self.string(event.name),
                    self.attributes(event.attributes),
                    event.dropped_attributes_count,
                ]
                for event in span.events
            ],
            span.dropped_events_count,
            links,
            span.dropped_links_count,
        ]
        return self.keep(shown, ok)

    def log(self, record):
        ok = not record.trace_id or is_id(record.trace_id, 16)
        ok = ok and (not record.span_id or is_id(record.span_id, 8))
        shown = [
            record.time_unix_nano,
            record.observed_time_unix_nano,
            record.severity_number,
            self.string(record.severity_text),
            self.any(record.body),
            self.attributes(record.attributes),
            record.dropped_attributes_count,
            record.flags,
            record.trace_id.hex(),
            record.span_id.hex(),
            self.string(record.event_name),
        ]
        return self.keep(shown, ok)

    KINDS = {
        None: 0,
        "gauge": 1,
        "sum": 2,
        "histogram": 3,
        "exponential_histogram": 4,
        "summary": 5,
    }

    def metric(self, metric):
        kind = metric.WhichOneof("data")
        data = getattr(metric, kind) if kind else None
        has_temporality = kind in ("sum", "histogram", "exponential_histogram")
        temporality = data.aggregation_temporality if has_temporality else 0
        shown = [
            self.string(metric.name),
            self.string(metric.description),
            self.string(metric.unit),
            self.KINDS[kind],
            temporality,
            data.is_monotonic if kind == "sum" else False,
            self.attributes(metric.metadata),
        ]
        points = self.points(metric)
        if not self.text or (points and has_temporality and temporality not in (1, 2)):
            self.rejected += len(points)
            return None
        show = getattr(self, kind) if kind else None
        for place, point in enumerate(points):
            self.text = True
            each = show(point)
            if each is None:
                self.cuts.append((points, place))
            else:
                shown.append(each)
        return shown

    def number(self, message):
        kind = message.WhichOneof("value")
        if kind is None:
            return None
        return ["i", message.as_int] if kind == "as_int" else ["d", bits(message.as_double)]

    def exemplars(self, exemplars):
        ok = True
        shown = []
        for exemplar in exemplars:
            ok = ok and (not exemplar.trace_id or is_id(exemplar.trace_id, 16))
            ok = ok and (not exemplar.span_id or is_id(exemplar.span_id, 8))
            shown.append(
                [
                    self.attributes(exemplar.filtered_attributes),
                    exemplar.time_unix_nano,
                    self.number(exemplar),
                    exemplar.span_id.hex(),
                    exemplar.trace_id.hex(),
                ]
            )
        return ok, shown

    def head(self, point):
        return [
            self.attributes(point.attributes),
            point.start_time_unix_nano,
            point.time_unix_nano,
        ]

    def gauge(self, point):
        ok, exemplars = self.exemplars(point.exemplars)
        shown = [*self.head(point), self.number(point), point.flags, exemplars]
        return self.keep(shown, ok)

    sum = gauge

    def histogram(self, point):
        ok, exemplars = self.exemplars(point.exemplars)
        bounds = list(point.explicit_bounds)
        counts = list(point.bucket_counts)
        ok = ok and (len(counts) == len(bounds) + 1 or not (counts or bounds))
        ok = ok and all(bound == bound for bound in bounds)
        ok = ok and all(left < right for left, right in zip(bounds, bounds[1:]))
        shown = [
            *self.head(point),
            point.count,
            optional(point, "sum"),
            optional(point, "min"),
            optional(point, "max"),
            counts,
            [bits(bound) for bound in bounds],
            point.flags,
            exemplars,
        ]
        return self.keep(shown, ok)

    def exponential_histogram(self, point):
        ok, exemplars = self.exemplars(point.exemplars)
        shown = [
            *self.head(point),
            point.count,
            optional(point, "sum"),
            point.scale,
            point.zero_count,
            bits(point.zero_threshold),
            point.positive.offset,
            list(point.positive.bucket_counts),
            point.negative.offset,
            list(point.negative.bucket_counts),
            optional(point, "min"),
            optional(point, "max"),
            point.flags,
            exemplars,
        ]
        return self.keep(shown, ok)

    def summary(self, point):
        shown = [
            *self.head(point),
            point.count,
            bits(point.sum),
            [[bits(pair.quantile), bits(pair.value)] for pair in point.quantile_values],
            point.flags,
        ]
        return self.keep(shown, True)


def text_of(content):
    return json.dumps(content, separators=(",", ":"))


def flatten(message, signal):
    """Every item with all that stands around it, in order; containers without items once."""
    found = []
    entries = getattr(message, ("resource_spans", "resource_metrics", "resource_logs")[signal])
    scopes_name = ("scope_spans", "scope_metrics", "scope_logs")[signal]
    items_name = ("spans", "metrics", "log_records")[signal]

    def bare(container, name):
        copy = type(container)()
        copy.CopyFrom(container)
        copy.ClearField(name)
        return copy.SerializeToString(deterministic=True)

    for entry in entries:
        scopes = getattr(entry, scopes_name)
        around = (bare(entry, scopes_name),)
        if not scopes:
            found.append(around)
        for scope in scopes:
            items = getattr(scope, items_name)
            around_items = (*around, bare(scope, items_name))
            if not items:
                found.append(around_items)
            for item in items:
                points = Judge.points(item) if signal == 1 else ()
                if not points:
                    found.append((*around_items, item.SerializeToString(deterministic=True)))
                    continue
                empty = type(item)()
                empty.CopyFrom(item)
                getattr(empty, item.WhichOneof("data")).ClearField("data_points")
                metric = empty.SerializeToString(deterministic=True)
                for point in points:
                    raw = point.SerializeToString(deterministic=True)
                    found.append((*around_items, metric, raw))
    return found
