"""Live streams over WebSocket and server-sent events: what is sent to whom, going on after a break, and
a client that does not read."""

import asyncio
import json
import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import httpx
import pytest
import websockets
from conftest import PATIENCE, starter, wait_until
from openapi import ROOT, Description

SECONDS = 30


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    with starter(tmp_path_factory.mktemp("live")) as start:
        yield start({"agents": {"hold": "300ms"}})


def connect(process, path, **options):
    return websockets.connect(
        f"ws://{process.web}{ROOT}ws/{path}", proxy=None, open_timeout=SECONDS, **options)


async def receive(socket, *types):
    """The next message of one of these types; those between are passed over. Without types, of any but
    heartbeats, which come between others on a slow machine."""
    while True:
        message = json.loads(await asyncio.wait_for(socket.recv(), SECONDS))
        if message["type"] in types or not types and message["type"] != "heartbeat":
            return message


async def subscribe(socket, **filters):
    await socket.send(json.dumps({"subscribe": filters}))
    await receive(socket, "subscribed")


def post(process, *events):
    answer = httpx.post(
        f"http://{process.web}{ROOT}events", json=events, trust_env=False, timeout=SECONDS)
    assert answer.status_code == 200, answer.text


def run(name, trace, workflow="tale", failed=False):
    """The events of one run of an agent."""
    end = {"run_id": trace, "agent": {"name": name}, "workflow": workflow, "duration_ms": 5}
    if failed:
        end["error_type"] = "Broken"
    return [
        {"event_type": "agent.invoked", "trace_id": trace, "session_id": trace,
         "payload": {"agent": {"name": name}, "workflow": workflow, "run_id": trace}},
        {"event_type": "agent.failed" if failed else "agent.completed", "trace_id": trace,
         "session_id": trace, "payload": end}]


def trace(number):
    return f"{number:032x}"


def test_an_event_comes_with_all_that_is_promised(process):
    async def go():
        async with connect(process, "events") as socket:
            await subscribe(socket)
            post(process, *run("poet", trace(0xa1)))
            message = await receive(socket, "agent.completed")
            document = httpx.get(f"http://{process.web}{ROOT}openapi.json", trust_env=False).json()
            Description(document).check("LiveMessage", message)
            assert (message["agent"], message["trace_id"]) == ("poet", trace(0xa1))
            assert message["severity"] == "info" and int(message["id"]) > 0

    asyncio.run(go())


def test_only_what_was_subscribed_to_comes(process):
    async def go():
        async with connect(process, "events") as agents, connect(process, "events") as errors, \
                connect(process, "events") as family, connect(process, "events") as tales:
            await subscribe(agents, agent=["second"])
            await subscribe(errors, severity=["error", "critical"])
            await subscribe(family, type=["agent.completed"])
            await subscribe(tales, workflow=["other"])
            post(process, *run("first", trace(0xb1)), *run("second", trace(0xb2)),
                 *run("third", trace(0xb3), failed=True),
                 *run("fourth", trace(0xb4), workflow="other"))
            assert (await receive(agents))["agent"] == "second"
            message = await receive(errors)
            assert message["severity"] in ("error", "critical") and message["trace_id"] == trace(0xb3)
            assert {(await receive(family))["type"] for _ in range(3)} == {"agent.completed"}
            assert (await receive(tales))["workflow"] == "other"
            # A new subscription takes the place of the one before.
            await subscribe(agents, agent=["fifth"])
            post(process, *run("second", trace(0xb5)), *run("fifth", trace(0xb6)))
            assert (await receive(agents))["agent"] == "fifth"

    asyncio.run(go())


