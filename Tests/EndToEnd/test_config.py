"""The configuration file as a user meets it: faults with their place, variables, flags, reload."""

import fcntl
import os
import signal
import subprocess

import httpx
import pytest
import yaml

from conftest import PATIENCE, program_environment, roost_binary, wait_until


def check(text, *arguments, folder, env=None, command="check"):
    """`roost check` of a file in its folder; its result, with the folder taken out of what it says."""
    file = folder / "roost.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    result = subprocess.run(
        [roost_binary(), command, "--config", str(file), *arguments], capture_output=True,
        text=True, errors="replace", timeout=60, cwd=folder, env={**clean, **(env or {})})
    result.stderr = result.stderr.replace(f"{folder}/", "")
    return result


FAULTS = [
    ("limits:\n  memroy: 1GiB\n", ["roost.yaml:2:3: unknown key memroy in limits; did you mean memory?"]),
    ("exprt: []\n", ["roost.yaml:1:1: unknown key exprt; did you mean export?"]),
    ("export:\n- name: a\n  endpoint: http://h:4318\n  qeue: {}\n",
     ["roost.yaml:4:3: unknown key qeue in export[0]; did you mean queue?"]),
    ("listen:\n  grpc: 4317\n", ["roost.yaml:2:9: listen.grpc: \"4317\" is no address"]),
    ("listen:\n  grpc: 127.0.0.1:99999\n", ["roost.yaml:2:9: listen.grpc:"]),
    ("limits:\n  memory: lots\n", ["roost.yaml:2:11: limits.memory: \"lots\" is no size"]),
    ("limits:\n  memory: -1MiB\n", ["roost.yaml:2:11: limits.memory:"]),
    ("limits:\n  idle_timeout: 10\n", ["roost.yaml:2:17: limits.idle_timeout: \"10\" is no duration"]),
    ("limits:\n  series_per_metric: 0\n", ["roost.yaml:2:22: limits.series_per_metric: \"0\" is out of range"]),
    ("enable:\n  traces: maybe\n", ["roost.yaml:2:11: enable.traces: \"maybe\" is neither true nor false"]),
    ("log:\n  level: inof\n", ["roost.yaml:2:10: log.level: \"inof\" is no level, did you mean info?"]),
    ("shutdown: 1s\nshutdown: 2s\n", ["roost.yaml:2:1: shutdown is given twice"]),
    ("listen: [a]\n", ["roost.yaml:1:9: listen is a list"]),
    ("export:\n- endpoint: http://h:4318\n", ["roost.yaml:2:3: export[0].name: is missing"]),
    ("export:\n- name: a\n", ["roost.yaml:2:3: export[0].endpoint: is missing"]),
    ("export:\n- { name: a, endpoint: 'http://h:4318' }\n- { name: a, endpoint: 'http://h:4317' }\n",
     ["roost.yaml:3:11: export[1].name: \"a\" is the name of another destination already"]),
    ("export:\n- name: a\n  endpoint: http://h:9999\n",
     ["roost.yaml:3:13: export[0].endpoint: port 9999 does not tell the protocol"]),
    ("export:\n- name: a\n  endpoint: http://h:4318\n  protocol: http/json\n",
     ["roost.yaml:4:13: export[0].protocol: \"http/json\" is not sent by Roost"]),
    ("export:\n- name: a\n  endpoint: http://user:hunter2@h:4318\n",
     ["roost.yaml:3:13: export[0].endpoint:"]),
    ("export:\n- name: a\n  endpoint: http://localhost:4318\n",
     ["roost.yaml:3:13: export[0].endpoint: is this collector's own listen.http (127.0.0.1:4318)"]),
    ("export:\n- name: a\n  endpoint: http://[::]:4317\n",
     ["roost.yaml:3:13: export[0].endpoint: is this collector's own listen.grpc"]),
    ("listen:\n  tls: { cert: a, key: b }\n",
     ["roost.yaml:2:16: listen.tls.cert: a cannot be read: No such file or directory",
      "roost.yaml:2:24: listen.tls.key: b cannot be read: No such file or directory"]),
    ("listen:\n  tls: { cert: a }\n",
     ["roost.yaml:2:16: listen.tls.cert: needs key, the private key of the certificate"]),
    ("listen:\n  override:\n    web: { client_ca: a }\n",
     ["roost.yaml:3:23: listen.override.web.client_ca: needs a certificate"]),
    ("listen:\n  tokens_file: a\n",
     ["roost.yaml:2:16: listen.tokens_file: a cannot be read: No such file or directory"]),
    ("export:\n- { name: a, endpoint: 'http://h:4318', queue: { path: /q, sync: often } }\n",
     ["roost.yaml:2:66: export[0].queue.sync:"]),
    ("store: { path: d }\nexport:\n- { name: a, endpoint: 'http://h:4318', dead_letters: { path: ./d/ } }\n",
     ["roost.yaml:3:63: export[0].dead_letters.path: ./d/ is the folder of the store already"]),
    ("store: { path: d }\nexport:\n- { name: d, endpoint: 'http://h:4318', queue: { path: x/.. } }\n",
     ["roost.yaml:3:56: export[0].queue.path: x/../d is the folder of the store already"]),
    ("store:\n  path: ${NO_SUCH_VARIABLE}\n",
     ["roost.yaml:2:9: store.path: the variable NO_SUCH_VARIABLE is not set"]),
    ("listen:\n  grpc: [\n", ["roost.yaml:3:1: not YAML:"]),
    ("listen:\n\tgrpc: x\n", ["roost.yaml:2:1: not YAML:"]),
    ("a: &x [1]\nb: *x\n", ["roost.yaml:1:4: anchors (&name) are not understood"]),
    (b"log:\n  level: \xff\xfe\n", ["roost.yaml:2:10: not UTF-8 text"]),
    ("shutdown: 1s\n---\nshutdown: 2s\n", ["roost.yaml:2:1: a second document"]),
    # Several at once, in the order of the file.
    ("lisen: {}\nlimits: { memory: x, request: y }\nlog: { format: xml }\n",
     ["roost.yaml:1:1:", "roost.yaml:2:19:", "roost.yaml:2:31:", "roost.yaml:3:16:"]),
]


