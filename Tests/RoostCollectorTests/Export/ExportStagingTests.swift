import RoostCore
import RoostWire
import Testing

@testable import RoostCollector

/// What a destination does with a queue that is mostly on disk.
@Suite struct ExportStagingTests {
    private func state(_ change: (inout ExportSettings) -> Void = { _ in }) -> DestinationState {
        DestinationState(settings(change), stagingBytes: 1000)
    }

    private func stored(_ sequence: UInt64, _ bytes: Int, items: Int = 1) -> Payload {
        var stored = payload(bytes, items: items)
        stored.sequence = sequence
        return stored
    }

    @Test func `releases a record when all of its pieces are done`() throws {
        var state = state()
        let look = state.beginLook()
        _ = state.stage([stored(7, 90, items: 4)], hasMore: false, look, now: 0)
        let batch = try state.mustSend(second)
        _ = state.finish(batch, .tooLarge("too large"), now: second)
        guard case .cut(let whole, _) = state.next(second) else {
            Issue.record("not cut")
            return
        }
        let pieces = [[stored(7, 50, items: 2)], [stored(7, 50, items: 2)]]
        let outcome = state.cut(whole.id, into: pieces)
        #expect(outcome == .kept)
        _ = state.finish(try state.mustSend(second), .taken, now: second)
        let early = state.takeReleased()
        #expect(early == [])
        let ofPieces = state.staging?.countedItems
        #expect(ofPieces == [2, 0, 0])
        _ = state.finish(try state.mustSend(second), .permanent(.permanent, "no"), now: second)
        let released = state.takeReleased()
        #expect(released == [7])
        #expect(state.queue.heldBytes == 0)
        let ofReleased = state.staging?.countedItems
        #expect(ofReleased == [0, 0, 0])
    }

    @Test func `what is under way without its files at the end is lost, and not left on the disk`()
        throws
    {
        var state = state()
        let look = state.beginLook()
        let payloads = [stored(1, 90, items: 5), stored(2, 90, items: 7)]
        _ = state.stage(payloads, hasMore: false, look, now: 0)
        _ = try state.mustSend(second)
        state.evict(before: 2)
        let lost = state.close()
        #expect(lost.map(\.items) == [5])
        let counted = state.staging?.countedItems
        #expect(counted == [5, 0, 0])
    }

    @Test func `at the end nothing that is on disk is released or lost`() throws {
        var state = state()
        let look = state.beginLook()
        _ = state.stage([stored(1, 90), stored(2, 90)], hasMore: false, look, now: 0)
        let batch = try state.mustSend(second)
        let isLossless = state.close().isEmpty
        #expect(isLossless)
        let isNothingReleased = state.takeReleased().isEmpty
        #expect(isNothingReleased)
        let lateAnswer = state.finish(batch, .taken, now: second)
        #expect(lateAnswer == .unknown)
        let late = state.stage([stored(3, 10)], hasMore: false, look, now: 0)
        #expect(late == .closed)
        #expect(state.queue.heldBytes == 0)
    }

    @Test func `what waits goes with its files, and what is under way when it is not delivered`()
        throws
    {
        var state = state { $0.concurrency = 2 }
        let look = state.beginLook()
        let payloads = (1...4).map { stored(UInt64($0), 60, items: 10 * $0) }
        _ = state.stage(payloads, hasMore: false, look, now: 0)
        // One fails and waits, one is under way, and two have not had their turn.
        let failed = try state.mustSend(second)
        _ = state.finish(failed, .later, now: second)
        let again = try state.mustSend(3 * second)
        let underWay = again.id == failed.id ? again : failed
        #expect(underWay.payloads.map(\.sequence) == [1])
        state.evict(before: 4)
        let evicted = state.takeEvicted()
        #expect(evicted.map(\.items) == [20 + 30])
        let released = state.takeReleased()
        #expect(released == [2, 3])
        #expect(state.queuedItems == 10 + 40 && state.queue.heldBytes == 120)
        // The peer takes it no more than before.
        _ = state.finish(underWay, .later, now: 4 * second)
        let late = state.takeEvicted()
        #expect(late.map(\.items) == [10])
        #expect(state.queuedItems == 40 && state.queue.heldBytes == 60)
        // What comes from a file that has gone in the meantime goes, too.
        let lateLook = state.beginLook()
        _ = state.stage([stored(3, 10, items: 5)], hasMore: false, lateLook, now: 5 * second)
        let onTheWay = state.takeEvicted()
        #expect(onTheWay.map(\.items) == [5])
        let last = try state.mustSend(10 * second)
        #expect(last.payloads.map(\.sequence) == [4])
        // At the end only what no file has is lost.
        state.evict(before: 5)
        let left = state.close()
        #expect(left.map(\.items) == [40])
        #expect(state.queuedItems == 0 && state.queue.heldBytes == 0)
    }