@pytest.mark.parametrize("text, said", [
    ("nonsense", "JSON object"), ("[]", "JSON object"), ("{}", "subscribe or resume"),
    ('{"subscribe":7}', "object"), ('{"subscribe":{"colour":["red"]}}', "colour"),
    ('{"subscribe":{"severity":["grave"]}}', "grave"),
    ('{"subscribe":{"type":["bogus.type"]}}', "workflow.started"),
    ('{"subscribe":{"agent":[1]}}', "agent"),
    ('{"resume":7}', "resume"),
])
def test_what_is_not_understood_is_told(process, text, said):
    async def go():
        async with connect(process, "events") as socket:
            await socket.send(text)
            message = await receive(socket, "error")
            assert said in json.dumps(message)
            await socket.send('{"ping":1}')
            assert (await receive(socket, "pong"))["data"] == {"ping": 1}

    asyncio.run(go())


def test_goes_on_where_it_broke_off(process):
    async def go():
        async with connect(process, "events") as socket:
            await subscribe(socket, agent=["gone", "back"])
            post(process, *run("gone", trace(0xc1)))
            last = (await receive(socket, "agent.completed"))["id"]
        post(process, *run("back", trace(0xc2)), *run("nobody", trace(0xc3)))
        wait_until(lambda: "back" in agents(process), what="the event that was missed")
        async with connect(process, "events") as socket:
            await subscribe(socket, agent=["back"], type=["agent.completed"])
            await socket.send(json.dumps({"resume": last}))
            resumed = (await receive(socket, "resumed"))["data"]
            assert resumed == {"replayed": 1, "missed": 0}
            message = await receive(socket)
            assert message["agent"] == "back" and int(message["id"]) > int(last)

    asyncio.run(go())


def post_runs(process, numbers):
    for number in numbers:
        post(process, *run("busy", trace(number)))


def test_who_comes_back_while_events_come_gets_each_once(process):
    async def go():
        async with connect(process, "events") as socket:
            await subscribe(socket, agent=["busy"])
            post_runs(process, [0x51_0000])
            last = int((await receive(socket, "agent.completed"))["id"])
        for round_ in range(1, 11):
            async with connect(process, "events", max_queue=None) as socket:
                numbers = range(0x51_0000 + 10 * round_, 0x51_0000 + 10 * round_ + 10)
                posting = asyncio.create_task(asyncio.to_thread(post_runs, process, numbers))
                await receive(socket, "agent.completed")
                await socket.send(json.dumps({"resume": str(last)}))
                assert (await receive(socket, "resumed"))["data"]["missed"] == 0
                for _ in range(2 * len(numbers)):
                    assert int((await receive(socket))["id"]) == last + 1
                    last += 1
                await posting

    asyncio.run(go())


def test_who_changes_its_mind_while_events_come_misses_none(process):
    """What both subscriptions want comes once, whichever holds when it comes."""
    async def go():
        numbers = range(0x52_0000, 0x52_0000 + 200)
        async with connect(process, "events") as socket:
            await subscribe(socket, agent=["busy"])
            posting = asyncio.create_task(asyncio.to_thread(post_runs, process, numbers))
            seen = []
            while len(seen) < len(numbers):
                message = await receive(socket, "agent.completed")
                seen.append(message["trace_id"])
                types = [["agent"], ["agent.completed"]][len(seen) % 2]
                await socket.send(json.dumps({"subscribe": {"agent": "busy", "type": types}}))
            assert seen == [trace(number) for number in numbers]
            await posting

    asyncio.run(go())


def agents(process):
    page = httpx.get(f"http://{process.web}{ROOT}fleet", trust_env=False).json()
    return {row["agent"] for row in page["agents"] if row["completed"] + row["failed"]}


def test_figures_come_as_often_as_asked(process):
    async def go():
        async with connect(process, "metrics?interval_ms=100") as socket:
            first, second = await receive(socket), await receive(socket)
            assert first["type"] == second["type"] == "metrics"
            assert first["data"]["window_seconds"] == 60
            assert "by_agent" not in first["data"]
            assert second["time"] > first["time"]

    asyncio.run(go())


