import RoostWire
import Testing

@testable import RoostCollector

@Suite struct ExportDestinationStateTests {
    @Test func `a small payload waits for company, then goes`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(10), now: 0) == true)
        guard case .wait(until: 200_000_000) = state.next(0) else {
            Issue.record("should wait for the delay")
            return
        }
        let batch = try state.mustSend(200 * millisecond)
        #expect(batch.items == 1)
    }

    @Test func `a full batch goes at once`() throws {
        var state = DestinationState(settings())
        for _ in 0..<5 { #expect(state.put(payload(30), now: 0) == true) }
        let batch = try state.mustSend(0)
        #expect(batch.bytes == 90)
        guard case .wait = state.next(0) else {
            Issue.record("the rest should wait")
            return
        }
    }

    @Test func `only the first payload and the one that fills a batch wake the thread`() {
        var state = DestinationState(settings())
        let wakes = (0..<5).map { _ in
            _ = state.reserve(30)
            return state.append(payload(30), reserved: 30, now: 0) == .needsWaking
        }
        #expect(wakes == [true, false, false, true, false])
    }

    @Test func `no more requests than allowed are in flight`() {
        var state = DestinationState(settings { $0.concurrency = 2 })
        for _ in 0..<5 { #expect(state.put(payload(100), now: 0) == true) }
        let first = state.sends(0)
        #expect(first != nil && state.sends(0) != nil && state.sends(0) == nil)
        #expect(state.inFlight.count == 2)
    }

    @Test func `signals take turns`() {
        var state = DestinationState(settings { $0.concurrency = 6 })
        for _ in 0..<2 {
            for signal in Signal.allCases {
                #expect(state.put(payload(100, signal: signal), now: 0) == true)
            }
        }
        let order = (0..<6).compactMap { _ in state.sends(0)?.signal }
        #expect(order == [.traces, .metrics, .logs, .traces, .metrics, .logs])
    }

    @Test func `a failed batch is repeated after the wait, unchanged and alone`() throws {
        var state = DestinationState(settings())
        for _ in 0..<3 { #expect(state.put(payload(100), now: 0) == true) }
        let first = try state.mustSend(0)
        #expect(state.finish(first, .later, now: 1) == .kept)
        guard case .wait(until: let time) = state.next(1) else {
            Issue.record("should wait")
            return
        }
        #expect(time == 1 + second)
        #expect(state.sends(1 + second)?.id == first.id)
        #expect(state.sends(1 + second) == nil)
        #expect(state.finish(first, .taken, now: 2 * second) == .delivered(sent: 1, rejected: 0))
        #expect(state.sends(2 * second) != nil && state.sends(2 * second) != nil)
    }

    @Test func `bytes are held until the batch is delivered`() throws {
        var state = DestinationState(settings { $0.queue.capacityBytes = 100 })
        #expect(state.put(payload(100), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, .later, now: 1) == .kept)
        #expect(state.reserve(1) == false)
        let again = try state.mustSend(2 * second)
        #expect(state.finish(again, .taken, now: 2 * second) == .delivered(sent: 1, rejected: 0))
        #expect(state.reserve(100) == true)
        #expect(state.queuedItems == 0)
    }

    @Test func `a refused batch is dropped and does not slow the others`() throws {
        var state = DestinationState(settings())
        for _ in 0..<2 { #expect(state.put(payload(100), now: 0) == true) }
        let first = try state.mustSend(0)
        #expect(state.finish(first, .permanent(.permanent, "no"), now: 1) == .dropped(.permanent))
        #expect(state.health == .refusing && !state.clock.isFailing)
        #expect(state.sends(1) != nil)
    }

    @Test(arguments: [(3, 3), (99, 10), (-1, 0)])
    func `rejected items are counted, never more than there were`(said: Int, counted: Int) throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100, items: 10), now: 0) == true)
        let batch = try state.mustSend(0)
        let outcome = state.finish(batch, .delivered(rejected: said, message: "bad"), now: 1)
        #expect(outcome == .delivered(sent: 10 - counted, rejected: counted))
    }

    @Test func `gives up when the time is over, also while waiting`() throws {
        var state = DestinationState(settings { $0.retry.giveUpAfter = .seconds(5) })
        #expect(state.put(payload(100), now: 0) == true)
        let batch = try state.mustSend(0)
        let verdict = ExportVerdict.retryable(.retryLater, "later", after: .seconds(60))
        #expect(state.finish(batch, verdict, now: second) == .kept)
        guard case .wait(until: let time) = state.next(second) else {
            Issue.record("should wait")
            return
        }
        #expect(time == 5 * second)
        guard case .drop(let dropped, .gaveUp) = state.next(5 * second) else {
            Issue.record("should give up")
            return
        }
        #expect(dropped.id == batch.id)
        #expect(state.isIdle && state.queue.heldBytes == 0 && state.queuedItems == 0)
    }

    @Test func `draining sends what is there at once`() {
        var state = DestinationState(settings())
        #expect(state.put(payload(10), now: 0) == true)
        state.beginDraining(0)
        #expect(state.sends(0) != nil)
    }

    @Test func `closing tells all that is left, and late answers find nothing`() throws {
        var state = DestinationState(settings { $0.concurrency = 1 })
        #expect(state.put(payload(100, items: 2), now: 0) == true)
        #expect(state.put(payload(100, items: 3), now: 0) == true)
        #expect(state.put(payload(100, items: 4, signal: .logs), now: 0) == true)
        let batch = try state.mustSend(0)
        let left = state.close()
        #expect(left.map(\.0) == [.traces, .logs] && left.map(\.items) == [5, 4])
        #expect(state.finish(batch, .taken, now: 1) == .unknown)
        #expect(state.reserve(1) == false)
        #expect(state.queue.heldBytes == 0 && state.queuedItems == 0 && state.isIdle)
    }

    @Test func `a reservation that outlives the end is given back`() {
        var state = DestinationState(settings())
        #expect(state.reserve(10) == true)
        _ = state.close()
        #expect(state.append(payload(10), reserved: 10, now: 0) == .closed)
        #expect(state.queue.heldBytes == 0)
    }
}
