import Glibc
import RoostCore
import Testing

@testable import RoostNet

@Suite struct StuckPeersTests {
    private final class Peer {
        var since: UInt64?
        init(_ since: UInt64?) { self.since = since }
    }

    private func stuckPeers() -> StuckPeers<Peer> { StuckPeers { peer, _ in peer.since } }

    @Test func `a peer that takes anything is not stuck for a while`() {
        var progress = PeerProgress(untaken: 100, now: 5_000)
        #expect(progress.stuckSince(untaken: 100, now: 5_999) == nil)
        #expect(progress.stuckSince(untaken: 100, now: 6_000) == 5_000)
        // When it took that is not known: it counts as now.
        #expect(progress.stuckSince(untaken: 99, now: 8_000) == nil)
        #expect(progress.stuckSince(untaken: 99, now: 8_999) == nil)
        #expect(progress.stuckSince(untaken: 99, now: 9_500) == 8_000)
    }

    @Test func `the one that is stuck longest is first, never who asks`() {
        let peers = [Peer(30), Peer(nil), Peer(10), Peer(20), Peer(5)]
        var stuck = stuckPeers()
        stuck.look(at: peers, now: 2_000)
        peers[2].since = nil
        #expect(stuck.takeLongest(except: peers[4], now: 2_000) === peers[3])
        #expect(stuck.takeLongest(except: peers[1], now: 2_000) === peers[0])
        #expect(stuck.takeLongest(except: peers[1], now: 2_000) == nil)
    }

    @Test func `looks at all of them ten times a second, not for everybody who asks`() {
        var looked = 0
        var stuck = StuckPeers<Peer> { peer, _ in
            looked += 1
            return peer.since
        }
        let peers = (0..<1_000).map { Peer($0) }
        for now in 2_000..<2_100 as Range<UInt64> {
            stuck.look(at: peers, now: now)
            _ = stuck.takeLongest(except: peers[0], now: now)
        }
        #expect(looked <= 1_000 + 100)
        stuck.look(at: peers, now: 2_100)
        #expect(looked > 2_000)
    }

    /// Room for few unread answers.
    private func settings(_ bytes: Int) -> ServerSettings {
        ServerSettings(
            connections: ConnectionLimit(64), memory: MemoryBudget(limitBytes: bytes).share("test"))
    }

    /// Without an end, in small pieces or, under `/stuck`, in one that is too large for the system.
    private func endless(_ handler: TestHandler) {
        handler.answers = { head, _, responder in
            let body: any BodySource =
                head.path == "/stuck"
                ? PieceSource.stuck() : CountingSource(left: .max, asked: Counter())
            responder.send(Response(status: 200, body: .stream(body)))
        }
    }

    private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nhost: x\r\n\r\n" }

    /// They take nothing, and have a write pending.
    private func hogs(_ count: Int, _ port: UInt16) throws -> [RawClient] {
        try (0..<count).map { _ in
            let client = try RawClient(port)
            client.takeLittle()
            client.send(get("/stuck"))
            return client
        }
    }

    @Test func `peers that take nothing give way to one that reads`() throws {
        let handler = TestHandler()
        endless(handler)
        // The first six fit into half of it, and ten do not, whatever the system takes of each.
        let settings = settings(150 << 20)
        try withServer(handler, settings: settings) { _, _, port in
            var silent = try hogs(6, port)
            #expect(eventually { settings.memory.usedBytes > 6 * PieceSource.stuckBytes / 2 })
            let reader = try RawClient(port)
            reader.send(get("/small"))
            for round in 0..<12 {
                // They come faster than their patience lasts, yet not all within it.
                silent += try hogs(1, port)
                usleep(300_000)
                #expect(reader.read(count: 4 << 20).utf8.count >= 4 << 20, "round \(round)")
            }
            let counts = settings.counters.values
            #expect(counts.writeTimeouts > 0 && counts.connectionsRefused == 0)
            #expect(silent[0].readToEnd().error == ECONNRESET)
        }
        #expect(settings.memory.usedBytes == 0)
    }

    @Test func `where nobody has been stuck for a while who needs more is closed`() throws {
        let handler = TestHandler()
        endless(handler)
        let settings = settings(4 * PieceSource.stuckBytes)
        try withServer(handler, settings: settings) { _, _, port in
            let silent = try hogs(8, port)
            #expect(eventually { settings.counters.values.connectionsRefused > 0 })
            #expect(settings.counters.values.writeTimeouts == 0)
            withExtendedLifetime(silent) {}
        }
        #expect(settings.memory.usedBytes == 0)
    }
}