def test_one_run_is_followed_from_its_state_on(process):
    async def go():
        begun, ended = run("walker", trace(0xd1))
        post(process, begun)
        wait_until(
            lambda: httpx.get(f"http://{process.web}{ROOT}workflows/{trace(0xd1)}",
                              trust_env=False).status_code == 200, what="the run")
        async with connect(process, f"executions/{trace(0xd1)}") as socket:
            state = await receive(socket, "execution")
            assert state["trace_id"] == trace(0xd1)
            assert state["data"]["state"] in ("pending", "running")
            post(process, *run("passer-by", trace(0xd2)), ended)
            while (message := await receive(socket))["type"] != "agent.completed":
                assert message["trace_id"] == trace(0xd1)
            assert message["agent"] == "walker"

    asyncio.run(go())


def test_a_runs_state_and_what_follows_it_is_everything_once(process):
    """Also for who comes while its events come."""
    number, at_once, posts = trace(0x53_0000), 500, 20

    def post_tools(posted):
        for turn in range(posts):
            post(process, *[
                {"event_type": "tool.called", "trace_id": number, "session_id": number,
                 "payload": {"agent": "busy", "tool": "hammer", "call_id": f"{turn}-{each}",
                             "duration_ms": 1}}
                for each in range(at_once)])
            posted()

    async def follow():
        async with connect(process, f"executions/{number}", max_queue=None) as socket:
            state = (await receive(socket, "execution"))["data"]
            seen = state["tool_calls"] if state else 0
            while seen < posts * at_once:
                await receive(socket, "tool.called")
                seen += 1
            # Nothing of it comes twice.
            await socket.send('{"ping":1}')
            assert (await receive(socket, "tool.called", "pong"))["type"] == "pong"
            return bool(state)

    async def go():
        turns, loop = asyncio.Queue(), asyncio.get_running_loop()
        posting = asyncio.create_task(asyncio.to_thread(
            post_tools, lambda: loop.call_soon_threadsafe(turns.put_nowait, None)))
        followers = []
        for _ in range(posts):
            await turns.get()
            followers.append(asyncio.create_task(follow()))
        await posting
        assert any(await asyncio.gather(*followers))

    asyncio.run(go())


def test_a_run_is_followed_before_it_begins(process):
    async def go():
        async with connect(process, f"executions/{trace(0xd3)}") as socket, \
                connect(process, f"executions/{trace(0xd4)}") as other:
            for one, number in ((socket, 0xd3), (other, 0xd4)):
                state = await receive(one)
                assert (state["type"], state["trace_id"]) == ("execution", trace(number))
                assert state["data"] is None
            post(process, *run("early", trace(0xd3)))
            seen = [await receive(socket)]
            while seen[-1]["type"] != "agent.completed":
                seen.append(await receive(socket))
            assert [message["type"] for message in seen] == [
                "workflow.started", "agent.invoked", "agent.completed"]
            assert {message["trace_id"] for message in seen} == {trace(0xd3)}
            # Nothing of it went to the other.
            await other.send('{"ping":1}')
            assert (await receive(other))["type"] == "pong"
        async with connect(process, f"executions/{trace(0xd3)}") as late:
            assert (await receive(late))["data"]["trace_id"] == trace(0xd3)

    asyncio.run(go())


def refused(process, path, **headers):
    async def go():
        with pytest.raises(websockets.InvalidStatus) as fault:
            async with connect(process, path, additional_headers=headers):
                pass
        return fault.value.response.status_code

    return asyncio.run(go())


def test_foreign_origins_and_wrong_paths_are_refused(process):
    assert refused(process, "events", Origin="http://evil.example") == 403
    for wrong in ("xyz", "12ab", "0" * 32, "a" * 33):
        assert refused(process, f"executions/{wrong}") == 400
    assert refused(process, "metrics?interval_ms=1") == 400
    assert refused(process, "nothing") == 404

    async def own():
        async with connect(process, "events", origin=f"http://{process.web}") as socket:
            await subscribe(socket)

    asyncio.run(own())


