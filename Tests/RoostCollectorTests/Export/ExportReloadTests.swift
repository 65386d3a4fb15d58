import Foundation
import RoostCore
import RoostNet
import RoostWire
import Synchronization
import Testing

@testable import RoostCollector

/// Destinations that change while something of theirs waits or is under way.
@Suite struct ExportReloadTests {
    private final class Rig: Sendable {
        let service: ExportService
        let ledger: Ledger
        let lines: Lines

        final class Lines: Sendable {
            let all = Mutex<[String]>([])
            let added = Semaphore()

            func contains(_ text: String) -> Bool {
                all.withLock { $0.contains { $0.contains(text) } }
            }
        }

        init(_ settings: [ExportSettings], lines: Lines = Lines()) throws {
            self.lines = lines
            ledger = Ledger(exporters: settings.map(\.name))
            service = ExportService(
                destinations: settings, ledger: ledger, budget: MemoryBudget(limitBytes: 256 << 20),
                log: Log { line in
                    lines.all.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
                    lines.added.signal()
                })
            try service.start()
        }

        func wait(forLine text: String) {
            while !lines.contains(text) { lines.added.wait() }
        }

        func put(_ payload: Payload) throws {
            let reservation = try service.reserve(signal: payload.signal, bytes: payload.bytes)
            let kept = Mutex<ExportService.Kept?>(nil)
            let isKept = Latch(1)
            service.keep(reservation, payload) { answer in
                kept.withLock { $0 = answer }
                isKept.countDown()
            }
            isKept.wait(untilMonotonic: .max)
            service.commit(
                reservation, payload, kept: kept.withLock { $0 }, transport: .grpc)
        }

        /// Those that leave have `patience` nanoseconds.
        func reload(_ settings: [ExportSettings], patience: UInt64 = 60 * second) throws {
            let change = try service.prepare(settings)
            service.apply(change, deadline: monotonicNanoseconds() + patience)
        }

        /// Ends the service and gives the first exporter's counts.
        func drain() -> ExporterCounts {
            service.drain(deadline: monotonicNanoseconds() + 20 * second)
            return ledger.snapshot().exporters[0]
        }
    }

    /// A peer that holds its first request until it is told to go on.
    private final class Gate: Sendable {
        let isReached = Latch(1)
        let opens = Latch(1)

        func peer() throws -> ExportTestPeer {
            try ExportTestPeer { [self] number, _ in
                guard number == 1 else { return nil }
                isReached.countDown()
                opens.wait(untilMonotonic: .max)
                return nil
            }
        }

        func waitUntilReached() { isReached.wait(untilMonotonic: .max) }
        func open() { opens.countDown() }
    }

    private func destination(
        _ peer: ExportTestPeer, _ form: ExportProtocol = .httpProtobuf, folder: String? = nil
    ) throws -> ExportSettings {
        let endpoint = try ExportEndpoint("http://\(peer.address)", protocol: form)
        var settings = ExportSettings(
            name: "peer", protocol: form, urls: ExportURLs(traces: endpoint.url(for: .traces)))
        settings.batch.bytes = 2000
        settings.batch.delay = .milliseconds(5)
        settings.concurrency = 1
        settings.retry.initial = .milliseconds(20)
        settings.retry.max = .milliseconds(100)
        settings.queue.folder = folder
        return settings
    }

    /// `settings` with no signal of which the test sends anything.
    private func withoutTraces(_ settings: ExportSettings) -> ExportSettings {
        var settings = settings
        settings.otherURLs.traces = settings.urls.traces
        settings.urls = ExportURLs(logs: settings.urls.traces)
        return settings
    }

    private func fill(_ rig: Rig) throws {
        for first in stride(from: UInt64(1), to: 101, by: 10) {
            try rig.put(traceRequest(first..<first + 10))
        }
    }

    /// Fills the queue of a destination, of which nothing is sent, and damages one of its requests.
    private func damagedQueue(_ folder: String) throws {
        let down = try ExportTestPeer()
        let settings = try destination(down, folder: folder)
        down.stop()
        let rig = try Rig([settings])
        try fill(rig)
        _ = rig.drain()
        try damage(folder)
    }

