"""The command line: what it prints, and with which code it ends."""

import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
import yaml

from conftest import roost_binary, wait_until


def run(*arguments, env=None, folder=None):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return subprocess.run(
        [roost_binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, cwd=folder, env={**clean, **(env or {})})


def test_version_and_help():
    assert re.fullmatch(r"roost \d+\.\d+\.\d+\n", run("--version").stdout)
    overview = run("help")
    assert overview.returncode == 0
    commands = re.findall(r"^  roost ([\w-]+)", overview.stdout, re.MULTILINE)
    assert commands == [
        "serve", "check", "demo", "health", "status", "report", "export", "prices", "names",
        "user-hash", "audit", "replay", "help"]
    for command in commands:
        answer = run("help", command)
        assert answer.returncode == 0 and answer.stdout.startswith(f"roost {command}: ")
        assert run(command, "--help").stdout == answer.stdout
    assert "--set KEY=VALUE" in run("help", "serve").stdout


def test_nothing_to_do_is_wrong_usage():
    answer = run()
    assert answer.returncode == 2
    assert "roost serve" in answer.stderr and answer.stdout == ""


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["chekc"], ["unknown command chekc", "did you mean check?"]),
        (["xyzzy"], ["unknown command xyzzy"]),
        (["--verbose"], ["unknown command --verbose"]),
        (["serve", "--confg", "x"], ["unknown option --confg", "did you mean --config?"]),
        (["check", "--config"], ["--config needs a value: FILE"]),
        (["check", "--defaults=yes"], ["--defaults takes no value"]),
        (["check", "--defaults", "--config", "x"], ["--defaults stands alone", "--config"]),
        (["check", "--set", "a=b", "--defaults"], ["--defaults stands alone", "--set"]),
        (["check", "file.yaml"], ["file.yaml is not expected here"]),
        (["health", "-u"], ["unknown option -u"]),
        (["help", "chekc"], ["unknown command chekc"]),
        (["replay"], ["say which folder"]),
        (["replay", "/nowhere/at/all"], ["/nowhere/at/all is no folder"]),
        (["replay", "x", "--to", "collector"], ["--to collector", "add protocol"]),
        (["replay", "x", "--header", "a=b"], ["--header goes with --to"]),
        (["replay", "x", "--to", "http://h:4317", "--header", "te=x"], ["te is set by Roost"]),
        (["replay", "x", "--destination", "jaeger"], ["no destination is called jaeger"]),
        (["replay", "x", "--patience", "soon"], ["soon is no duration"]),
        (["user-hash"], ["say which user"]),
        (["user-hash", "ada", "--set", "agents.user_key=short"], ["agents.user_key: is too short"]),
        (["demo", "--rat", "1"], ["--rat"]),
        (["demo", "--rate", "many"], ["many"]),
    ],
)
def test_wrong_usage_is_named(arguments, words):
    answer = run(*arguments)
    assert answer.returncode == 2
    for word in words:
        assert word in answer.stderr
    assert answer.stdout == ""


def test_check_prints_what_a_file_resolves_to(tmp_path):
    file = tmp_path / "roost.yaml"
    file.write_text(
        "limits: { memory: 256MiB }\n"
        "export: [{ name: jaeger, endpoint: 'http://jaeger:4318', headers: { key: hunter2 } }]\n")
    answer = run("check", "--config", file, "--set", "log.format=json")
    assert (answer.returncode, answer.stderr) == (0, "")
    resolved = yaml.safe_load(answer.stdout)
    assert resolved["limits"]["memory"] == "256MiB"
    assert resolved["export"][0]["queue"]["when_full"] == "refuse"
    assert resolved["log"] == {"format": "json", "level": "info"}
    assert "hunter2" not in answer.stdout
    assert "# jaeger sends traces to http://jaeger:4318/v1/traces" in answer.stdout


def test_defaults_load_and_are_the_defaults(tmp_path):
    file = tmp_path / "defaults.yaml"
    file.write_text(run("check", "--defaults").stdout)
    again = run("check", "--config", file)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == file.read_text() == run("check").stdout
    assert yaml.safe_load(again.stdout)["store"]["path"] == "./roost-data"


