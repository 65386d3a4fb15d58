"""Destinations whose name server does not answer."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest
from conftest import PATIENCE
from otlp_peers import HTTPPeer, Sender, trace_request
from test_forwarding import assert_same, destination, ends, ledger  # noqa: F401

HERE = pathlib.Path(__file__).parent
COMPILER = shutil.which("clang") or shutil.which("cc")
SHUTDOWN = 1


@pytest.fixture
def silence(tmp_path):
    """The environment in which no name that ends in `.silent` is ever found or not found."""
    library = tmp_path / "silent_names.so"
    subprocess.run([COMPILER, "-shared", "-fPIC", "-O1", "-o", library, HERE / "silent_names.c"],
                   check=True)
    others = os.environ.get("ROOST_PRELOAD", "").split()
    return {"LD_PRELOAD": " ".join([*others, str(library)])}


@pytest.mark.skipif(not COMPILER, reason="no compiler for silent_names.c")
def test_a_name_server_that_is_silent_holds_up_nobody(roost, ends, silence):
    """Neither the other destination, nor the end."""
    peer = ends(HTTPPeer())
    lost = {"name": "lost", "endpoint": "http://collector.silent:4318", "timeout": "200ms",
            "retry": {"initial": "20ms", "max": "100ms"}}
    collector = roost({"export": [destination(peer), lost], "shutdown": f"{SHUTDOWN}s"},
                      env=silence)
    sender = ends(Sender(collector))
    step = 0
    while ledger(collector, "lost")["failed"].get("timeout", 0) < 5:
        sender(trace_request(10 * step, 10))
        peer.wait_items(sender.count(), timeout=PATIENCE)
        step += 1
    assert_same(peer, sender)
    assert ledger(collector, "lost")["failed"].keys() == {"timeout"}
    began = time.monotonic()
    assert collector.stop() == 0
    assert time.monotonic() - began < (SHUTDOWN + 2) * PATIENCE
