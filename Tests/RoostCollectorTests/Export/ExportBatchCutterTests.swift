import RoostCore
import RoostWire
import Testing

@testable import RoostCollector

/// Cutting with real requests, against a peer that takes so many bytes.
@Suite struct ExportBatchCutterTests {
    private let share = MemoryBudget(limitBytes: 1 << 30).share("test")

    /// Sends everything in `payloads` to a peer with a limit; answers what arrived, and what was
    /// given up, as items and bytes.
    private func deliver(
        _ payloads: [Payload], limit: Int
    ) throws -> (arrived: [ExportBatch], ended: [ExportBatch], requests: Int) {
        var state = DestinationState(
            settings {
                $0.batch.bytes = 4 << 20
                $0.queue.capacityBytes = 256 << 20
            })
        for payload in payloads { #expect(state.put(payload, now: 0) == true) }
        state.beginDraining(0)
        var arrived: [ExportBatch] = []
        var ended: [ExportBatch] = []
        var requests = 0
        loop: while true {
            switch state.next(0) {
            case .send(let batch):
                requests += 1
                if batch.bytes <= limit {
                    arrived.append(batch)
                    #expect(state.finish(batch, .taken, now: 0) != .kept)
                } else if state.finish(batch, .tooLarge("too large"), now: 0)
                    == .dropped(.tooLargeForPeer)
                {
                    ended.append(batch)
                }
            case .cut(let batch, let maxBytes):
                let pieces = try BatchCutter.cut(batch, maxBytes: maxBytes, share: share)
                if state.cut(batch.id, into: pieces) == .dropped(.tooLargeForPeer) {
                    ended.append(batch)
                }
            case .drop, .bury: Issue.record("nothing expires")
            case .wait: break loop
            }
        }
        #expect(state.isIdle && state.queue.heldBytes == 0 && state.queuedItems == 0)
        return (arrived, ended, requests)
    }

    @Test(arguments: [400, 3_000, 65_536, 1 << 20])
    func `whatever the peer takes, only the item above it is given up`(limit: Int) throws {
        let payloads = [
            traceRequest(1..<301), traceRequest(301..<302, spanBytes: 2 << 20),
            traceRequest(302..<2000),
        ]
        let (arrived, ended, _) = try deliver(payloads, limit: limit)
        #expect(arrived.reduce(0) { $0 + $1.items } == 1998)
        #expect(ended.map(\.items) == [1])
    }

    @Test func `headers that fill most of what the peer takes are no reason to give up`() throws {
        let plain = traceRequest(1..<101)
        // Field 60 of the resource spans: unknown, so that it is repeated as it is.
        let header: [UInt8] = [0xE2, 3, 0xD0, 15] + [UInt8](repeating: 0x41, count: 2000)
        let inner = Array(plain.slices[0].array.dropFirst(3))
        let length = inner.count + header.count
        let bytes =
            [
                0x0A, UInt8(length & 0x7F | 0x80), UInt8(length >> 7 & 0x7F | 0x80),
                UInt8(length >> 14),
            ]
            + header + inner
        let payload = Payload(signal: .traces, items: 100, block: ByteBlock(bytes))
        let (arrived, ended, requests) = try deliver([payload], limit: 2300)
        #expect(arrived.reduce(0) { $0 + $1.items } == 100 && ended.isEmpty)
        #expect(requests < 200)
    }

    @Test func `memory is asked for what the pieces take, and before they are made`() throws {
        // Field 60 of the request is in every piece.
        let header: [UInt8] = [0xE2, 3, 0xD0, 15] + [UInt8](repeating: 0x41, count: 2000)
        let bytes = header + traceRequest(1..<601).slices[0].array
        let payload = Payload(signal: .traces, items: 600, block: ByteBlock(bytes))
        let batch = ExportBatch(id: 1, signal: .traces, payloads: [payload])
        let tight = MemoryBudget(limitBytes: bytes.count * 2 - 1).share("test")
        let pieces = try BatchCutter.cut(batch, maxBytes: bytes.count / 2, share: tight)
        let total = pieces.joined().reduce(0) { $0 + $1.bytes }
        #expect(pieces.count > 1 && total > bytes.count && tight.usedBytes == total)
        let none = MemoryBudget(limitBytes: total - 1).share("test")
        #expect(throws: BatchCutter.NoMemory.self) {
            try BatchCutter.cut(batch, maxBytes: bytes.count / 2, share: none)
        }
        #expect(none.usedBytes == 0)
    }

    @Test func `items whose headers alone are too large cost few requests`() throws {
        let payload = traceRequest(1..<4097, spanBytes: 31, headerBytes: 1 << 20)
        let (arrived, ended, requests) = try deliver([payload], limit: 1 << 20)
        #expect(arrived.isEmpty && ended.reduce(0) { $0 + $1.items } == 4096)
        #expect(requests < 30 && ended.count < 20)
    }

    @Test func `of items with large headers those that the peer takes arrive`() throws {
        let size: (UInt64) -> Int = { Int(($0 &* 0x9E37_79B9_7F4A_7C15) >> 50) }
        let (header, limit) = (200_000, 208_000)
        let payload = traceRequest(1..<201, headerBytes: header, sizes: size)
        let passing = (UInt64(1)...200).count {
            traceRequest($0..<$0 + 1, headerBytes: header, sizes: size).bytes <= limit
        }
        let (arrived, ended, _) = try deliver([payload], limit: limit)
        #expect(arrived.reduce(0) { $0 + $1.items } == passing && passing > 50)
        #expect(ended.reduce(0) { $0 + $1.items } == 200 - passing)
    }

    @Test func `a metric with 100,000 points is cut between them`() throws {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            var length = bytes.count
            var varint: [UInt8] = []
            while length >= 0x80 {
                varint.append(UInt8(length & 0x7F) | 0x80)
                length >>= 7
            }
            return [number << 3 | 2] + varint + [UInt8(length)] + bytes
        }
        let point = field(1, [0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x31, 1, 0, 0, 0, 0, 0, 0, 0])
        var points: [UInt8] = []
        for _ in 0..<100_000 { points += point }
        let metric = field(1, Array("calls".utf8)) + field(7, [0x10, 2, 0x18, 1] + points)
        let body = field(1, field(2, field(1, field(1, [0x73])) + field(2, metric)))
        let payload = Payload(signal: .metrics, items: 100_000, block: ByteBlock(body))
        let (arrived, ended, _) = try deliver([payload], limit: 100_000)
        #expect(arrived.reduce(0) { $0 + $1.items } == 100_000 && ended.isEmpty)
        for batch in arrived {
            let bytes = batch.slices[0].array
            let visited = PointCounter.count(bytes)
            #expect(visited.points == batch.items && visited.names == ["calls"])
        }
    }
}

private struct PointCounter: MetricsVisitor {
    var points = 0
    var names: [String] = []

    mutating func metric(_ metric: MetricView) { names.append(metric.name.string) }
    mutating func numberPoint(_ point: NumberPointView) { points += 1 }

    static func count(_ bytes: [UInt8]) -> PointCounter {
        var visitor = PointCounter()
        var rejections = Rejections()
        _ = try? unsafe bytes.withUnsafeBytes {
            try unsafe readMetrics($0, visitor: &visitor, rejections: &rejections)
        }
        return visitor
    }
}