@pytest.mark.parametrize("text, faults", FAULTS, ids=range(len(FAULTS)))
def test_faults_are_told_with_their_place(tmp_path, text, faults):
    result = check(text, folder=tmp_path)
    lines = result.stderr.splitlines()
    assert result.returncode == 2 and result.stdout == ""
    assert len(lines) == len(faults), result.stderr
    for line, fault in zip(lines, faults):
        assert line.startswith(fault)
    assert "hunter2" not in result.stderr


def test_aliases_do_not_grow(tmp_path):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi"))
    assert check(bomb, folder=tmp_path).returncode == 2
    assert check("a: " + "[" * 500_000, folder=tmp_path).returncode == 2
    assert check("# " + "x" * (1 << 20), folder=tmp_path).returncode == 2


def test_a_file_that_is_not_there(tmp_path):
    result = subprocess.run(
        [roost_binary(), "check", "--config", "/no/such/file"], capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr == "/no/such/file: cannot be read: No such file or directory\n"
    folder = subprocess.run(
        [roost_binary(), "check", "--config", str(tmp_path)], capture_output=True, text=True)
    assert folder.returncode == 2 and "is a folder" in folder.stderr


def test_tls_files_that_cannot_be_read_are_told_with_their_place(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "good.crt").write_text("")
    os.mkfifo(tmp_path / "pipe")
    text = (
        "export:\n- name: a\n  endpoint: https://h:4318\n"
        "  tls: { ca: folder, cert: good.crt, key: no.key }\n"
        "- { name: b, endpoint: 'https://h:4317', tls: { ca: pipe } }\n")
    faults = [
        "roost.yaml:4:14: export[0].tls.ca: folder is a folder; name a file",
        "roost.yaml:4:43: export[0].tls.key: no.key cannot be read: No such file or directory",
    ]
    for command in ("check", "serve"):
        result = check(text, folder=tmp_path, command=command)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.splitlines() == faults


def test_variables_in_values(tmp_path):
    text = 'store: { path: "${BASE}/${SUB:-data}" }\nshutdown: ${WAIT:-5s}\n'
    result = check(text, folder=tmp_path, env={"BASE": "/srv", "WAIT": ""})
    assert result.returncode == 0, result.stderr
    resolved = yaml.safe_load(result.stdout)
    assert resolved["store"]["path"] == "/srv/data"
    assert resolved["shutdown"] == "5s"


def test_flags_win_and_are_named_in_faults(tmp_path):
    result = check(
        "limits: { memory: 1GiB }\n", "--set", "limits.memory=64MiB", "--set=log.level=debug",
        folder=tmp_path)
    resolved = yaml.safe_load(result.stdout)
    assert (resolved["limits"]["memory"], resolved["log"]["level"]) == ("64MiB", "debug")
    result = check(
        "", "--set", "limits.memory=x", "--set", "export[0].headers.key=hun\tter2",
        "--set", "nonsense", folder=tmp_path)
    assert result.returncode == 2
    assert "--set limits.memory: limits.memory: \"x\" is no size" in result.stderr
    assert "--set export[0].headers.key: " in result.stderr
    assert "--set nonsense: no = in it" in result.stderr
    assert "ter2" not in result.stderr


def test_the_standard_variables_give_a_destination(tmp_path):
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hunter2",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
    }
    result = check("", folder=tmp_path, env=variables)
    (export,) = yaml.safe_load(result.stdout)["export"]
    assert (export["name"], export["timeout"], export["compression"]) == ("otlp", "1500ms", "gzip")
    assert export["headers"] == {"authorization": "***"} and "hunter2" not in result.stdout
    assert "# otlp sends logs to http://collector:4318/v1/logs" in result.stdout
    listed = check(
        "export: [{ name: mine, endpoint: 'http://h:4318' }]", folder=tmp_path, env=variables)
    assert [one["name"] for one in yaml.safe_load(listed.stdout)["export"]] == ["mine"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: warning: is not used" in listed.stderr


def test_secrets_in_the_wrong_place_are_not_printed(tmp_path):
    export = "export: [{ name: a, endpoint: 'http://h:4318' }]"
    for config, args, env in (
            ("", [], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318",
                      "OTEL_EXPORTER_OTLP_HEADERS": "Authorization: Bearer aHVudGVyMg=="}),
            ("", [], {"OTEL_EXPORTER_OTLP_ENDPOINT": "user:aHVudGVyMg@h:4318"}),
            (export.replace("}]", ", headers: { 'Authorization: Bearer aHVudGVyMg': x } }]"), [], {}),
            (export, ["--set", "export[0].headers.Authorization: Bearer aHVudGVyMg=="], {}),
            (export.replace("http://", "user:aHVudGVyMg@"), [], {}),
            (export.replace("4318", "4318/?api_key=aHVudGVyMg"), [], {})):
        result = check(config, *args, folder=tmp_path, env=env)
        assert result.stderr and "aHVudGVyMg" not in result.stdout + result.stderr


