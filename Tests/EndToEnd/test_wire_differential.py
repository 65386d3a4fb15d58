"""The reader of RoostWire and PyPI's protobuf must make the same of the same bytes.

Intended differences, all of them (docs/wire.md has the reasons):

1. More than 64 messages inside each other: refused by Roost, by protobuf from 101 on.
2. Groups (wire types 3 and 4): refused by Roost, skipped by protobuf.
3. Text that is not UTF-8: cuts the item (or the metric, scope entry, resource entry) for Roost,
   refuses the request for protobuf.
4. Ids, bucket counts, bounds and temporality are judged by Roost after the wire verdict.
5. A parent_span_id of eight zeros is shown as none.
"""

import json
import os
import pathlib
import random
import subprocess

import pytest

from wire_mutations import Maker, Mutator, broken_texts, survey
from wire_reference import LENIENT, STRICT, Judge, flatten, parse, text_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = int(os.environ.get("ROOST_WIRE_CASES", "102000"))
SEED = int(os.environ.get("ROOST_WIRE_SEED", "20261120"))
BATCH = 3000


@pytest.fixture(scope="module")
def wire_dump():
    chosen = os.environ.get("ROOST_WIRE_DUMP")
    places = [chosen] if chosen else [ROOT / ".build" / m / "wire-dump" for m in ("release", "debug")]
    existing = [place for place in places if pathlib.Path(place).exists()]
    if not existing:
        pytest.fail("wire-dump is not built: run `swift build --product wire-dump`")
    newest = max(existing, key=lambda place: pathlib.Path(place).stat().st_mtime)

    def run(requests):
        """Lines for a list of (operation, signal, bytes, largest piece)."""
        data = b"".join(
            operation
            + bytes([signal])
            + len(raw).to_bytes(4, "little")
            + limit.to_bytes(4, "little")
            + raw
            for operation, signal, raw, limit in requests
        )
        done = subprocess.run([newest], input=data, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr.decode()
        lines = done.stdout.splitlines()
        assert len(lines) == len(requests), "wire-dump ended early"
        return lines

    return run


def corpus(rng):
    maker = Maker(rng)
    return [[maker.request(s).SerializeToString() for _ in range(250)] for s in range(3)]


def compare(signal, raw, line, tally):
    """None, or what is different. Counts the ways a case can go in `tally`."""
    lenient = parse(LENIENT[signal], raw)
    if line.startswith(b'{"ok":false'):
        tally["refused"] += 1
        if lenient is None:
            return None
        reason = json.loads(line)["reason"]
        try:
            depth, group = survey(raw, STRICT[signal].DESCRIPTOR)
        except ValueError:
            depth, group = 0, False
        if reason == "tooDeep" and depth > 64:
            tally["too deep"] += 1
            return None
        if reason == "unsupportedWireType" and group:
            tally["group"] += 1
            return None
        return f"refused ({reason}), protobuf reads it"
    if lenient is None:
        return "read, protobuf refuses it"
    if line.count(b'["a"') + line.count(b'["k"') > 20:
        assert survey(raw, STRICT[signal].DESCRIPTOR)[0] <= 64, "read, but too deep"
    judge = Judge()
    content = judge.request(lenient, signal)
    head, _, rest = line.partition(b',"content":')
    verdict = json.loads(head + b"}")
    strict = parse(STRICT[signal], raw)
    if strict is None:
        tally["broken text"] += 1
    if verdict["rejected"]:
        tally["with rejected items"] += 1
    if verdict["counted"] != verdict["items"] + verdict["rejected"]:
        return "countItems disagrees"
    same = (verdict["items"], verdict["rejected"]) == (judge.items, judge.rejected)
    if same and rest[:-1].decode() == text_of(content):
        return None
    if hides_text(lenient, raw, signal) and verdict["rejected"] >= judge.rejected:
        tally["hidden text"] += 1
        return None
    return f"counts {verdict}, expected {judge.items} and {judge.rejected}" if not same else "content"


def hides_text(lenient, raw, signal):
    """Broken text that a later value replaced: protobuf refuses the request for it too, but it
    cannot be seen in what was parsed, so the exact cut is not known here."""
    descriptor = STRICT[signal].DESCRIPTOR
    visible = broken_texts(lenient.SerializeToString(), descriptor)
    return broken_texts(raw, descriptor) > visible


def test_reader_agrees_with_protobuf(wire_dump):
    rng = random.Random(SEED)
    bases = corpus(rng)
    mutator = Mutator(rng, bases)
    ways = "refused", "too deep", "group", "broken text", "with rejected items", "hidden text"
    tally = dict.fromkeys(ways, 0)
    for _ in range(0, CASES, BATCH):
        cases = []
        for _ in range(BATCH):
            signal = rng.randrange(3)
            cases.append((signal, mutator.mutate(rng.choice(bases[signal]), signal)))
        lines = wire_dump([(b"d", signal, raw, 0) for signal, raw in cases])
        for (signal, raw), line in zip(cases, lines):
            difference = compare(signal, raw, line, tally)
            assert difference is None, f"{difference}\nsignal {signal}\n{raw.hex()}\n{line}"
    print(tally)
    # The mutations reach every rule, and most requests survive them.
    assert all(tally[way] > 0 for way in ways)
    assert tally["refused"] < 0.4 * CASES
    assert tally["hidden text"] < 0.01 * CASES


def test_reframed_requests_are_the_original_without_the_rejected_items(wire_dump):
    rng = random.Random(SEED + 1)
    bases = corpus(rng)
    mutator = Mutator(rng, bases)
    checked = 0
    for _ in range(4):
        cases = []
        for _ in range(BATCH):
            signal = rng.randrange(3)
            cases.append((signal, mutator.mutate(rng.choice(bases[signal]), signal)))
        dumps = wire_dump([(b"d", signal, raw, 0) for signal, raw in cases])
        cut = wire_dump([(b"r", signal, raw, 0) for signal, raw in cases])
        for (signal, raw), dump, line in zip(cases, dumps, cut):
            if not dump.startswith(b'{"ok":true'):
                continue
            verdict = json.loads(dump)
            after = bytes.fromhex(json.loads(line)["bytes"])
            lenient = parse(LENIENT[signal], raw)
            judge = Judge()
            judge.request(lenient, signal)
            # Peers that insist on UTF-8 must be able to read what is left.
            assert parse(STRICT[signal], after) is not None, raw.hex()
            if verdict["cuts"] == 0:
                assert after == raw
            if hides_text(lenient, raw, signal):
                continue
            checked += len(judge.cuts) > 0
            for container, place in reversed(judge.cuts):
                del container[place]
            expected = lenient.SerializeToString(deterministic=True)
            got = parse(LENIENT[signal], after).SerializeToString(deterministic=True)
            assert got == expected, raw.hex()
    assert checked > 300


def test_split_pieces_hold_every_item_once_with_all_that_stands_around_it(wire_dump):
    rng = random.Random(SEED + 2)
    bases = corpus(rng)
    mutator = Mutator(rng, bases)
    several = 0
    for _ in range(3):
        cases = []
        for _ in range(BATCH):
            signal = rng.randrange(3)
            raw = mutator.mutate(rng.choice(bases[signal]), signal)
            cases.append((signal, raw, rng.randint(40, 900)))
        dumps = wire_dump([(b"d", signal, raw, 0) for signal, raw, _ in cases])
        good = [case for case, dump in zip(cases, dumps) if dump.startswith(b'{"ok":true')]
        lines = wire_dump([(b"s", signal, raw, limit) for signal, raw, limit in good])
        for (signal, raw, limit), line in zip(good, lines):
            pieces = [(items, bytes.fromhex(data)) for items, data in json.loads(line)]
            several += len(pieces) > 1
            original = flatten(parse(LENIENT[signal], raw), signal)
            got = []
            for items, piece in pieces:
                message = parse(LENIENT[signal], piece)
                assert message is not None, raw.hex()
                judge = Judge()
                judge.request(message, signal)
                assert judge.items + judge.rejected == items, raw.hex()
                units = flatten(message, signal)
                if len(piece) > limit and len(units) > 1 and signal != 1:
                    # Not cut because what would be repeated fills half a piece.
                    around = len(piece) - sum(len(unit[-1]) for unit in units)
                    assert around > limit // 2, raw.hex()
                got += units
            assert got == original, f"limit {limit}\n{raw.hex()}"
    assert several > 500