def test_health_and_status_of_a_running_collector(roost):
    running = roost()
    healthy = run("health", "--url", f"http://{running.web}/health")
    assert (healthy.returncode, healthy.stdout) == (0, "ok\n")
    assert run("health", f"--url=http://{running.web}").returncode == 0
    status = run("status", "--url", f"http://{running.web}")
    assert status.returncode == 0
    assert json.loads(status.stdout)["configuration"]["listen"]["grpc"] == "127.0.0.1:0"
    assert status.stdout.count("\n") > 20
    again = run("status", "--url", f"http://{running.web}/")
    assert again.returncode == 0
    assert json.loads(again.stdout).keys() == json.loads(status.stdout).keys()
    assert run("health", "--url", f"http://{running.web}/nothing").returncode == 1
    running.stop()
    ended = run("health", "--url", f"http://{running.web}")
    assert ended.returncode == 1
    assert "no answer" in ended.stderr


@pytest.mark.parametrize("end", ["", "/", "//", "/health", "/health/"])
def test_health_asks_for_health_and_not_for_the_page_of_an_address(end):
    asked = []

    class Sick(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(503 if self.path == "/health" else 200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Sick) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer = run("health", "--url", f"http://127.0.0.1:{server.server_port}{end}")
        server.shutdown()
    assert (answer.returncode, asked) == (1, ["/health"])


def test_health_gives_up_on_a_peer_that_hangs():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        began = time.monotonic()
        answer = run("health", "--url", f"http://127.0.0.1:{server.getsockname()[1]}/health")
        assert answer.returncode == 1
        assert time.monotonic() - began < 10


def test_serve_ends_with_2_and_names_every_fault(tmp_path):
    file = tmp_path / "roost.yaml"
    file.write_text("limits:\n  memroy: 1GiB\nshutdown: soon\n")
    answer = run("serve", "--config", file)
    assert answer.returncode == 2
    assert answer.stderr.splitlines() == [
        f"{file}:2:3: unknown key memroy in limits; did you mean memory?",
        f'{file}:3:11: shutdown: "soon" is no duration; allowed: a duration such as 10s, '
        "from 0s to 1h",
    ]


def test_a_second_collector_on_the_same_address_names_the_first(roost, tmp_path):
    first = roost()
    answer = run(
        "serve", "--set", f"listen.grpc={first.grpc}", "--set", "listen.http=127.0.0.1:0",
        "--set", "listen.web=127.0.0.1:0", "--set", f"store.path={tmp_path}/d")
    assert answer.returncode == 1
    assert first.grpc in answer.stderr and "in use" in answer.stderr
    assert f"{first.pid}" in answer.stderr


def test_a_port_that_another_program_holds(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = "127.0.0.1:%d" % other.getsockname()[1]
        answer = run(
            "serve", "--set", f"listen.web={address}", "--set", "listen.http=127.0.0.1:0",
            "--set", "listen.grpc=127.0.0.1:0", "--set", f"store.path={tmp_path}/d")
        assert answer.returncode == 1
        assert "listen.web" in answer.stderr and address in answer.stderr
        assert f"pid {os.getpid()}" in answer.stderr


def test_a_data_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    answer = run(
        "serve", "--set", "listen.grpc=127.0.0.1:0", "--set", "listen.http=127.0.0.1:0",
        "--set", "listen.web=127.0.0.1:0", "--set", f"store.path={tmp_path}/file/data")
    assert answer.returncode == 1
    assert f"{tmp_path}/file/data" in answer.stderr and "store.path" in answer.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_drains_and_ends_with_0(roost, name):
    running = roost({"log": {"format": "json"}})
    running.signal(getattr(signal, name))
    assert running.wait_end() == 0
    lines = [json.loads(line) for line in running.log.splitlines()]
    messages = [line["message"] for line in lines]
    assert messages[-2:] == ["draining", "stopped"]
    assert all(set(line) >= {"time", "level", "message"} for line in lines)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_while_the_configuration_is_read_ends_with_0_too(tmp_path, name):
    pipe = tmp_path / "roost.yaml"
    os.mkfifo(pipe)

    def opened():
        try:
            return os.fdopen(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK), "w")
        except OSError:  # Nobody reads yet.
            return None

    process = subprocess.Popen(
        [roost_binary(), "serve", "--config", str(pipe)], stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        with wait_until(opened, timeout=20, what="the reading of the file") as file:
            process.send_signal(getattr(signal, name))
            file.write("listen: { grpc: '127.0.0.1:0', http: '127.0.0.1:0', web: '127.0.0.1:0' }")
        log = process.communicate(timeout=40)[1]
        assert process.returncode == 0
        assert "draining" in log and "stopped" in log.splitlines()[-1]
    finally:
        process.kill()
        process.communicate()