@pytest.mark.parametrize("host", ["localhost:4318", "127.0.0.1:4317", "0.0.0.0:4318", "[::1]:4317"])
def test_our_own_listener_from_the_environment_is_ignored(tmp_path, host):
    listen = "listen: { grpc: 'localhost:4317' }\n"
    result = check(
        listen, folder=tmp_path, env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{host}"})
    assert result.returncode == 0
    assert yaml.safe_load(result.stdout)["export"] == []
    assert len(result.stderr.splitlines()) == 1 and "own listen." in result.stderr


def test_the_configuration_in_force_is_on_the_status_page(roost):
    running = roost(
        {"export": [{"name": "x", "endpoint": "http://127.0.0.1:1", "protocol": "grpc",
                     "headers": {"k": "hunter2"}}]},
        args=["--set", "limits.connections=77"])
    assert running.status()["configuration"]["limits"]["connections"] == 77
    assert running.status()["configuration"]["export"][0]["headers"] == {"k": "***"}
    assert "hunter2" not in running.get("/status").text + running.log


def test_hang_up_reloads_and_a_bad_file_changes_nothing(roost):
    running = roost()
    url = f"http://{running.http}/v1/traces"
    post = lambda: httpx.post(
        url, json={}, headers={"content-type": "application/json"}, trust_env=False).status_code
    assert post() == 200
    text = running.config_file.read_text()
    running.config_file.write_text(text + "enabel: {}\n")
    running.signal(signal.SIGHUP)
    assert running.wait_for_line("not reloaded: .*unknown key enabel; did you mean enable")
    assert post() == 200
    running.config_file.write_text(text + "enable: { traces: false }\n")
    running.signal(signal.SIGHUP)
    assert running.wait_for_line("configuration reloaded")
    assert post() == 404
    assert running.status()["configuration"]["enable"]["traces"] is False
    assert running.stop() == 0


def test_hang_up_with_nothing_to_read_changes_nothing(roost):
    """A file that is about to be written is empty for a moment; a pipe was used up at the start."""
    token = "t" * 32
    running = roost({"listen": {"tokens": [token]}})
    text = running.config_file.read_text()

    def is_refused(why):
        before = len(running.lines)
        running.signal(signal.SIGHUP)
        wait_until(lambda: any("not reloaded" in line and why in line
                               for line in running.lines[before:]), what=f"a line: {why}")
        answer = httpx.get(f"http://{running.web}/metrics", trust_env=False)
        assert answer.status_code == 401

    running.config_file.write_text("")
    is_refused("is empty")
    running.config_file.unlink()
    # Nobody will ever write into it, and nobody waits for that.
    os.mkfifo(running.config_file)
    is_refused("is no regular file")
    running.config_file.unlink()
    running.config_file.write_text(text)
    running.signal(signal.SIGHUP)
    assert running.wait_for_line("configuration reloaded")
    assert running.stop() == 0


def test_a_reload_knows_where_the_collector_listens(roost):
    """Whatever the file has by now: a change of addresses waits for a restart."""
    running = roost()
    config = yaml.safe_load(running.config_file.read_text())
    config["listen"]["http"] = "127.0.0.1:1"
    config["export"] = [
        {"name": "x", "endpoint": f"http://{running.http}", "protocol": "http/protobuf"}]
    running.config_file.write_text(yaml.safe_dump(config))
    running.signal(signal.SIGHUP)
    assert running.wait_for_line(rf"not reloaded: .*own listen.http \({running.http}\)")
    assert running.status()["exporters"] == []


def test_a_log_that_nobody_reads_holds_up_nothing(tmp_path):
    """The pipe is full; reloads, which are told, and the end come all the same."""
    file = tmp_path / "roost.yaml"
    file.write_text(yaml.safe_dump({
        "listen": {name: "127.0.0.1:0" for name in ("grpc", "http", "web")},
        "store": {"path": str(tmp_path / "data")}}))
    process = subprocess.Popen(
        [roost_binary(), "serve", "--config", str(file)], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=program_environment())
    try:
        first = b""
        while b" ready" not in first:
            first = process.stderr.readline()
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        file.write_text("".join(f"nothing_{number}: 1\n" for number in range(200)))
        for _ in range(3):
            process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 * PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def test_hang_up_takes_up_tables_and_a_bad_one_changes_nothing(roost, tmp_path):
    names, prices = tmp_path / "names.yaml", tmp_path / "prices.txt"
    names.write_text("attributes: {}\n")
    prices.write_text("openai =fleet-1 - standard 0 1.00 - - - 2.00 -\n")
    running = roost({"agents": {"names": str(names), "prices": str(prices)}})

    def call(number):
        span = {"traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat",
                "startTimeUnixNano": "1790000000000000000", "endTimeUnixNano": "1790000001000000000",
                "attributes": [{"key": key, "value": value} for key, value in {
                    "gen_ai.operation.name": {"stringValue": "chat"},
                    "gen_ai.provider.name": {"stringValue": "openai"},
                    "fleet.model": {"stringValue": "fleet-1"},
                    "gen_ai.usage.input_tokens": {"intValue": "1000000"}}.items()]}
        body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
        answer = httpx.post(f"http://{running.http}/v1/traces", json=body, trust_env=False)
        assert answer.status_code == 200

    def cost():
        return running.metrics().value("roost_llm_cost_usd_total", model="fleet-1")

    def calls():
        return running.metrics().value("roost_llm_calls_total")

    call(1)
    wait_until(lambda: calls() == 1, what="the first call")
    assert cost() == 0
    names.write_text("attributes: { model_requested: [fleet.model] }\n")
    running.signal(signal.SIGHUP)
    assert running.wait_for_line("configuration reloaded")
    call(2)
    wait_until(lambda: cost() == 1, what="the second call with its model")
    names.write_text("attributes: { modle_requested: [fleet.model] }\n")
    running.signal(signal.SIGHUP)
    assert running.wait_for_line(f"not reloaded: {names}:1:15: .*did you mean model_requested")
    call(3)
    wait_until(lambda: cost() == 2, what="the third call as before")
    names.write_text("attributes: { model_requested: [fleet.model] }\n")
    prices.write_text("openai =fleet-1 - standard 0 5.00 - - - 2.00 -\n")
    running.signal(signal.SIGHUP)
    wait_until(lambda: running.log.count("configuration reloaded") == 2, what="the new prices")
    call(4)
    wait_until(lambda: cost() == 7, what="the fourth call at its new price")
    assert "needs a restart" not in running.log