def test_tokens_are_asked_for_here_too(roost):
    process = roost({"listen": {"tokens": ["s3cret"]}})
    assert refused(process, "events") == 401

    async def known():
        async with connect(
                process, "events", additional_headers={"Authorization": "Bearer s3cret"}) as socket:
            await subscribe(socket)

    asyncio.run(known())


def test_switched_off_there_is_no_stream(roost):
    process = roost({"enable": {"live": False}})
    for path in ("events", "metrics", f"executions/{trace(1)}"):
        assert refused(process, path) == 503


def test_switched_off_open_streams_end_and_on_again_others_begin(roost):
    process = roost()

    def turn(is_on):
        httpx.put(f"http://{process.web}{ROOT}switches", json={"live": is_on},
                  trust_env=False).raise_for_status()

    def connections():
        return process.metrics().value("roost_live_connections")

    async def go():
        async with connect(process, "events") as events, connect(process, "metrics") as figures, \
                connect(process, f"executions/{trace(1)}") as execution:
            streams = [Stream(process, path) for path in ("events/stream", "metrics/stream")]
            await asyncio.to_thread(wait_until, lambda: connections() == 5, what="five streams")
            await asyncio.to_thread(turn, False)
            for socket_ in (events, figures, execution):
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    async with asyncio.timeout(SECONDS):
                        while True:
                            await socket_.recv()
                assert closed.value.rcvd.code == 1001
                assert closed.value.rcvd.reason == "live is switched off"
            for stream in streams:
                # To its end, which is a proper one.
                await asyncio.to_thread(list, stream.lines)
                stream.close()
            assert connections() == 0
            assert await asyncio.to_thread(refused, process, "events") == 503
        await asyncio.to_thread(turn, True)
        async with connect(process, "events") as events:
            await subscribe(events, type=["agent.completed"])
            await asyncio.to_thread(post, process, *run("again", trace(2)))
            assert (await receive(events))["agent"] == "again"
            assert connections() == 1

    asyncio.run(go())


def test_figures_that_a_slow_client_misses_are_counted_and_told(process):
    """Over HTTP/2, with a window that is shut until something was lost."""
    client = h2.connection.H2Connection(h2.config.H2Configuration())
    host, port = process.web.split(":")
    with socket.create_connection((host, int(port)), SECONDS) as connection:
        client.initiate_connection()
        client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 300})
        client.send_headers(1, [
            (":method", "GET"), (":path", f"{ROOT}metrics/stream?interval_ms=100"),
            (":authority", "localhost"), (":scheme", "http")], end_stream=True)
        connection.sendall(client.data_to_send())
        before = lost(process)
        # Some 64 KiB of figures wait before one is lost.
        wait_until(lambda: lost(process) > before, SECONDS * 3, what="lost figures")
        client.increment_flow_control_window(1 << 24)
        client.increment_flow_control_window(1 << 24, 1)
        read = b""
        while b'"type":"lost"' not in read:
            connection.sendall(client.data_to_send())
            data = connection.recv(1 << 16)
            assert data, "the connection ended"
            read += b"".join(
                event.data for event in client.receive_data(data)
                if isinstance(event, h2.events.DataReceived))
        client.reset_stream(1)
        connection.sendall(client.data_to_send())


