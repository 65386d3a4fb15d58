"""Small OTLP requests and ways to bend them that know where the fields are."""

import struct

from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from wire_reference import STRICT, is_utf8


def varint(value, padding=0):
    """A varint; `padding` adds bytes that it does not need."""
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if value or padding:
            out.append(byte | 0x80)
            if not value:
                padding -= 1
                out += b"\x80" * padding + b"\x00"
                return bytes(out)
        else:
            out.append(byte)
            return bytes(out)


def read_varint(raw, at):
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
        if shift >= 70:
            raise ValueError


def fields(raw):
    """(number, type, start, start of the payload, end) of each field; ValueError when broken."""
    at = 0
    found = []
    try:
        while at < len(raw):
            start = at
            tag, at = read_varint(raw, at)
            kind = tag & 7
            payload = at
            if kind == 0:
                _, at = read_varint(raw, at)
            elif kind == 1:
                at += 8
            elif kind == 5:
                at += 4
            elif kind == 2:
                length, payload = read_varint(raw, at)
                at = payload + length
            elif kind in (3, 4):
                pass
            else:
                raise ValueError
            if at > len(raw):
                raise ValueError
            found.append((tag >> 3, kind, start, payload, at))
    except IndexError:
        raise ValueError from None
    return found


def survey(raw, descriptor, level=0):
    """How many messages lie inside each other below this one, and whether there is a group."""
    deepest, group = level, False
    for number, kind, _, payload, end in fields(raw):
        if kind in (3, 4):
            # What stands inside the group is not looked at.
            return deepest, True
        field = descriptor.fields_by_number.get(number)
        if kind == 2 and field is not None and field.message_type is not None:
            below, found = survey(raw[payload:end], field.message_type, level + 1)
            deepest, group = max(deepest, below), group or found
    return deepest, group


def broken_texts(raw, descriptor):
    """How many strings are not UTF-8, also those that a later value replaces."""
    count = 0
    for number, kind, _, payload, end in fields(raw):
        field = descriptor.fields_by_number.get(number)
        if kind != 2 or field is None:
            continue
        if field.message_type is not None:
            count += broken_texts(raw[payload:end], field.message_type)
        elif field.type == field.TYPE_STRING:
            count += not is_utf8(raw[payload:end])
    return count


