import RoostWire
import Testing

@testable import RoostCollector

@Suite struct ExportMemoryQueueTests {
    @Test func `holds no more than its capacity, over all signals and states`() {
        var queue = MemoryQueue(capacityBytes: 100)
        #expect(queue.reserve(40) == true)
        queue.append(payload(40, signal: .traces), reserved: 40, now: 0)
        #expect(queue.reserve(40) == true)
        queue.append(payload(40, signal: .logs), reserved: 40, now: 0)
        #expect(queue.take(.traces, maxBytes: 100).count == 1)
        #expect(queue.reserve(21) == false)
        #expect(queue.reserve(20) == true)
        #expect(queue.heldBytes == 100)
        queue.giveBack(40)
        queue.release(20)
        #expect(queue.heldBytes == 40)
    }

    @Test func `a payload smaller than its reservation gives the rest back`() {
        var queue = MemoryQueue(capacityBytes: 100)
        #expect(queue.reserve(100) == true)
        queue.append(payload(30), reserved: 100, now: 0)
        #expect(queue.heldBytes == 30)
    }

    @Test func `takes the oldest payloads that fit, and a larger one alone`() {
        var queue = MemoryQueue(capacityBytes: 1000)
        for size in [30, 30, 50, 200] {
            #expect(queue.reserve(size) == true)
            queue.append(payload(size), reserved: size, now: 0)
        }
        #expect(queue.take(.traces, maxBytes: 100).map(\.bytes) == [30, 30])
        #expect(queue.take(.traces, maxBytes: 100).map(\.bytes) == [50])
        #expect(queue.take(.traces, maxBytes: 100).map(\.bytes) == [200])
        #expect(queue.take(.traces, maxBytes: 100).isEmpty)
        #expect(queue.takenBytes == 310)
    }

    @Test func `evicts the oldest over all signals, and only as many as needed`() {
        var queue = MemoryQueue(capacityBytes: 100)
        for (index, signal) in [Signal.logs, .traces, .metrics].enumerated() {
            #expect(queue.reserve(30) == true)
            queue.append(payload(30, items: index, signal: signal), reserved: 30, now: 0)
        }
        #expect(queue.makeRoom(for: 10)?.isEmpty == true)
        #expect(queue.makeRoom(for: 50)?.map(\.signal) == [.logs, .traces])
        #expect(queue.heldBytes == 30)
    }

    @Test func `evicts nothing when that would not do`() {
        var queue = MemoryQueue(capacityBytes: 100)
        for _ in 0..<2 {
            #expect(queue.reserve(40) == true)
            queue.append(payload(40), reserved: 40, now: 0)
        }
        _ = queue.take(.traces, maxBytes: 40)
        #expect(queue.makeRoom(for: 61) == nil)
        #expect(queue.waitingBytes == 40)
        #expect(queue.makeRoom(for: 101) == nil)
    }

    @Test func `a ring keeps its order through growth and wrapping`() {
        var ring = Ring<Int>()
        var expected = 0
        for value in 0..<5000 {
            ring.append(value)
            if value % 3 == 0 {
                #expect(ring.removeFirst() == expected)
                expected += 1
            }
        }
        while let value = ring.removeFirst() {
            #expect(value == expected)
            expected += 1
        }
        #expect(expected == 5000)
        #expect(ring.isEmpty)
    }
}