def test_who_does_not_read_loses_messages_and_disturbs_nobody(process):
    """The slow one's socket fills; the other gets everything meanwhile."""
    async def go():
        # Its library would part with the collector, whose pongs it does not read either.
        async with connect(process, "events", max_queue=1, ping_interval=None) as slow, \
                connect(process, "events", max_queue=None) as quick:
            await subscribe(slow)
            await subscribe(quick, type=["agent.completed"])
            slow.transport.pause_reading()
            before = lost(process)
            seen = rounds = 0
            while lost(process) == before:
                assert (rounds := rounds + 1) < 60, "nothing was lost"
                numbers = range(rounds * 500, rounds * 500 + 500)
                await asyncio.to_thread(
                    post, process,
                    *(event for n in numbers for event in run("w" * 200, trace(0xe0000000 + n))))
                for _ in numbers:
                    assert (await receive(quick))["type"] == "agent.completed"
                    seen += 1
            assert seen == rounds * 500
            slow.transport.resume_reading()
            # It is told with the next message that it is sent.
            reader = asyncio.create_task(receive(slow, "lost"))
            while not reader.done():
                await asyncio.to_thread(post, process, *run("after", trace(0xf000 + rounds)))
                await receive(quick)
                rounds += 1
                assert rounds < 1000
            assert (await reader)["data"]["messages"] > 0

    asyncio.run(go())
    # A sanitizer keeps more beside the memory than there is of it.
    assert PATIENCE > 1 or process.resident_bytes() < 200 << 20


def test_clients_that_break_off_in_the_middle_disturb_nobody(process):
    """They reset their sockets while they are being sent to, so that the collector finds out then."""
    def break_off(client):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    async def go():
        async with connect(process, "events", max_queue=None) as quick:
            await subscribe(quick, type=["agent.completed"])
            for round_ in range(8):
                clients = [raw_client(process, number) for number in range(30)]
                numbers = range(round_ * 400, round_ * 400 + 400)
                for part in range(4):
                    some = numbers[part * 100:part * 100 + 100]
                    posting = asyncio.to_thread(
                        post, process,
                        *(event for n in some for event in run("v" * 200, trace(0xd0000000 + n))))
                    task = asyncio.create_task(posting)
                    for client in clients[part * 7:part * 7 + 7]:
                        await asyncio.sleep(0)
                        break_off(client)
                    for _ in some:
                        assert (await receive(quick))["type"] == "agent.completed"
                    await task
                for client in clients[28:]:
                    client.close()

    asyncio.run(go())
    wait_until(
        lambda: process.metrics().value("roost_live_connections") == 0, what="all have left")


