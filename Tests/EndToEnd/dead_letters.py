"""Dead letters as files: what a test finds in the folder of a destination."""

import collections
import json
import pathlib
import stat

from otlp_peers import SIGNALS, items


class Letter:
    """One letter; everything about its files is checked."""

    def __init__(self, note):
        self.note_file = note
        self.note = json.loads(note.read_text())
        self.body_file = note.with_name(self.note["body"])
        body = self.body_file.read_bytes()
        for file in (self.note_file, self.body_file):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert self.note["bytes"] == len(body)
        self.signal = self.note["signal"]
        self.request = SIGNALS[self.signal][0].FromString(body)
        self.items = collections.Counter(items(self.signal, self.request))
        assert sum(self.items.values()) == self.note["items"]

    @property
    def reason(self):
        return self.note["reason"]

    @property
    def message(self):
        return self.note["answer"]["message"]


def folder_of(collector, exporter="peer"):
    return pathlib.Path(collector.data) / "dead-letters" / exporter


def letters(place, exporter="peer"):
    """The letters of a collector's destination, or of a folder; nothing else may lie there.

    A letter that is being written has a body and no note yet: it is on the disk when it is counted.
    """
    folder = place if isinstance(place, pathlib.Path) else folder_of(place, exporter)
    if not folder.exists():
        return []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = [Letter(file) for file in sorted(folder.glob("*.json"))]
    others = [file for file in folder.iterdir() if file.name != "lock"]
    assert len(others) == 2 * len(found)
    return found


def kept(found, signal="traces"):
    """All items in letters."""
    return sum((one.items for one in found if one.signal == signal), collections.Counter())
