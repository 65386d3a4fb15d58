"""OTLP/JSON read and written by the book, slowly: what the transcoder is compared with.

OTLP specification, "JSON Protobuf Encoding", over proto3 JSON and RFC 8259. Knows none of the
transcoder's own limits. Fields come from the descriptors of PyPI's opentelemetry-proto.
"""

import base64
import json
import math
import re
import struct

from google.protobuf.descriptor import FieldDescriptor as Field

HEX_FIELDS = {"trace_id", "span_id", "parent_span_id"}
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
SURROGATE = re.compile("[\ud800-\udfff]")

INTEGERS = {
    Field.TYPE_INT32: (-(2**31), 2**31),
    Field.TYPE_SINT32: (-(2**31), 2**31),
    Field.TYPE_ENUM: (-(2**31), 2**31),
    Field.TYPE_UINT32: (0, 2**32),
    Field.TYPE_FIXED32: (0, 2**32),
    Field.TYPE_INT64: (-(2**63), 2**63),
    Field.TYPE_SFIXED64: (-(2**63), 2**63),
    Field.TYPE_UINT64: (0, 2**64),
    Field.TYPE_FIXED64: (0, 2**64),
}
WIDE = {Field.TYPE_INT64, Field.TYPE_SFIXED64, Field.TYPE_UINT64, Field.TYPE_FIXED64}


class Refused(Exception):
    pass


class Malformed(Exception):
    """The request can be read, but an id or a string of some item is none."""


class Number:
    def __init__(self, text):
        self.text = text


class Members:
    def __init__(self, pairs):
        self.pairs = pairs


# Reading