    private func damage(_ folder: String) throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let name = try #require(files.first { $0.hasSuffix(".segment") })
        let file = URL(filePath: folder + "/" + name)
        var bytes = try Data(contentsOf: file)
        let place = try #require(bytes.range(of: Data("service.name".utf8))).lowerBound
        bytes[place] ^= 0xFF
        try bytes.write(to: file)
    }

    @Test func `a queue on disk that is put back goes on, also while a request is under way`()
        throws
    {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let settings = try destination(peer, folder: place.path + "/peer")
        let rig = try Rig([settings])
        try fill(rig)
        gate.waitUntilReached()
        try rig.reload([])
        try rig.reload([settings])
        try rig.put(traceRequest(101..<111))
        gate.open()
        peer.wait(forSpans: 110)
        let counts = rig.drain()
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        #expect(counts.offered(.traces) == 110 && counts.sent(.traces) == 110)
    }

    @Test func `what one that leaves needs to send stays set aside until it has ended`() throws {
        let gate = Gate()
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let first = try destination(peer)
        var other = first
        other.name = "other"
        let rig = try Rig([first, other])
        let aside = rig.service.share.asideBytes
        try rig.put(traceRequest(1..<11))
        gate.waitUntilReached()
        try rig.reload([other])
        #expect(rig.service.share.asideBytes == aside)
        gate.open()
        _ = rig.drain()
        #expect(rig.service.share.asideBytes == aside / 2)
    }

    @Test func `a destination that gets another folder and then its own back goes on with it`()
        throws
    {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let settings = try destination(peer, folder: place.path + "/one/peer")
        let rig = try Rig([settings])
        try fill(rig)
        gate.waitUntilReached()
        try rig.reload([destination(peer, folder: place.path + "/two/peer")])
        try rig.reload([settings])
        try rig.put(traceRequest(101..<111))
        gate.open()
        peer.wait(forSpans: 110)
        let counts = rig.drain()
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        #expect(counts.offered(.traces) == 110 && counts.sent(.traces) == 110)
    }

    @Test func `a queue on disk that was closed is opened again before its last answer has come`()
        throws
    {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let settings = try destination(peer, folder: place.path + "/peer")
        let rig = try Rig([settings])
        try fill(rig)
        gate.waitUntilReached()
        try rig.reload([], patience: 0)
        rig.wait(forLine: "belongs to no destination")
        try rig.reload([settings])
        gate.open()
        peer.wait(forSpans: 100)
        #expect(rig.drain().sent(.traces) == 100)
    }

    @Test func `a change that fails leaves a queue that is being sent at it`() throws {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let settings = try destination(peer, folder: place.path + "/peer")
        let rig = try Rig([settings])
        try fill(rig)
        gate.waitUntilReached()
        try rig.reload([])
        try Data().write(to: URL(filePath: place.path + "/file"))
        var bad = try destination(peer, folder: place.path + "/file/bad")
        bad.name = "bad"
        #expect(throws: ExportStartError.self) { try rig.reload([settings, bad]) }
        gate.open()
        peer.wait(forSpans: 100)
        #expect(rig.service.statuses().isEmpty)
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        _ = rig.drain()
    }

    @Test(arguments: [true, false])
    func `what waits of a signal that is not taken any more is still sent`(byReload: Bool) throws {
        let place = try TestFolder()
        let down = try ExportTestPeer()
        let old = try destination(down, folder: place.path + "/peer")
        down.stop()
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let new = withoutTraces(try destination(peer, folder: place.path + "/peer"))
        var rig = try Rig([old])
        try fill(rig)
        if byReload {
            try rig.reload([new])
        } else {
            _ = rig.drain()
            rig = try Rig([new])
        }
        try rig.put(traceRequest(101..<111))
        peer.wait(forSpans: 100)
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 100 && counts.dropped(.traces) == 0)
        #expect(peer.spans.count == 100)
    }

    @Test func `with another protocol what waits of such a signal goes to the new address, too`()
        throws
    {
        let refusing = try ExportTestPeer { _, _ in .grpc(code: 14, message: "later") }
        defer { refusing.stop() }
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let rig = try Rig([destination(refusing, .grpc)])
        try rig.put(traceRequest(1..<11))
        refusing.wait(forRequests: 1)
        try rig.reload([withoutTraces(destination(peer, .httpProtobuf))])
        peer.wait(forSpans: 10)
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 10 && counts.dropped(.traces) == 0)
    }

    @Test func `a queue on disk under another spelling of its path stays as it is`() throws {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        let settings = try destination(peer, folder: place.path + "/peer")
        let rig = try Rig([settings])
        try fill(rig)
        gate.waitUntilReached()
        for spelling in ["/./peer", "//peer", "/peer/../peer"] {
            try rig.reload([destination(peer, folder: place.path + spelling)])
        }
        try rig.reload([])
        try rig.reload([destination(peer, folder: place.path + "/peer/.")])
        gate.open()
        peer.wait(forSpans: 100)
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        #expect(rig.drain().sent(.traces) == 100)
    }

    @Test func `one that leaves is waited for when the collector ends at once`() throws {
        let peer = try ExportTestPeer { _, _ in
            Thread.sleep(forTimeInterval: 0.02)
            return nil
        }
        defer { peer.stop() }
        let rig = try Rig([destination(peer)])
        try fill(rig)
        try rig.reload([])
        #expect(rig.drain().sent(.traces) == 100)
    }

    @Test func `a backlog in another folder is counted beside what waits in the first`() throws {
        let place = try TestFolder()
        let down = try ExportTestPeer()
        let (one, two) = try (
            destination(down, folder: place.path + "/one/peer"),
            destination(down, folder: place.path + "/two/peer")
        )
        down.stop()
        let before = try Rig([two])
        try fill(before)
        _ = before.drain()
        let rig = try Rig([one])
        try rig.put(traceRequest(101..<131))
        try rig.reload([two])
        #expect(rig.ledger.snapshot().exporters[0].queued(.traces) == 130)
        // Both are closed, and what is in them is known.
        try rig.reload([], patience: 0)
        rig.wait(forLine: "/two/peer items=100")
        try rig.reload([two])
        #expect(rig.ledger.snapshot().exporters[0].queued(.traces) == 130)
        _ = rig.drain()
    }

    @Test func `a record of which some was delivered is sent again whole, and counted so`() throws {
        let place = try TestFolder()
        let isUp = Mutex(false)
        let peer = try ExportTestPeer { number, _ in
            number == 1 || isUp.withLock { $0 } ? nil : Response(status: 503)
        }
        defer { peer.stop() }
        let settings = try destination(peer, folder: place.path + "/peer")
        let rig = try Rig([settings])
        try rig.put(traceRequest(1..<101))
        peer.wait(forRequests: 2)
        try rig.reload([])
        rig.wait(forLine: "belongs to no destination")
        let taken = peer.spans.count
        #expect(taken > 0 && taken < 100)
        try rig.reload([settings])
        let before = rig.ledger.snapshot().exporters[0]
        #expect(before.queued(.traces) == 100 && before.recovered(.traces) == taken)
        isUp.withLock { $0 = true }
        peer.wait(forSpans: 100)
        let counts = rig.drain()
        #expect(counts.queued(.traces) == 0 && counts.offered(.traces) == 100 + taken)
        #expect(counts.sent(.traces) == peer.spans.values.reduce(0, +))
    }

    @Test func `a queue is not looked into while that of another destination is in use`() throws {
        let place = try TestFolder()
        try damagedQueue(place.path + "/peer")
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let settings = try destination(peer, folder: place.path + "/peer")
        var other = try destination(peer, folder: place.path + "/other")
        other.name = "other"
        try FileManager.default.createDirectory(
            atPath: place.path + "/other", withIntermediateDirectories: true)
        let claim = try FolderClaim(place.path + "/other")
        let rig = try Rig([])
        #expect(throws: ExportStartError.self) { try rig.reload([settings, other]) }
        #expect(throws: ExportStartError.self) { try Rig([settings, other]) }
        #expect(!FileManager.default.fileExists(atPath: place.path + "/peer/quarantine"))
        claim.release()
        try rig.reload([settings, other])
        peer.wait(forSpans: 90)
        let counts = rig.drain()
        #expect(counts.recovered(.traces) == 100 && counts.sent(.traces) == 90)
        #expect(counts.dropped(.traces, .damaged) == 10)
    }

    @Test func `damage found in vain is told, and counted by the change that succeeds`() throws {
        let place = try TestFolder()
        try damagedQueue(place.path + "/peer")
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let settings = try destination(peer, folder: place.path + "/peer")
        var bad = try destination(peer, folder: place.path + "/bad")
        bad.name = "bad"
        bad.queue.capacityBytes = 1
        let rig = try Rig([])
        #expect(throws: ExportStartError.self) { try rig.reload([settings, bad]) }
        #expect(rig.lines.contains("damaged data in the queue was set aside into quarantine"))
        try rig.reload([settings])
        peer.wait(forSpans: 90)
        let counts = rig.drain()
        #expect(counts.recovered(.traces) == 100 && counts.sent(.traces) == 90)
        #expect(counts.dropped(.traces, .damaged) == 10 && counts.queued(.traces) == 0)
    }

    @Test func `damage found in a queue that waited is taken off what the ledger has of it`() throws
    {
        let place = try TestFolder()
        let down = try ExportTestPeer()
        let settings = try destination(down, folder: place.path + "/peer")
        down.stop()
        let rig = try Rig([settings])
        try fill(rig)
        try rig.reload([], patience: 0)
        rig.wait(forLine: "belongs to no destination")
        var bad = settings
        bad.name = "bad"
        bad.queue.folder = place.path + "/bad"
        bad.queue.capacityBytes = 1
        try damage(place.path + "/peer")
        #expect(throws: ExportStartError.self) { try rig.reload([settings, bad]) }
        try rig.reload([settings])
        let counts = rig.ledger.snapshot().exporters[0]
        #expect(counts.queued(.traces) == 90 && counts.offered(.traces) == 100)
        #expect(counts.dropped(.traces, .damaged) == 10)
        _ = rig.drain()
    }

    @Test func `damage that was found is told when the start fails`() throws {
        let place = try TestFolder()
        try damagedQueue(place.path + "/peer")
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let settings = try destination(peer, folder: place.path + "/peer")
        var bad = try destination(peer, folder: place.path + "/bad")
        bad.name = "bad"
        bad.queue.capacityBytes = 1
        let lines = Rig.Lines()
        #expect(throws: ExportStartError.self) { try Rig([settings, bad], lines: lines) }
        #expect(lines.contains("damaged data in the queue was set aside into quarantine"))
    }

    @Test func `what waits behind a request that is cancelled goes out`() throws {
        let place = try TestFolder()
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let rig = try Rig([destination(peer, folder: place.path + "/peer")])
        let payload = traceRequest(1..<11)
        let cancelled = try rig.service.reserve(signal: .traces, bytes: payload.bytes)
        let kept = Mutex<ExportService.Kept?>(nil)
        let isKept = Latch(1)
        rig.service.keep(cancelled, payload) { answer in
            kept.withLock { $0 = answer }
            isKept.countDown()
        }
        isKept.wait(untilMonotonic: .max)
        try rig.put(traceRequest(11..<21))
        rig.service.cancel(cancelled, kept.withLock { $0 })
        let deadline = monotonicNanoseconds() + 20 * second
        while peer.spans.isEmpty, monotonicNanoseconds() < deadline {
            Thread.sleep(forTimeInterval: 0.002)
        }
        #expect(peer.spans.keys.sorted() == Array(11..<21))
        _ = rig.drain()
    }

    @Test func `a queue of which too much was read goes on when some of that is done`() throws {
        let (gate, place) = (Gate(), try TestFolder())
        let peer = try gate.peer()
        defer {
            gate.open()
            peer.stop()
        }
        var settings = try destination(peer, folder: place.path + "/peer")
        settings.queue.sync = .never
        settings.queue.capacityBytes = 1 << 30
        settings.batch.bytes = 8 << 20
        let rig = try Rig([settings])
        try rig.put(traceRequest(1..<2, spanBytes: 1))
        gate.waitUntilReached()
        // One record each, so many that the reader is full.
        let count: UInt64 = 68_000
        let areKept = Latch(Int(count) - 1)
        for id in 2...count {
            let payload = traceRequest(id..<id + 1, spanBytes: 1)
            let reservation = try rig.service.reserve(signal: .traces, bytes: payload.bytes)
            rig.service.keep(reservation, payload) { kept in
                rig.service.commit(reservation, payload, kept: kept, transport: .grpc)
                areKept.countDown()
            }
        }
        areKept.wait(untilMonotonic: .max)
        gate.open()
        #expect(rig.drain().sent(.traces) == Int(count))
    }
}
