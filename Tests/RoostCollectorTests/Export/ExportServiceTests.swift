import Foundation
import RoostCore
import RoostNet
import RoostWire
import Synchronization
import Testing

@testable import RoostCollector

/// The whole of forwarding, to real peers on loopback.
@Suite struct ExportServiceTests {
    private final class Rig: Sendable {
        let ledger: Ledger
        let service: ExportService
        let box: Box

        init(
            _ settings: [ExportSettings],
            _ budget: MemoryBudget = MemoryBudget(limitBytes: 256 << 20)
        ) throws {
            ledger = Ledger(exporters: settings.map(\.name))
            let lines = Box()
            service = ExportService(
                destinations: settings, ledger: ledger,
                budget: budget,
                log: Log { line in lines.add(String(decoding: line, as: UTF8.self)) })
            box = lines
            try service.start()
        }

        final class Box: Sendable {
            private let lines = Mutex<[String]>([])
            func add(_ line: String) { lines.withLock { $0.append(line) } }
            var all: [String] { lines.withLock { $0 } }
        }

        /// Whether the request was taken.
        func put(_ payload: Payload) -> Bool {
            let reservation = try? service.reserve(
                signal: payload.signal, bytes: payload.bytes)
            guard let reservation else {
                ledger.refuse(
                    signal: payload.signal, transport: .grpc, items: payload.items,
                    reason: .queueFull)
                return false
            }
            service.commit(reservation, payload, transport: .grpc)
            return true
        }

