"""What stands in the way of a start is named, with what to do, and the exit code is 1."""

import os
import socket
import subprocess
import sys

import pytest


def refused(process):
    assert process.wait_end() == 1
    return process.log


@pytest.mark.parametrize("name", ["grpc", "http", "web"])
def test_a_second_roost_on_an_address_is_refused(roost, name):
    first = roost()
    address = getattr(first, name)
    log = refused(roost({"listen": {name: address}}, wait=False))
    assert f"listen.{name}" in log
    assert address in log
    assert f"roost (pid {first.pid})" in log
    assert f"--set listen.{name}=" in log
    assert first.get("/health").status_code == 200


def test_a_port_of_another_program_is_named_with_its_holder(roost):
    program = subprocess.Popen(
        [sys.executable, "-c",
         "import socket,sys\ns=socket.socket();s.bind(('127.0.0.1',0));s.listen()\n"
         "print(s.getsockname()[1],flush=True);sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        address = f"127.0.0.1:{int(program.stdout.readline())}"
        log = refused(roost({"listen": {"web": address}}, wait=False))
        assert address in log
        assert f"(pid {program.pid})" in log
    finally:
        program.communicate("")


def test_a_port_of_a_program_that_shares_it_is_refused_too(roost):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        log = refused(roost({"listen": {"grpc": address}}, wait=False))
        assert address in log
        assert f"(pid {os.getpid()})" in log


def test_an_address_of_another_machine_is_refused(roost):
    log = refused(roost({"listen": {"http": "192.0.2.1:4318"}}, wait=False))
    assert "listen.http" in log
    assert "192.0.2.1:4318" in log
    assert "assign" in log


@pytest.mark.parametrize("path", ["/proc/roost-data", "/dev/null/data"])
def test_a_data_folder_that_cannot_be_written_is_named(roost, path):
    log = refused(roost({"store": {"path": path}}, wait=False))
    assert "store.path" in log
    assert path in log
    assert "--set store.path=" in log


def test_a_port_is_free_again_after_the_end(roost):
    first = roost()
    addresses = {name: getattr(first, name) for name in ("grpc", "http", "web")}
    assert first.get("/health").status_code == 200
    assert first.stop() == 0
    again = roost({"listen": addresses})
    assert again.grpc == first.grpc
    assert again.stop() == 0


def test_of_two_that_start_at_once_one_is_refused(roost):
    for _ in range(8):
        addresses = {name: f"127.0.0.1:{free_port()}" for name in ("grpc", "http", "web")}
        both = [roost({"listen": addresses}, wait=False) for _ in range(2)]
        began = [process.wait_for_line(r"\bready\b") is not None for process in both]
        assert sorted(began) == [False, True]
        winner, loser = both if began[0] else reversed(both)
        assert "in use by" in refused(loser)
        assert winner.stop() == 0


def test_one_data_folder_has_one_user(roost):
    first = roost()
    log = refused(roost({"store": {"path": str(first.data)}}, wait=False))
    assert f"{first.data} is in use by another roost (pid {first.pid})" in log
    assert "--set store.path=" in log
    first.kill()
    assert roost({"store": {"path": str(first.data)}}).stop() == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