class Maker:
    """Random well-formed requests."""

    def __init__(self, random):
        self.random = random

    def some(self, make, most=2):
        return [make() for _ in range(self.random.randint(0, most))]

    def text(self):
        return self.random.choice(
            ["", "a", "agent.name", "gen_ai.request.model", "größe", "日本", "🐔", "x" * 9, "é" * 40]
        )

    def number(self, width=64):
        r = self.random
        return r.choice([0, 1, r.getrandbits(7), r.getrandbits(width // 2), r.getrandbits(width)])

    def double(self):
        return self.random.choice([0.0, 1.5, -2.25, 1e300, float("inf"), float("nan")])

    def id(self, length):
        return bytes([1]) + self.random.randbytes(length - 1)

    def any(self, depth=0):
        r = self.random
        kind = r.randrange(8 if depth < 3 else 6)
        if kind == 0:
            return common.AnyValue()
        if kind == 1:
            return common.AnyValue(string_value=self.text())
        if kind == 2:
            return common.AnyValue(bool_value=r.random() < 0.5)
        if kind == 3:
            return common.AnyValue(int_value=self.number() - (1 << 63))
        if kind == 4:
            return common.AnyValue(double_value=self.double())
        if kind == 5:
            return common.AnyValue(bytes_value=r.randbytes(r.randint(0, 9)))
        if kind == 6:
            values = self.some(lambda: self.any(depth + 1))
            return common.AnyValue(array_value=common.ArrayValue(values=values))
        values = self.some(lambda: self.pair(depth + 1))
        return common.AnyValue(kvlist_value=common.KeyValueList(values=values))

    def pair(self, depth=0):
        return common.KeyValue(key=self.text(), value=self.any(depth))

    def pairs(self):
        return self.some(self.pair)

    def request(self, signal):
        name = ("resource_spans", "resource_metrics", "resource_logs")[signal]
        return STRICT[signal](**{name: self.some(lambda: self.entry(signal))})

    def entry(self, signal):
        cls = (trace_pb2.ResourceSpans, metrics_pb2.ResourceMetrics, logs_pb2.ResourceLogs)[signal]
        name = ("scope_spans", "scope_metrics", "scope_logs")[signal]
        references = self.some(
            lambda: common.EntityRef(
                schema_url=self.text(),
                type=self.text(),
                id_keys=self.some(self.text),
                description_keys=self.some(self.text),
            ),
            1,
        )
        resource = resource_pb2.Resource(
            attributes=self.pairs(),
            dropped_attributes_count=self.number(32),
            entity_refs=references,
        )
        scopes = self.some(lambda: self.scope(signal))
        return cls(resource=resource, schema_url=self.text(), **{name: scopes})

    def scope(self, signal):
        cls = (trace_pb2.ScopeSpans, metrics_pb2.ScopeMetrics, logs_pb2.ScopeLogs)[signal]
        name = ("spans", "metrics", "log_records")[signal]
        make = (self.span, self.metric, self.log)[signal]
        scope = common.InstrumentationScope(
            name=self.text(), version=self.text(), attributes=self.some(self.pair, 1)
        )
        return cls(scope=scope, schema_url=self.text(), **{name: self.some(make, 3)})

    def span(self):
        return trace_pb2.Span(
            trace_id=self.id(16),
            span_id=self.id(8),
            parent_span_id=self.random.choice([b"", self.id(8), bytes(8)]),
            trace_state=self.text(),
            name=self.text(),
            kind=self.random.randrange(6),
            start_time_unix_nano=self.number(),
            end_time_unix_nano=self.number(),
            attributes=self.pairs(),
            dropped_attributes_count=self.number(32),
            events=self.some(
                lambda: trace_pb2.Span.Event(
                    time_unix_nano=self.number(), name=self.text(), attributes=self.pairs()
                ),
                1,
            ),
            links=self.some(
                lambda: trace_pb2.Span.Link(
                    trace_id=self.id(16),
                    span_id=self.id(8),
                    trace_state=self.text(),
                    attributes=self.pairs(),
                    flags=self.number(32),
                ),
                1,
            ),
            status=trace_pb2.Status(message=self.text(), code=self.random.randrange(3)),
            flags=self.number(32),
        )

    def log(self):
        return logs_pb2.LogRecord(
            time_unix_nano=self.number(),
            observed_time_unix_nano=self.number(),
            severity_number=self.random.randrange(25),
            severity_text=self.text(),
            body=self.any(),
            attributes=self.pairs(),
            dropped_attributes_count=self.number(32),
            flags=self.number(32),
            trace_id=self.random.choice([b"", self.id(16)]),
            span_id=self.random.choice([b"", self.id(8)]),
            event_name=self.text(),
        )

    def metric(self):
        metric = metrics_pb2.Metric(
            name=self.text(),
            description=self.text(),
            unit=self.text(),
            metadata=self.some(self.pair, 1),
        )
        kind = self.random.choice(["gauge", "sum", "histogram", "exponential_histogram", "summary"])
        data = getattr(metric, kind)
        data.SetInParent()
        data.data_points.extend(self.some(lambda: self.point(kind), 3))
        if kind in ("sum", "histogram", "exponential_histogram"):
            data.aggregation_temporality = self.random.choice([1, 2])
        if kind == "sum":
            data.is_monotonic = True
        return metric

    def exemplar(self):
        return metrics_pb2.Exemplar(
            filtered_attributes=self.some(self.pair, 1),
            time_unix_nano=self.number(),
            as_double=self.double(),
            trace_id=self.random.choice([b"", self.id(16)]),
            span_id=self.random.choice([b"", self.id(8)]),
        )

    def point(self, kind):
        r = self.random
        same = dict(
            attributes=self.pairs(),
            start_time_unix_nano=self.number(),
            time_unix_nano=self.number(),
            flags=r.randrange(2),
        )
        if kind in ("gauge", "sum"):
            value = r.choice([{}, {"as_int": -5}, {"as_double": self.double()}])
            exemplars = self.some(self.exemplar, 1)
            return metrics_pb2.NumberDataPoint(**same, **value, exemplars=exemplars)
        if kind == "summary":
            quantile = metrics_pb2.SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=2.0)
            return metrics_pb2.SummaryDataPoint(
                **same, count=self.number(), sum=1.0, quantile_values=[quantile] * r.randrange(3)
            )
        same["count"] = self.number()
        same["exemplars"] = self.some(self.exemplar, 1)
        for name in ("sum", "min", "max"):
            if r.random() < 0.5:
                same[name] = self.double()
        if kind == "histogram":
            bounds = [0.5 * i for i in range(r.randrange(4))]
            counts = [self.number() for _ in range(len(bounds) + 1)]
            return metrics_pb2.HistogramDataPoint(
                **same, explicit_bounds=bounds, bucket_counts=counts
            )
        buckets = metrics_pb2.ExponentialHistogramDataPoint.Buckets
        return metrics_pb2.ExponentialHistogramDataPoint(
            **same,
            scale=r.randint(-10, 20),
            zero_count=self.number(),
            zero_threshold=0.25,
            positive=buckets(offset=-3, bucket_counts=[self.number() for _ in range(3)]),
            negative=buckets(offset=7, bucket_counts=self.some(self.number)),
        )


class Mutator:
    """Bends a request in one to three places, each chosen by walking down the messages."""

    def __init__(self, random, corpus):
        self.random = random
        # Fields of each message as they occur, for splicing.
        self.pool = {}
        for signal, raws in enumerate(corpus):
            for raw in raws:
                self._collect(raw, STRICT[signal].DESCRIPTOR)

    def _collect(self, raw, descriptor):
        pool = self.pool.setdefault(descriptor.full_name, [])
        for number, kind, start, payload, end in fields(raw):
            pool.append(raw[start:end])
            field = descriptor.fields_by_number.get(number)
            if kind == 2 and field is not None and field.message_type is not None:
                self._collect(raw[payload:end], field.message_type)

    def mutate(self, raw, signal):
        r = self.random
        for _ in range(r.choice((1, 1, 1, 2, 2, 3))):
            try:
                raw = self._descend(raw, STRICT[signal].DESCRIPTOR)
            except ValueError:
                break
        if r.random() < 0.12:
            raw = self._damage(raw)
        return raw

    def _damage(self, raw):
        """Bytes changed without looking."""
        r = self.random
        if not raw:
            return raw
        at = r.randrange(len(raw))
        return r.choice(
            (
                lambda: raw[:at] + bytes([raw[at] ^ 1 << r.randrange(8)]) + raw[at + 1 :],
                lambda: raw[:at] + bytes([r.randrange(256)]) + raw[at + 1 :],
                lambda: raw[:at],
                lambda: raw[:at] + r.randbytes(r.randint(1, 4)) + raw[at:],
                lambda: raw[:at] + raw[at + r.randint(1, 4) :],
            )
        )()

    def _descend(self, raw, descriptor):
        r = self.random
        found = fields(raw)
        inner = []
        for field in found:
            known = descriptor.fields_by_number.get(field[0])
            if field[1] == 2 and known is not None and known.message_type is not None:
                inner.append((field, known.message_type))
        if inner and r.random() < 0.82:
            (number, _, start, payload, end), child = r.choice(inner)
            new = self._descend(raw[payload:end], child)
            length = varint(len(new), r.randint(1, 3) if r.random() < 0.03 else 0)
            return raw[:start] + varint(number << 3 | 2) + length + new + raw[end:]
        parts = [raw[start:end] for _, _, start, _, end in found]
        r.choice(self.OPERATIONS)(self, parts, found, raw, descriptor)
        return b"".join(parts)

    # Each changes `parts`, the fields of one message.

    def _duplicate(self, parts, *_):
        if parts:
            at = self.random.randrange(len(parts))
            parts.insert(self.random.choice((at, 0, len(parts))), parts[at])

    def _splice(self, parts, _, __, descriptor):
        pool = self.pool.get(descriptor.full_name)
        if pool:
            parts.insert(self.random.randint(0, len(parts)), self.random.choice(pool))

    def _replace(self, parts, _, __, descriptor):
        pool = self.pool.get(descriptor.full_name)
        if pool and parts:
            parts[self.random.randrange(len(parts))] = self.random.choice(pool)

    def _shuffle(self, parts, *_):
        self.random.shuffle(parts)

    def _delete(self, parts, *_):
        if parts:
            del parts[self.random.randrange(len(parts))]

    def _value(self, kind):
        r = self.random
        if kind == 0:
            return r.choice(
                (
                    lambda: varint(r.getrandbits(r.choice((1, 7, 14, 32, 33, 63, 64)))),
                    lambda: varint(r.getrandbits(7), r.randint(1, 8)),
                    lambda: b"\xff" * 9 + bytes([r.choice((0, 1, 2, 0x7F))]),
                    lambda: b"\xff" * 10 + b"\x01",
                )
            )()
        if kind == 1:
            return r.choice((r.randbytes(8), struct.pack("<d", r.choice((0.0, 1.0, float("nan"))))))
        if kind == 5:
            return r.randbytes(4)
        payload = r.randbytes(r.choice((0, 1, 8, 8, 16, 3, 24)))
        return varint(len(payload)) + payload

    def _wrong_type(self, parts, found, *_):
        """A known number with a wire type that it may not have."""
        if found:
            number = self.random.choice(found)[0]
            kind = self.random.choice((0, 0, 1, 1, 2, 5, 5))
            at = self.random.randint(0, len(parts))
            parts.insert(at, varint(number << 3 | kind) + self._value(kind))

    def _new_value(self, parts, found, *_):
        """Another value of the same type."""
        if parts:
            at = self.random.randrange(len(parts))
            number, kind = found[at][:2]
            if kind in (0, 1, 2, 5):
                parts[at] = varint(number << 3 | kind) + self._value(kind)

    def _unknown(self, parts, *_):
        r = self.random
        number = r.choice((4, 8, 13, 17, 100, 1000, 5000, (1 << 29) - 1, r.getrandbits(29)))
        kind = r.choice((0, 1, 2, 5))
        parts.insert(r.randint(0, len(parts)), varint(number << 3 | kind) + self._value(kind))

    def _group(self, parts, *_):
        r = self.random
        if r.random() < 0.3:
            number = r.randint(1, 30)
            inner = b"".join(parts[:1])
            group = varint(number << 3 | 3) + inner + varint(number << 3 | 4)
            parts.insert(r.randint(0, len(parts)), group)

    def _bad_tag(self, parts, *_):
        r = self.random
        if r.random() < 0.3:
            tag = r.choice((0, 1, 2, 5, 6, 7, 0x0E, 0x0F, 0x0C, 1 << 32, 1 << 35))
            parts.insert(r.randint(0, len(parts)), varint(tag) + self._value(r.choice((0, 2))))

    def _long_tag(self, parts, found, raw, _):
        """Tags and lengths with more bytes than they need."""
        if parts:
            at = self.random.randrange(len(parts))
            number, kind, start, payload, end = found[at]
            tag = number << 3 | kind
            middle = b""
            if kind == 2:
                middle = varint(end - payload, self.random.randint(0, 5))
            padding = self.random.randint(0, 5)
            parts[at] = varint(tag, padding) + middle + raw[payload:end]

    def _packing(self, parts, found, raw, descriptor):
        """Packed numbers singly, cut in two, or with bytes missing."""
        r = self.random
        for at, (number, kind, _, payload, end) in enumerate(found):
            field = descriptor.fields_by_number.get(number)
            if kind != 2 or field is None or field.cpp_type in (9, 10) or not field.is_repeated:
                continue
            data = raw[payload:end]
            if field.type in (field.TYPE_FIXED64, field.TYPE_DOUBLE):
                values = [data[i : i + 8] for i in range(0, len(data), 8)]
                single = varint(number << 3 | 1)
            else:
                values, place = [], 0
                while place < len(data):
                    _, after = read_varint(data, place)
                    values.append(data[place:after])
                    place = after
                single = varint(number << 3 | 0)
            cut = r.randint(0, len(values))
            head, tail = b"".join(values[:cut]), b"".join(values[cut:])
            if r.random() < 0.1:
                head = head[:-1]
            packed = varint(number << 3 | 2)
            parts[at] = packed + varint(len(head)) + head
            if r.random() < 0.5:
                parts[at] += b"".join(single + value for value in values[cut:])
            else:
                parts.insert(r.randint(0, len(parts)), packed + varint(len(tail)) + tail)
            return

    def _halve(self, parts, found, raw, descriptor):
        """A message as two that have to be merged."""
        r = self.random
        choices = [f for f in enumerate(found) if f[1][1] == 2]
        if not choices:
            return
        at, (number, _, _, payload, end) = r.choice(choices)
        field = descriptor.fields_by_number.get(number)
        if field is None or field.message_type is None:
            return
        inner = [raw[payload:end][f[2] : f[4]] for f in fields(raw[payload:end])]
        cut = r.randint(0, len(inner))
        halves = [b"".join(inner[:cut]), b"".join(inner[cut:])]
        tag = varint(number << 3 | 2)
        parts[at] = tag + varint(len(halves[0])) + halves[0]
        second = tag + varint(len(halves[1])) + halves[1]
        parts.insert(r.choice((at + 1, r.randint(0, len(parts)))), second)

    def _bad_text(self, parts, found, raw, descriptor):
        r = self.random
        for at, (number, kind, _, payload, end) in enumerate(found):
            field = descriptor.fields_by_number.get(number)
            if kind == 2 and field is not None and field.type == field.TYPE_STRING:
                text = bytearray(raw[payload:end])
                place = r.randint(0, len(text))
                text[place:place] = r.choice(
                    (
                        b"\xff", b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x80\x80\x80",
                        b"\xf4\x90\x80\x80", b"\xc3", b"\xe2\x82", b"\x80", b"\xf5\x80\x80\x80",
                        "\U0010ffff".encode(), "\ud7ff\ue000".encode(), b"\xc2\x80", b"\x00",
                    )
                )
                parts[at] = varint(number << 3 | 2) + varint(len(text)) + bytes(text)
                if r.random() < 0.6:
                    return

    def _deep(self, parts, _, __, descriptor):
        """An array or map inside another, about as deep as is allowed."""
        r = self.random
        if "AnyValue" != descriptor.name:
            return
        value = b"\x0a\x01x"
        for _ in range(r.choice((3, 20, r.randint(25, 34), r.randint(18, 24), r.randint(45, 60)))):
            if r.random() < 0.7:
                value = b"\x0a" + varint(len(value)) + value
                value = b"\x2a" + varint(len(value)) + value
            else:
                value = b"\x12" + varint(len(value)) + value
                value = b"\x0a" + varint(len(value)) + value
                value = b"\x32" + varint(len(value)) + value
        parts.append(value)

    OPERATIONS = (
        _duplicate, _duplicate, _splice, _splice, _splice, _replace, _shuffle, _delete,
        _wrong_type, _new_value, _new_value, _unknown, _group, _bad_tag, _long_tag, _packing,
        _packing, _halve, _halve, _halve, _bad_text, _deep, _deep,
    )  # fmt: skip