        /// Ends the service and gives the first exporter's counts, which have to add up.
        func drain(_ duration: UInt64 = 20 * second) -> ExporterCounts {
            service.drain(deadline: monotonicNanoseconds() + duration)
            let snapshot = ledger.snapshot()
            for exporter in snapshot.exporters {
                for signal in Signal.allCases {
                    #expect(
                        exporter.offered(signal)
                            == exporter.sent(signal) + exporter.queued(signal)
                            + exporter.dropped(signal))
                    #expect(exporter.queued(signal) == 0)
                }
                #expect(exporter.offered(.traces) == snapshot.accepted(.traces))
            }
            for status in service.statuses() {
                #expect(status.queueBytes == 0 && status.queueItems == 0)
            }
            return snapshot.exporters[0]
        }
    }

    private func destination(
        _ peer: ExportTestPeer, _ form: ExportProtocol, name: String = "peer",
        _ change: (inout ExportSettings) -> Void = { _ in }
    ) throws -> ExportSettings {
        let endpoint = try ExportEndpoint("http://\(peer.address)", protocol: form)
        var settings = ExportSettings(
            name: name, protocol: form, urls: ExportURLs(traces: endpoint.url(for: .traces)))
        settings.batch.delay = .milliseconds(5)
        settings.retry.initial = .milliseconds(20)
        settings.retry.max = .milliseconds(100)
        change(&settings)
        return settings
    }

    @Test(arguments: ExportProtocol.allCases, ExportCompression.allCases)
    func `every span arrives once, in requests no larger than asked for`(
        form: ExportProtocol, compression: ExportCompression
    ) throws {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let rig = try Rig([
            destination(peer, form) {
                $0.compression = compression
                $0.batch.bytes = 50_000
            }
        ])
        var next: UInt64 = 1
        for size in [1, 1, 700, 2, 3000, 1, 90] {
            #expect(rig.put(traceRequest(next..<next + UInt64(size))))
            next += UInt64(size)
        }
        let counts = rig.drain()
        #expect(peer.spans.count == 3795 && peer.spans.values.allSatisfy { $0 == 1 })
        #expect(peer.largest <= 50_000)
        #expect(counts.sent(.traces) == 3795)
        #expect(FailureReason.allCases.allSatisfy { counts.failedRequests($0) == 0 })
    }

    @Test func `what is lost at the end is counted and told by destination and signal`() throws {
        let peer = try ExportTestPeer()
        let settings = try destination(peer, .httpProtobuf)
        peer.stop()
        let rig = try Rig([settings])
        #expect(rig.put(traceRequest(1..<6)) && rig.put(traceRequest(6..<8)))
        let counts = rig.drain(100 * millisecond)
        #expect(counts.dropped(.traces, .shutdown) == 7)
        #expect(
            rig.box.all.contains {
                $0.contains("data was still in memory at the end, and is lost")
                    && $0.contains("exporter=peer spans=7")
            })
    }

    @Test func `many requests from several threads all arrive, and every snapshot adds up`() throws
    {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let rig = try Rig([
            destination(peer, .httpProtobuf), destination(peer, .grpc, name: "second"),
        ])
        let threads = (0..<3).compactMap { thread in
            NamedThread("sender") {
                for step in 0..<300 {
                    let id = UInt64(thread * 1000 + step) * 10 + 1
                    _ = rig.put(traceRequest(id..<id + 10))
                    let snapshot = rig.ledger.snapshot()
                    for counts in snapshot.exporters {
                        let sum = counts.sent(.traces) + counts.queued(.traces)
                        precondition(counts.offered(.traces) == sum + counts.dropped(.traces))
                        precondition(counts.offered(.traces) == snapshot.accepted(.traces))
                        precondition(counts.queued(.traces) >= 0)
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 9000)
        #expect(peer.spans.count == 9000 && peer.spans.values.allSatisfy { $0 == 2 })
    }

    @Test(arguments: ExportProtocol.allCases)
    func `what the peer asks for later arrives later, once`(form: ExportProtocol) throws {
        let peer = try ExportTestPeer { number, _ in
            guard number <= 3 else { return nil }
            return form == .grpc
                ? .grpc(code: 14, message: "busy")
                : Response(status: 503, headers: [("retry-after", "0")])
        }
        defer { peer.stop() }
        let rig = try Rig([destination(peer, form)])
        #expect(rig.put(traceRequest(1..<11)))
        peer.wait(forSpans: 10)
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 10 && counts.failedRequests(.retryLater) == 3)
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        let lines = rig.box.all
        #expect(lines.count == 2)
        #expect(lines.first?.contains("destination is failing exporter=peer error=") == true)
        #expect(lines.last?.contains("destination has recovered exporter=peer") == true)
    }

    @Test(arguments: ExportProtocol.allCases)
    func `a batch too large for the peer arrives in pieces, but for the item that is`(
        form: ExportProtocol
    ) throws {
        let peer = try ExportTestPeer { _, bytes in
            guard bytes > 2000 else { return nil }
            return form == .grpc ? .grpc(code: 8, message: "too large") : Response(status: 413)
        }
        defer { peer.stop() }
        let rig = try Rig([destination(peer, form)])
        #expect(rig.put(traceRequest(1..<201)))
        #expect(rig.put(traceRequest(500..<501, spanBytes: 3000)))
        #expect(rig.put(traceRequest(201..<301)))
        peer.wait(forSpans: 300)
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 300)
        #expect(counts.dropped(.traces, .tooLargeForPeer) == 1)
        #expect(peer.spans.count == 300 && peer.spans.values.allSatisfy { $0 == 1 })
    }

    @Test func `a secret that the peer repeats is told to nobody`() throws {
        let peer = try ExportTestPeer { _, _ in
            Response(
                status: 401, headers: [("content-type", "text/plain")],
                body: .bytes(Array("wrong token s3cr3t-value".utf8)))
        }
        defer { peer.stop() }
        let rig = try Rig([
            destination(peer, .httpProtobuf) {
                $0.headers = [.init(name: "authorization", value: "s3cr3t-value")]
            }
        ])
        #expect(rig.put(traceRequest(1..<4)))
        let counts = rig.drain()
        #expect(counts.dropped(.traces, .permanent) == 3)
        #expect(rig.service.statuses()[0].lastError == "HTTP 401: wrong token ***")
        #expect(rig.box.all.allSatisfy { !$0.contains("s3cr3t") } && rig.box.all.count == 1)
    }

    @Test(arguments: ExportProtocol.allCases, ExportCompression.allCases)
    func `everything arrives though no memory is left for the requests`(
        form: ExportProtocol, compression: ExportCompression
    ) throws {
        let peer = try ExportTestPeer()
        let hanging = try ExportTestPeer { _, _ in
            Thread.sleep(forTimeInterval: 0.05)
            return Response(status: 503)
        }
        defer {
            peer.stop()
            hanging.stop()
        }
        let budget = MemoryBudget(limitBytes: 16 << 20)
        let rig = try Rig(
            [
                destination(peer, form) { $0.compression = compression },
                destination(hanging, form, name: "hanging") { $0.compression = compression },
            ], budget)
        let others = budget.share("requests")
        _ = others.takeUp(to: budget.limitBytes)
        #expect(budget.usedBytes == budget.limitBytes)
        for first: UInt64 in stride(from: 1, to: 5001, by: 500) {
            #expect(rig.put(traceRequest(first..<first + 500)))
        }
        peer.wait(forSpans: 5000)
        #expect(peer.spans.values.allSatisfy { $0 == 1 })
        let counts = rig.drain(100 * millisecond)
        #expect(counts.sent(.traces) == 5000)
    }

    @Test func `partial success is counted`() throws {
        let body: [UInt8] = [0x0A, 7, 0x08, 3, 0x12, 3] + Array("bad".utf8)
        let peer = try ExportTestPeer { _, _ in .grpc(message: body) }
        defer { peer.stop() }
        let rig = try Rig([destination(peer, .grpc)])
        #expect(rig.put(traceRequest(1..<11)))
        let counts = rig.drain()
        #expect(counts.sent(.traces) == 7 && counts.dropped(.traces, .rejected) == 3)
    }

    @Test func `a destination that is down holds up no other, and gets all when it comes`() throws {
        let up = try ExportTestPeer()
        let first = try ExportTestPeer()
        let port = first.address.port
        let settings = try [
            destination(up, .httpProtobuf), destination(first, .grpc, name: "down"),
        ]
        first.stop()
        let rig = try Rig(settings)
        for step in UInt64(0)..<20 {
            #expect(rig.put(traceRequest(step * 10 + 1..<step * 10 + 11)))
        }
        up.wait(forSpans: 200)
        #expect(rig.ledger.snapshot().exporters[1].queued(.traces) == 200)
        let second = try ExportTestPeer(port: port)
        second.wait(forSpans: 200)
        _ = rig.drain()
        #expect(second.spans.values.allSatisfy { $0 == 1 })
        #expect(rig.ledger.snapshot().exporters[1].failedRequests(.unreachable) > 0)
        up.stop()
        second.stop()
    }

    @Test func `a full queue that refuses refuses for all, and leaves no trace`() throws {
        let down = try ExportTestPeer()
        let settings = try [
            destination(down, .httpProtobuf, name: "open"),
            destination(down, .httpProtobuf, name: "new") {
                $0.queue.whenFull = .dropNew
                $0.queue.capacityBytes = 2000
            },
            destination(down, .httpProtobuf, name: "old") {
                $0.queue.whenFull = .dropOldest
                $0.queue.capacityBytes = 2000
            },
            destination(down, .httpProtobuf, name: "tight") { $0.queue.capacityBytes = 5000 },
        ]
        down.stop()
        let rig = try Rig(settings)
        var taken = 0
        while rig.put(traceRequest(1..<11)) { taken += 10 }
        let snapshot = rig.ledger.snapshot()
        #expect(snapshot.accepted(.traces) == taken && taken == 40)
        #expect(snapshot.refused(.traces, .grpc, .queueFull) == 10)
        #expect(snapshot.exporters.map { $0.queued(.traces) } == [40, 10, 10, 40])
        #expect(snapshot.exporters[1].dropped(.traces, .queueFull) == 30)
        #expect(
            snapshot.exporters[2].dropped(.traces, .evicted)
                + snapshot.exporters[2].dropped(.traces, .queueFull) == 30)
        #expect(!rig.service.refusals.isEmpty)
        let reservation = try? rig.service.reserve(signal: .metrics, bytes: 1 << 20)
        #expect(reservation != nil)
        _ = rig.drain(0)
        #expect(rig.ledger.snapshot().exporters[0].dropped(.traces, .shutdown) == 40)
    }

    @Test func `a cancelled reservation gives all its room back`() throws {
        let peer = try ExportTestPeer()
        let settings = try destination(peer, .httpProtobuf) { $0.queue.capacityBytes = 1000 }
        peer.stop()
        let rig = try Rig([settings])
        for _ in 0..<10 {
            let reservation = try rig.service.reserve(signal: .traces, bytes: 1000)
            #expect(throws: ExportRefusal.full) {
                try rig.service.reserve(signal: .traces, bytes: 1)
            }
            rig.service.cancel(reservation)
        }
        _ = rig.drain(0)
    }

    @Test func `at the deadline a peer that wants to be left alone keeps nobody waiting`() throws {
        let peer = try ExportTestPeer { _, _ in
            Response(status: 503, headers: [("retry-after", "3600")])
        }
        defer { peer.stop() }
        let rig = try Rig([destination(peer, .httpProtobuf)])
        #expect(rig.put(traceRequest(1..<11)))
        peer.wait(forRequests: 1)
        let counts = rig.drain(50 * millisecond)
        #expect(counts.dropped(.traces, .shutdown) == 10)
    }

    @Test func `dead letters are counted on over a change that lowers their bounds`() throws {
        let peer = try ExportTestPeer { _, _ in Response(status: 400) }
        defer { peer.stop() }
        let place = try TestFolder()
        var settings = try destination(peer, .httpProtobuf) {
            $0.deadLetters = .init(path: place.path)
        }
        let rig = try Rig([settings])
        func wait(until isTrue: (DeadLetterStatus) -> Bool) {
            let end = monotonicNanoseconds() + 20 * second
            while let status = rig.service.statuses()[0].deadLetters, !isTrue(status) {
                guard monotonicNanoseconds() < end else {
                    Issue.record("\(status)")
                    return
                }
                Thread.sleep(forTimeInterval: 0.002)
            }
        }
        for step in UInt64(0)..<6 {
            #expect(rig.put(traceRequest(step * 10 + 1..<step * 10 + 11)))
            wait { $0.written == Int(step) + 1 }
        }
        for count in [2, 9] {
            settings.deadLetters?.count = count
            rig.service.apply(try rig.service.prepare([settings]), deadline: 0)
            wait { $0.letters == 2 }
            let status = try #require(rig.service.statuses()[0].deadLetters)
            #expect(status.written == 6 && status.lost == [.evicted: 4])
        }
        _ = rig.drain()
    }

    @Test func `without destinations requests are counted and that is all`() throws {
        let rig = Ledger()
        let service = ExportService(
            destinations: [], ledger: rig, budget: MemoryBudget(limitBytes: 1), log: Log())
        try service.start()
        let reservation = try service.reserve(signal: .traces, bytes: 1 << 40)
        service.commit(reservation, traceRequest(1..<3), transport: .http)
        #expect(rig.snapshot().accepted(.traces, .http) == 2)
        service.drain(deadline: 0)
    }
}