    @Test func `pieces of what is in no file any more go unless they were delivered`() throws {
        var state = state()
        let look = state.beginLook()
        _ = state.stage([stored(7, 90, items: 4)], hasMore: false, look, now: 0)
        _ = state.finish(try state.mustSend(second), .tooLarge("too large"), now: second)
        guard case .cut(let whole, _) = state.next(second) else {
            Issue.record("not cut")
            return
        }
        _ = state.cut(whole.id, into: [[stored(7, 50, items: 3)], [stored(7, 50, items: 1)]])
        _ = state.finish(try state.mustSend(second), .taken, now: second)
        state.evict(before: 8)
        let evicted = state.takeEvicted()
        #expect(evicted.map(\.items) == [1])
        let released = state.takeReleased()
        #expect(released == [7])
        #expect(state.queuedItems == 0 && state.queue.heldBytes == 0)
    }

    @Test func `reads more while there is room, one read at a time`() {
        var state = state()
        guard case .read(let bytes, let look) = state.nextReading(0) else {
            Issue.record("nothing read")
            return
        }
        #expect(bytes == 1000)
        let meanwhile = state.nextReading(0)
        #expect(meanwhile == .none(until: nil))
        _ = state.staged([stored(1, 900)], isLast: false, look, now: 0)
        // There may be more, and no room for it.
        #expect(state.staging?.hasMore == true)
        let without = state.nextReading(0)
        #expect(without == .none(until: nil))
    }

    @Test func `an empty read has not the last word when something came meanwhile`() {
        var state = state()
        guard case .read(_, let look) = state.nextReading(0) else { return }
        state.noteMore()
        _ = state.staged([], isLast: true, look, now: 0)
        #expect(state.staging?.hasMore == true)
        guard case .read(_, let again) = state.nextReading(0) else { return }
        _ = state.staged([], isLast: true, again, now: 0)
        #expect(state.staging?.hasMore == false)
    }

    @Test func `a read that found only what is lost is not the last`() {
        var state = state()
        guard case .read(_, let look) = state.nextReading(0) else { return }
        _ = state.staged([], isLast: false, look, now: 0)
        guard case .read = state.nextReading(0) else {
            Issue.record("not asked again")
            return
        }
    }

    @Test func `a disk that fails is asked again after a while`() {
        var state = state()
        guard case .read = state.nextReading(0) else { return }
        state.couldNotRead(until: 5 * second)
        let early = state.nextReading(second)
        #expect(early == .none(until: 5 * second))
        guard case .read = state.nextReading(5 * second) else {
            Issue.record("not asked again")
            return
        }
    }

    @Test func `draining waits for a peer that takes, and not for one that does not`() throws {
        var state = state()
        let look = state.beginLook()
        _ = state.stage([stored(1, 90)], hasMore: false, look, now: 0)
        state.beginDraining(0)
        #expect(!state.isIdle)
        let batch = try state.mustSend(0)
        #expect(!state.isIdle)
        _ = state.finish(batch, .later, now: 0)
        #expect(state.isIdle)
        let reading = state.nextReading(0)
        #expect(reading == .none(until: nil))
    }

    @Test func `other settings let go what waited for the old ones`() throws {
        var state = DestinationState(settings())
        let isPut = state.put(payload(90), now: 0)
        #expect(isPut)
        let batch = try state.mustSend(second)
        _ = state.finish(batch, .later, now: second)
        let unsent = state.sends(second)
        #expect(unsent == nil)
        state.use(
            settings {
                $0.queue.capacityBytes = 95
                $0.compression = .gzip
            })
        let isReserved = state.reserve(10)
        #expect(!isReserved)
        let again = try state.mustSend(second)
        #expect(again.attempts == 2)
    }
}