def raw_client(process, number):
    """A subscriber with a small buffer that nobody reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = process.web.split(":")
    client.connect((host, int(port)))
    client.sendall(
        f"GET {ROOT}ws/events HTTP/1.1\r\nHost: {process.web}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
    wish = json.dumps({"subscribe": {"agent": [f"{number}", "v" * 200]}}).encode()
    client.sendall(bytes([0x81, 0x80 | 126]) + len(wish).to_bytes(2, "big") + bytes(4) + wish)
    seen = b""
    while b'"subscribed"' not in seen:
        seen += client.recv(4096)
    return client


def test_a_client_that_resumes_all_the_time_delays_nobody(roost):
    process = roost()
    post(process, *(event for n in range(1_500) for event in run("r", trace(0x57_0000 + n))))
    client = raw_client(process, 1)
    wish = b'{"resume":"1"}'
    frame = bytes([0x81, 0x80 | len(wish)]) + bytes(4) + wish
    client.sendall(frame * 2_000)
    waits = []
    for _ in range(20):
        began = time.monotonic()
        assert process.get("/health").status_code == 200
        waits.append(time.monotonic() - began)
    client.close()
    assert max(waits) < 0.5 * PATIENCE
    wait_until(lambda: connections(process) == 0, what="it has left")


def lost(process):
    return process.metrics().value("roost_live_lost_messages_total")


# Server-sent events


class Stream:
    """The events of a stream, read by a thread of its own."""

    def __init__(self, process, path, headers=None):
        self.client = httpx.Client(trust_env=False, timeout=SECONDS)
        self.request = self.client.stream(
            "GET", f"http://{process.web}{ROOT}{path}", headers=headers or {})
        self.answer = self.request.__enter__()
        assert self.answer.headers["content-type"] == "text/event-stream"
        self.lines = self.answer.iter_lines()

    def next(self):
        """Id and data of the next event."""
        name = None
        for line in self.lines:
            if line.startswith("id: "):
                name = line[4:]
            if line.startswith("data: "):
                return name, json.loads(line[6:])
        raise EOFError

    def close(self):
        self.request.__exit__(None, None, None)
        self.client.close()


@pytest.fixture
def stream(process):
    opened = []

    def start(path, headers=None):
        opened.append(Stream(process, path, headers))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_events_come_as_server_sent_events(process, stream):
    events = stream("events/stream?agent=herald,scribe&type=agent.completed")
    post(process, *run("nobody", trace(0x11)), *run("herald", trace(0x12)))
    last, message = events.next()
    assert message["agent"] == "herald" and message["id"] == last
    events.close()
    post(process, *run("scribe", trace(0x13)))
    again = stream("events/stream?agent=scribe", {"last-event-id": last})
    while (found := again.next())[1]["type"] != "agent.completed":
        pass
    assert found[1]["agent"] == "scribe" and int(found[0]) > int(last)


def test_of_many_events_at_once_who_reads_loses_none(process, stream):
    """A quarter of a megabyte for each client, more than waits for one that does not read."""
    events = stream("events/stream?agent=" + "m" * 100)

    async def go():
        async with connect(process, "events", max_queue=None) as socket:
            await subscribe(socket, agent=["m" * 100])
            before = lost(process)
            await asyncio.to_thread(
                post, process, *(e for n in range(400) for e in run("m" * 100, trace(0xb000 + n))))
            ids = [(await receive(socket, "agent.completed"))["id"] for _ in range(400)]
            assert lost(process) == before
            return ids

    ids = asyncio.run(go())
    found = []
    while len(found) < 400:
        name, message = events.next()
        if message["type"] == "agent.completed":
            found.append(name)
    assert found == ids


def latest(process):
    """The id of an event of now."""
    async def go():
        async with connect(process, "events") as socket:
            await subscribe(socket, agent=["now"])
            post(process, *run("now", trace(0x99)))
            return (await receive(socket, "agent.completed"))["id"]

    return asyncio.run(go())


def test_thousands_of_events_are_replayed_each_once_and_in_order(process, stream):
    """Many times as much as waits for a client that does not read."""
    last = latest(process)
    post(process, *(event for n in range(1_700) for event in run("r" * 200, trace(0x53_0000 + n))))
    def completed():
        page = httpx.get(f"http://{process.web}{ROOT}fleet", trust_env=False).json()
        return sum(row["completed"] for row in page["agents"] if row["agent"] == "r" * 200)

    wait_until(lambda: completed() == 1_700, what="all events are out")
    before = lost(process)

    def check(resumed, ids):
        assert resumed["missed"] == 0 and resumed["replayed"] >= 3_400
        assert ids == list(range(int(last) + 1, int(last) + 1 + resumed["replayed"]))

    async def go():
        async with connect(process, "events", max_queue=None) as socket:
            await subscribe(socket, agent=["somebody"])
            await socket.send(json.dumps({"subscribe": {}, "resume": last}))
            resumed = (await receive(socket, "resumed"))["data"]
            check(resumed, [int((await receive(socket))["id"]) for _ in range(resumed["replayed"])])
            # From here on as any other.
            await asyncio.to_thread(post, process, *run("after", trace(0x54)))
            while (await receive(socket))["type"] != "agent.completed":
                pass

    # Heartbeats come though nothing else does.
    asyncio.run(asyncio.wait_for(go(), SECONDS))
    events = stream("events/stream", {"last-event-id": last})
    resumed = events.next()[1]["data"]
    check(resumed, [int(events.next()[0]) for _ in range(resumed["replayed"])])
    assert lost(process) == before


def connections(process):
    return process.metrics().value("roost_live_connections")


def wait_until_all_have_left(process):
    """Who went without a word is found out when something is sent to it."""
    def is_empty():
        post(process, *run("anybody", trace(0x98)))
        return connections(process) == 0

    wait_until(is_empty, what="all have left")


@pytest.mark.parametrize("is_http2", [False, True])
@pytest.mark.parametrize("path", ["events/stream", "metrics/stream"])
def test_the_head_of_a_stream_alone_is_no_stream(roost, is_http2, path):
    process = roost()
    with httpx.Client(
            trust_env=False, timeout=SECONDS, http1=not is_http2, http2=is_http2) as client:
        for _ in range(5):
            answer = client.head(f"http://{process.web}{ROOT}{path}", headers={"last-event-id": "1"})
            assert answer.http_version == ("HTTP/2" if is_http2 else "HTTP/1.1")
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/event-stream"
            assert "content-length" not in answer.headers
        assert connections(process) == 0
        # It counts while it is read.
        with client.stream("GET", f"http://{process.web}{ROOT}{path}") as answer:
            next(answer.iter_lines())
            assert connections(process) == 1
    wait_until_all_have_left(process)


def test_a_stream_that_is_reset_at_once_is_left(roost):
    """A reset behind its request, in one piece with it, and a connection that is gone by then."""
    process = roost()
    host, port = process.web.split(":")
    for cut in [False, True]:
        with socket.create_connection((host, int(port)), timeout=SECONDS) as client:
            peer = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
            peer.initiate_connection()
            for stream in range(1, 41, 2):
                peer.send_headers(stream, [
                    (":method", "GET"), (":scheme", "http"), (":authority", process.web),
                    (":path", f"{ROOT}events/stream")], end_stream=True)
                if not cut:
                    peer.reset_stream(stream)
            client.sendall(peer.data_to_send())
            if cut:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                peer.ping(b"12345678")
                client.sendall(peer.data_to_send())
                seen = b""
                while b"12345678" not in seen:
                    seen += client.recv(65_536)
                assert connections(process) == 0
    wait_until_all_have_left(process)


@pytest.mark.parametrize("query, headers, said", [
    ("", {"last-event-id": "abc"}, "Last-Event-ID"), ("", {"last-event-id": "-1"}, "Last-Event-ID"),
    ("?type=bogus", {}, "agent.failed"), ("?severity=bogus", {}, "critical"),
])
def test_a_stream_that_cannot_be_is_refused(process, query, headers, said):
    answer = httpx.get(f"http://{process.web}{ROOT}events/stream{query}", headers=headers,
                       trust_env=False)
    assert answer.status_code == 400 and said in answer.text


def test_of_a_process_before_nobody_knows_what_was_missed(process, stream):
    async def go():
        async with connect(process, "events") as socket:
            await socket.send('{"resume":"1"}')
            assert (await receive(socket, "resumed"))["data"]["missed"] is None

    asyncio.run(go())
    resumed = stream("events/stream", {"last-event-id": "1"}).next()[1]
    assert resumed["type"] == "resumed" and resumed["data"]["missed"] is None


def test_figures_come_as_server_sent_events(process, stream):
    post(process, *run("poet", trace(0x21), workflow="ballad"))
    every = stream("metrics/stream?interval_ms=100")
    assert every.next()[1]["type"] == "metrics"
    ballad = stream("metrics/stream?workflow_id=ballad&interval_ms=100")
    while (figures := ballad.next()[1]["data"])["agent_runs"]["count"] == 0:
        assert figures["workflow"] == "ballad"
    assert figures["agent_runs"]["count"] == 1


def test_a_stream_ends_with_the_collector(roost):
    process = roost()
    events = Stream(process, "events/stream")
    ended = threading.Event()

    def read():
        try:
            for _ in events.lines:
                pass
        except httpx.HTTPError:
            pass
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    assert process.stop() == 0
    assert ended.wait(SECONDS)
