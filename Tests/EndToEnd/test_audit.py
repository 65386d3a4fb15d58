"""The audit trail of the running program: the API, the check of the chain, sudden ends, tampering,
decisions of agents, and what /metrics says."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading

import httpx
import pytest

from conftest import roost_binary

API = "/api/v1/observability/audit"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "audit.md"


def url(roost):
    return f"http://{roost.web}{API}"


def post(roost, body):
    return httpx.post(url(roost), json=body, trust_env=False, timeout=30)


def get(roost, **parameters):
    answer = httpx.get(url(roost), params=parameters, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def verify(folder, *args):
    return subprocess.run(
        [roost_binary(), "audit", "verify", "--path", str(folder), *args],
        capture_output=True, text=True, timeout=60)


def act(number, **more):
    return {"action": "tool.execute", "agent": "writer", "user": "ada",
            "details": {"number": number}, **more}


def files(roost):
    return sorted((roost.data / "audit").glob("audit-*.jsonl"))


def test_what_is_posted_is_on_the_disk_and_found(roost):
    it = roost()
    one = post(it, act(1))
    assert one.status_code == 200
    first = one.json()["last_sequence"]
    many = post(it, [act(n, result="denied") for n in range(2, 12)]).json()
    assert many["appended"] == 10
    assert many["first_sequence"] == first + 1 and many["last_sequence"] == first + 10
    lines = [json.loads(line) for line in files(it)[0].read_text().splitlines()]
    assert lines[-1]["seq"] == first + 10 and lines[-1]["details"] == {"number": 11}

    assert len(get(it, action="tool.execute")["records"]) == 11
    page = get(it, result="denied", limit=4)
    assert [record["details"]["number"] for record in page["records"]] == [11, 10, 9, 8]
    rest = get(it, result="denied", cursor=page["cursor"])
    assert [record["details"]["number"] for record in rest["records"]] == [7, 6, 5, 4, 3, 2]
    assert get(it, user="ada", agent="writer", since="1h")["records"]
    assert not get(it, user="eve")["records"]
    assert not get(it, until="1h")["records"]

    metrics = it.metrics()
    assert metrics.value("roost_audit_events_total", action="tool.execute", result="denied") == 10
    assert metrics.value("roost_audit_completeness_ratio") == 1
    assert metrics.value("roost_audit_append_failures_total") == 0
    assert metrics.value("roost_audit_append_duration_seconds_count") >= 11
    assert metrics.value("roost_audit_retention_seconds") == 365 * 86400
    assert metrics.value("roost_audit_records") == len(lines)


def test_a_summary_adds_up(roost):
    it = roost()
    for number in range(6):
        post(it, act(number, user=f"u{number % 2}", result="denied" if number < 2 else "success"))
    answer = httpx.get(
        f"{url(it)}/summary", params={"since": "1h", "slots": 4, "action": "tool.execute"},
        trust_env=False)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["complete"] and told["total"] == {"records": 6, "denied": 2, "failure": 0}
    assert told["actions"] == [
        {"action": "tool.execute", "result": "success", "records": 4},
        {"action": "tool.execute", "result": "denied", "records": 2}]
    assert told["users"] == [
        {"user": "u0", "records": 3, "denied": 1, "failure": 0},
        {"user": "u1", "records": 3, "denied": 1, "failure": 0}]
    assert told["agents"][0]["agent"] == "writer" and told["different_users"] == 2
    assert [slot["records"] for slot in told["slots"]] == [0, 0, 0, 6]
    metrics = it.metrics()
    assert metrics.value("roost_audit_active_users") == 2
    assert metrics.value("roost_audit_agent_events_total", agent="writer") == 6


@pytest.mark.parametrize("body, says", [
    ({}, "action"), ({"action": "a", "resultt": "x"}, "resultt"), ({"action": 1}, "action"),
    ({"action": "a", "result": "Not OK"}, "result"), ({"action": "a", "time": "now"}, "time"),
    ({"action": "a", "details": []}, "details"), ({"action": "a", "trace_id": "1"}, "trace_id"),
    ({"action": "a" * 257}, "action"), ([], "1000"), ("x", "object"),
    ([{"action": "a"}, {"action": ""}], "record 1"),
    ({"action": "a", "details": {"x": "y" * 20000}}, "16 KiB"),
])
def test_what_is_no_record_is_refused_with_a_reason(roost, body, says):
    it = roost()
    answer = post(it, body)
    assert answer.status_code == 400
    assert says in answer.json()["error"]["message"]
    assert not get(it, action="a")["records"]


@pytest.mark.parametrize("query", [
    "limit=0", "limit=1001", "since=yesterday", "cursor=x", "agnet=x", "until=1"])
def test_bad_parameters_are_named(roost, query):
    it = roost()
    answer = httpx.get(f"{url(it)}?{query}", trust_env=False)
    assert answer.status_code == 400
    assert query.split("=")[0] in answer.json()["error"]["message"]


def test_the_trail_is_intact_after_kill_9(roost):
    it = roost()
    last = post(it, [act(n) for n in range(50)]).json()["last_sequence"]
    os.kill(it.pid, signal.SIGKILL)
    it.process.wait()
    # What was being written when it was killed.
    with files(it)[-1].open("ab") as file:
        file.write(b'{"seq":%d,"time":"2026-' % (last + 1))
    again = roost({"store": {"path": str(it.data)}})
    found = get(again, action="audit.recover")["records"]
    assert len(found) == 1 and found[0]["seq"] == last + 1
    assert again.metrics().value("roost_audit_torn_tails_total") == 1
    assert len(get(again, action="tool.execute", limit=1000)["records"]) == 50
    assert post(again, act(51)).status_code == 200
    result = verify(it.data / "audit")
    assert result.returncode == 0 and result.stdout.startswith("intact")
    assert again.stop() == 0
    result = verify(it.data / "audit", "--format", "json")
    assert result.returncode == 0
    told = json.loads(result.stdout)
    assert told["intact"] and told["first_sequence"] == 1


def test_a_changed_record_is_named(roost):
    it = roost()
    number = post(it, [act(n) for n in range(20)]).json()["first_sequence"] + 7
    assert it.stop() == 0
    path = files(it)[0]
    lines = path.read_text().splitlines(keepends=True)
    assert f'"seq":{number},' in lines[number - 1]
    lines[number - 1] = lines[number - 1].replace("ada", "eve")
    path.write_text("".join(lines))
    result = verify(it.data / "audit")
    assert result.returncode == 1
    assert f"{path.name}, line {number}, record {number}: changed" in result.stdout
    # The collector finds it too, and says so.
    again = roost({"store": {"path": str(it.data)}})
    assert again.wait_for_line(r"the audit trail is broken.*" + path.name)
    assert again.metrics().value("roost_audit_intact") == 0
    # It is not shown as if it were a record.
    assert get(again, user="eve") == {"records": [], "cursor": None, "damaged": 1}


def test_the_page_tells_how_to_check_with_standard_tools(roost):
    it = roost()
    post(it, [act(n, details={"text": 'quotes " and ,"hash":"x" and ü\n'}) for n in range(5)])
    assert it.stop() == 0
    block = PAGE.read_text().split("```sh\n", 1)[1].split("```", 1)[0]
    script = "\n".join(block.splitlines()[1:])

    def check():
        return subprocess.run(
            ["bash", "-c", script], cwd=it.data / "audit", capture_output=True, text=True)

    assert check().stdout.strip() == f"{len(files(it)[0].read_text().splitlines())} records"
    path = files(it)[0]
    path.write_text(path.read_text().replace("ada", "eve", 1))
    assert "was changed" in check().stdout


def test_acts_of_the_collector_are_in_the_trail(roost):
    it = roost()
    switches = f"http://{it.web}/api/v1/observability/switches"
    assert httpx.put(switches, json={"live": False}, trust_env=False).status_code == 200
    it.process.send_signal(signal.SIGHUP)
    assert it.wait_for_line("configuration reloaded")
    assert it.stop() == 0
    lines = [json.loads(line) for line in files(it)[0].read_text().splitlines()]
    acts = [line["action"] for line in lines if line["source"] == "roost"]
    assert acts[0] == "collector.start" and acts[-1] == "collector.stop"
    # The reload turned it on again, as the file says.
    assert acts.count("collector.switch") == 2 and acts.count("collector.reload") == 1


def test_a_switch_is_answered_when_the_trail_has_it(roost):
    it = roost()
    api = f"http://{it.web}/api/v1/observability"
    with httpx.Client(trust_env=False) as client:
        for turn in range(20):
            is_on = turn % 2 == 1
            assert client.put(f"{api}/switches", json={"live": is_on}).status_code == 200
            found = client.get(f"{api}/audit", params={"action": "collector.switch"}).json()
            assert len(found["records"]) == turn + 1
            assert found["records"][0]["details"] == {"part": "live", "on": is_on}


def test_off_is_off_and_can_be_turned(roost):
    it = roost({"enable": {"audit": False}})
    assert post(it, act(1)).status_code == 503
    assert not (it.data / "audit").exists()
    assert not it.metrics().find("roost_audit_records")
    switches = f"http://{it.web}/api/v1/observability/switches"
    for _ in range(2):
        assert httpx.put(switches, json={"audit": True}, trust_env=False).status_code == 200
        assert post(it, act(1)).status_code == 200
        assert httpx.put(switches, json={"audit": False}, trust_env=False).status_code == 200
        assert post(it, act(1)).status_code == 503
    assert it.stop() == 0
    assert verify(it.data / "audit").returncode == 0
    actions = [json.loads(line)["action"] for line in files(it)[0].read_text().splitlines()]
    assert actions == ["collector.switch", "tool.execute", "collector.switch"] * 2


def attributes(values):
    return [
        {"key": key, "value": {"doubleValue" if isinstance(value, float) else "stringValue": value}}
        for key, value in values.items()]


def event(name, **values):
    return {
        "timeUnixNano": "1763712000000000000", "body": {"stringValue": name},
        "attributes": attributes({"event.name": name.split(".", 1)[1], **values})}


def logs(service, scope, records):
    return {"resourceLogs": [{
        "resource": {"attributes": attributes({"service.name": service})},
        "scopeLogs": [{"scope": {"name": scope}, "logRecords": records}]}]}


@pytest.mark.parametrize("analytics", [True, False])
def test_what_agents_may_do_is_in_the_trail(roost, analytics):
    it = roost({"enable": {"analytics": analytics}})
    claude = logs("claude-code", "com.anthropic.claude_code.events", [
        event("claude_code.tool_decision", tool_name="Bash", decision="reject",
              source="user_reject", **{"session.id": "s-1", "user.id": "u-1"}),
        event("claude_code.tool_decision", tool_name="Read", decision="accept", source="config"),
        event("claude_code.api_request", model="claude-opus-4", cost_usd=0.1),
    ])
    codex = logs("codex_cli_rs", "codex_otel", [
        {"timeUnixNano": "1763712000000000000", "attributes": attributes({
            "event.name": "codex.tool_decision", "tool_name": "shell", "call_id": "c-1",
            "decision": "approved_for_session", "source": "User", "conversation.id": "v-1"})},
        {"timeUnixNano": "1763712000000000000", "attributes": attributes({
            "event.name": "codex.tool_decision", "tool_name": "shell", "call_id": "c-2",
            "decision": "abort", "source": "User", "conversation.id": "v-1"})},
    ])
    for body in (claude, codex):
        answer = httpx.post(f"http://{it.http}/v1/logs", json=body, trust_env=False)
        assert answer.status_code == 200, answer.text
    # Appended behind what was told before.
    post(it, act(0))
    found = get(it, action="tool.permission")["records"][::-1]
    told = [(r["agent"], r["result"], r["details"].get("tool"), r["details"].get("decided_by"),
             r["session"], r["user"], r["source"]) for r in found]
    assert told == [
        ("claude-code", "denied", "Bash", "user_reject", "s-1", "u-1", "agent"),
        ("claude-code", "success", "Read", "config", None, None, "agent"),
        ("codex_cli_rs", "success", "shell", "User", "v-1", None, "agent"),
        ("codex_cli_rs", "denied", "shell", "User", "v-1", None, "agent"),
    ]
    assert found[0]["happened"] == "2025-11-21T08:00:00.000000000Z"
    assert found[2]["details"]["call_id"] == "c-1"
    metrics = it.metrics()
    assert metrics.value("roost_audit_events_total", action="tool.permission", result="denied") == 2


def test_a_full_disk_refuses_and_recovers(roost, tmp_path):
    # Below the limit the page of every file fits; a file of records soon does not.
    it = roost()
    limit = 256 * 1024
    subprocess.run(["prlimit", f"--pid={it.pid}", f"--fsize={limit}:{1 << 40}"], check=True)
    big = act(0, details={"text": "x" * 15000})
    answers = [post(it, big) for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused and answers[0].status_code == 200
    assert "too large" in refused[0].json()["error"]["message"]
    metrics = it.metrics()
    assert metrics.value("roost_audit_append_failures_total", reason="storage") == len(refused)
    assert metrics.value("roost_audit_completeness_ratio") < 1
    assert metrics.value("roost_audit_write_error") == 1
    subprocess.run(["prlimit", f"--pid={it.pid}", f"--fsize={1 << 40}:{1 << 40}"], check=True)
    assert post(it, big).status_code == 200
    assert it.metrics().value("roost_audit_write_error") == 0
    assert it.stop() == 0
    assert verify(it.data / "audit").returncode == 0
    sizes = [len(get_line) for get_line in files(it)[0].read_text().splitlines()]
    assert sum(size > 15000 for size in sizes) == 31 - len(refused)


def test_files_are_sealed_and_old_ones_go(roost):
    it = roost({"audit": {"file": "64KiB", "size": "1MiB"}})
    for _ in range(30):
        assert post(it, [act(n, details={"text": "x" * 1000}) for n in range(50)]).status_code == 200
    names = [path.name for path in files(it)]
    assert names[0] != "audit-000000000001.jsonl" and len(names) > 5
    found = None
    while found is None:
        # The oldest may go while they are looked at.
        with contextlib.suppress(FileNotFoundError):
            found = [path.stat() for path in files(it)]
    assert all(one.st_mode & 0o222 == 0 for one in found[:-1])
    assert sum(one.st_size for one in found) < 1.3 * (1 << 20)
    result = verify(it.data / "audit")
    assert result.returncode == 0 and "older files were removed" in result.stdout
    assert it.metrics().value("roost_audit_removed_files_total") > 0


def test_the_command_says_what_is_wrong_with_its_words():
    def run(*args):
        return subprocess.run([roost_binary(), "audit", *args], capture_output=True, text=True)

    assert run().returncode == 2 and "audit verify" in run().stderr
    assert run("verify", "--format", "x").returncode == 2
    missing = run("verify", "--path", "/nowhere/at/all")
    assert missing.returncode == 1 and "unreadable" in missing.stdout


def test_what_was_acknowledged_survives_kill_9_under_load(roost):
    data, acknowledged = None, {}
    for turn in range(4):
        it = roost({"store": {"path": str(data)}} if data else {"audit": {"file": "64KiB"}})
        data = data or it.data

        def load(worker, it=it, turn=turn):
            client, number = httpx.Client(trust_env=False, timeout=10), 0
            while True:
                number += 1
                name = f"{turn}/{worker}/{number}"
                try:
                    answer = client.post(url(it), json=[act(0, session=name)] * 3)
                except httpx.HTTPError:
                    return
                if answer.status_code == 200:
                    acknowledged[name] = answer.json()["last_sequence"]

        threads = [threading.Thread(target=load, args=(worker,)) for worker in range(4)]
        before = len(acknowledged)
        for thread in threads:
            thread.start()
        while len(acknowledged) < before + 50:
            threads[0].join(0.01)
        os.kill(it.pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        it.process.wait()
    result = verify(data / "audit")
    assert result.returncode == 0, result.stdout
    found = {}
    for path in sorted((data / "audit").glob("audit-*.jsonl")):
        # The last line may be cut: the process was killed while it wrote.
        for line in path.read_text().split("\n")[:-1]:
            record = json.loads(line)
            found[record["seq"]] = record["session"]
    for name, sequence in acknowledged.items():
        assert [found.get(sequence - place) for place in range(3)] == [name] * 3