def read(body, message):
    """Fills an empty message from bytes, or raises Refused or Malformed."""
    # What is not UTF-8 becomes surrogates, which JSON takes in strings only.
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")

    def constant(name):
        raise Refused(name)

    try:
        value = json.loads(
            text,
            object_pairs_hook=Members,
            parse_float=Number,
            parse_int=Number,
            parse_constant=constant,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from error
    flaws = []
    fill(message, value, flaws)
    if flaws:
        raise Malformed(flaws[0])
    return message


def fill(message, value, flaws):
    if not isinstance(value, Members):
        raise Refused("no object")
    fields = {field.json_name: field for field in message.DESCRIPTOR.fields}
    seen, oneofs = set(), set()
    for key, member in value.pairs:
        field = fields.get(key)
        if field is None:
            continue
        if key in seen:
            raise Refused("twice")
        seen.add(key)
        if member is None:
            continue
        if field.containing_oneof is not None:
            if field.containing_oneof.name in oneofs:
                raise Refused("oneof")
            oneofs.add(field.containing_oneof.name)
        target = getattr(message, field.name) if is_container(field) else None
        if field.is_repeated:
            if not isinstance(member, list):
                raise Refused("no array")
            for element in member:
                if field.message_type:
                    fill(target.add(), element, flaws)
                else:
                    target.append(scalar(field, element, flaws))
        elif field.message_type:
            target.SetInParent()
            fill(target, member, flaws)
        else:
            setattr(message, field.name, scalar(field, member, flaws))


def is_container(field):
    return field.is_repeated or field.message_type is not None


def scalar(field, value, flaws):
    if field.type == Field.TYPE_BOOL:
        if not isinstance(value, bool):
            raise Refused("no bool")
        return value
    if field.type == Field.TYPE_DOUBLE:
        return double(value)
    if field.type in INTEGERS:
        return integer(field, value)
    if not isinstance(value, str):
        raise Refused("no string")
    if field.type == Field.TYPE_STRING:
        if SURROGATE.search(value):
            flaws.append("no text")
            return ""
        return value
    if field.name in HEX_FIELDS:
        if len(value) % 2 or not re.fullmatch("[0-9a-fA-F]*", value, re.ASCII):
            flaws.append("no hex")
            return b""
        return bytes.fromhex(value)
    return from_base64(value)


def from_base64(text):
    digits = re.sub("={1,2}$", "", text)
    padded = digits != text
    if not re.fullmatch("[A-Za-z0-9+/_-]*", digits, re.ASCII) or text.endswith("\n"):
        raise Refused("no base64")
    if len(digits) % 4 == 1 or (padded and len(text) % 4):
        raise Refused("base64 of impossible length")
    standard = digits.replace("-", "+").replace("_", "/")
    return base64.b64decode(standard + "=" * (-len(digits) % 4))


def double(value):
    if isinstance(value, str):
        special = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        if value in special:
            return special[value]
    number = float(number_text(value))
    if math.isinf(number):
        raise Refused("beyond a double")
    return number


def integer(field, value):
    if field.enum_type and isinstance(value, str) and value in field.enum_type.values_by_name:
        return field.enum_type.values_by_name[value].number
    whole, fraction, exponent = NUMBER.fullmatch(number_text(value)).groups()
    fraction = (fraction or ".")[1:]
    power = int((exponent or "e0")[1:]) - len(fraction)
    digits = int(whole + fraction)
    while digits and digits % 10 == 0:
        digits //= 10
        power += 1
    if digits and (power < 0 or power > 30):
        raise Refused("no integer")
    number = digits * 10 ** max(power, 0) if digits else 0
    number = -number if number_text(value).startswith("-") else number
    lowest, end = INTEGERS[field.type]
    if not lowest <= number < end:
        raise Refused("out of range")
    return number


def number_text(value):
    text = value.text if isinstance(value, Number) else value
    if not isinstance(text, str) or not NUMBER.fullmatch(text):
        raise Refused("no number")
    return text


# Writing


def write(message, random):
    """A message as OTLP/JSON, in one of the many ways that are allowed."""
    return space(random) + written_object(message, random) + space(random)


def space(random):
    return "".join(random.choices(" \n\t\r", k=random.randrange(4))) if random.random() < 0.1 else ""


def written_object(message, random):
    members = []
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated:
            value = getattr(message, field.name)
            if len(value) or random.random() < 0.05:
                members.append((field, written_array(field, value, random)))
        elif field.has_presence and not message.HasField(field.name):
            if random.random() < 0.05:
                members.append((field, "null"))
        else:
            value = getattr(message, field.name)
            is_default = value == 0 and math.copysign(1, value) > 0 if isinstance(value, float) else not value
            if field.has_presence or not is_default or random.random() < 0.2:
                members.append((field, written(field, value, random)))
    texts = [(quoted(field.json_name, random), text) for field, text in members]
    if random.random() < 0.1:
        texts.append((quoted("unknownKey", random), unknown(random, 3)))
    random.shuffle(texts)
    between = "," + space(random)
    return "{" + between.join(key + space(random) + ":" + text for key, text in texts) + "}"


def written_array(field, values, random):
    return "[" + ("," + space(random)).join(written(field, v, random) for v in values) + "]"


def written(field, value, random):
    if field.message_type:
        return written_object(value, random)
    if field.type == Field.TYPE_BOOL:
        return "true" if value else "false"
    if field.type == Field.TYPE_DOUBLE:
        return written_double(value, random)
    if field.type == Field.TYPE_STRING:
        return quoted(value, random)
    if field.type == Field.TYPE_BYTES:
        if field.name in HEX_FIELDS:
            text = value.hex()
            return quoted(text.upper() if random.random() < 0.3 else text, random)
        encode = random.choice([base64.b64encode, base64.urlsafe_b64encode])
        text = encode(value).decode()
        return quoted(text.rstrip("=") if random.random() < 0.3 else text, random)
    if field.enum_type and value in field.enum_type.values_by_number and random.random() < 0.2:
        return quoted(field.enum_type.values_by_number[value].name, random)
    text = str(value)
    if random.random() < 0.1 and value % 10 == 0 and value:
        text = str(value // 10) + random.choice(["e1", "E+1", "0.0", "0e0"])
    as_string = 0.8 if field.type in WIDE else 0.1
    return quoted(text, random) if random.random() < as_string else text


def written_double(value, random):
    if math.isnan(value):
        return '"NaN"'
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    text = random.choice([repr(value), f"{value:.25e}" if abs(value) > 1e-200 else repr(value)])
    return quoted(text, random) if random.random() < 0.2 else text


def quoted(text, random):
    """A JSON string; now and then with more escapes than it needs."""
    style = random.random()
    if style < 0.7:
        return json.dumps(text, ensure_ascii=style < 0.2)
    result = []
    for character in text:
        if random.random() < 0.1:
            units = struct.unpack(f"<{len(character.encode('utf-16-le')) // 2}H", character.encode("utf-16-le"))
            result += [random.choice(["\\u%04x", "\\u%04X"]) % unit for unit in units]
        else:
            result.append(json.dumps(character, ensure_ascii=False)[1:-1])
    return '"' + "".join(result) + '"'


def unknown(random, depth):
    kind = random.randrange(7 if depth else 5)
    if kind == 5:
        return "[" + ",".join(unknown(random, depth - 1) for _ in range(random.randrange(3))) + "]"
    if kind == 6:
        return "{" + ",".join(f'"k{n}":' + unknown(random, depth - 1) for n in range(random.randrange(3))) + "}"
    return ["null", "true", "-1.5e-7", '"\\u00e9 {[,"', "0"][kind]
