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

    @Test func `a batch for which there is no room is first when another has ended, or soon`()
        throws
    {
        var state = DestinationState(settings())
        for _ in 0..<9 { #expect(state.put(payload(100), now: 0) == true) }
        let first = try state.mustSend(0)
        let second = try state.mustSend(0)
        state.putBack(second.id, until: 50)
        guard case .wait(until: 50) = state.next(1) else {
            Issue.record("nothing has room before")
            return
        }
        let again = try state.mustSend(50)
        #expect(again.id == second.id && again.attempts == 1)
        state.putBack(second.id, until: 100)
        #expect(state.finish(first, .taken, now: 60) == .delivered(sent: 1, rejected: 0))
        #expect(try state.mustSend(60).id == second.id)
        #expect(state.finish(second, .taken, now: 61) == .delivered(sent: 1, rejected: 0))
        #expect(state.queue.heldBytes == 700)
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

    @Test func `a queue that is half full waits for no company`() throws {
        var state = DestinationState(settings { $0.batch.bytes = 10_000 })
        #expect(state.put(payload(400), now: 0) == true)
        guard case .wait(until: 200_000_000) = state.next(0) else {
            Issue.record("should wait for the delay")
            return
        }
        _ = state.reserve(100)
        #expect(state.append(payload(100), reserved: 100, now: 1) == .needsWaking)
        #expect(try state.mustSend(1).bytes == 500)
        guard case .wait(until: nil) = state.next(1) else {
            Issue.record("nothing is left")
            return
        }
    }

    @Test func `a queue that refused waits for no company until it is empty`() throws {
        var state = DestinationState(settings { $0.batch.bytes = 10_000 })
        #expect(state.put(payload(10), now: 0) == true)
        #expect(state.press(0) == true && state.press(0) == false)
        let first = try state.mustSend(0)
        #expect(state.finish(first, .taken, now: 1) == .delivered(sent: 1, rejected: 0))
        #expect(state.sends(1) == nil)
        #expect(state.put(payload(10), now: 2) == true)
        #expect(state.sends(2) == nil)
    }

    @Test func `a queue that puts out its oldest waits for no company`() throws {
        var state = DestinationState(settings { $0.batch.bytes = 10_000 })
        #expect(state.put(payload(450), now: 0) == true)
        #expect(state.reserveEvicting(900)?.count == 1)
        _ = state.append(payload(900), reserved: 900, now: 0)
        #expect(state.sends(0) != nil)
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

    @Test func `a batch over which the peer breaks down each time does not hold up others`() throws
    {
        var state = DestinationState(settings { $0.concurrency = 1 })
        #expect(state.put(payload(100, mark: 1), now: 0) == true)
        for _ in 0..<5 { #expect(state.put(payload(100), now: 0) == true) }
        var now: UInt64 = 0
        var taken = 0
        var tries = 0
        while taken < 5, now < 1000 * second {
            if let batch = state.sends(now) {
                if batch.slices[0].array[0] == 1 {
                    tries += 1
                    let lost = ExportVerdict.retryable(.connectionLost, "lost", after: nil)
                    #expect(state.finish(batch, lost, now: now) == .kept)
                } else {
                    #expect(state.finish(batch, .taken, now: now) != .kept)
                    taken += 1
                }
            }
            now += second / 10
        }
        #expect(taken == 5 && tries >= 2)
    }

    @Test func `what waits goes out before the end, beside a batch that never will`() throws {
        var state = DestinationState(settings { $0.concurrency = 1 })
        #expect(state.put(payload(100, mark: 1), now: 0) == true)
        for _ in 0..<5 { #expect(state.put(payload(100), now: 0) == true) }
        state.beginDraining(0)
        var now: UInt64 = 0
        var taken = 0
        while taken < 5, now < 20 * second {
            if let batch = state.sends(now) {
                let isBad = batch.slices[0].array[0] == 1
                let lost = ExportVerdict.retryable(.connectionLost, "lost", after: nil)
                taken += isBad ? 0 : 1
                #expect((state.finish(batch, isBad ? lost : .taken, now: now) == .kept) == isBad)
            }
            now += second / 10
        }
        #expect(taken == 5)
        #expect(state.sends(now + second) != nil)
    }

    @Test func `in an outage no more than one batch above the concurrency leaves the queue`() throws
    {
        var state = DestinationState(
            settings {
                $0.concurrency = 2
                $0.queue.capacityBytes = 10_000
            })
        for _ in 0..<50 { #expect(state.put(payload(100), now: 0) == true) }
        var tried: Set<UInt64> = []
        var now: UInt64 = 0
        for _ in 0..<40 {
            while let batch = state.sends(now) {
                tried.insert(batch.id)
                #expect(state.finish(batch, .later, now: now) == .kept)
            }
            now += 60 * second
        }
        #expect(tried.count == 3)
    }

    @Test func `after an outage one request probes, then each answer allows one more`() throws {
        var state = DestinationState(
            settings {
                $0.concurrency = 4
                $0.queue.capacityBytes = 100_000
            })
        for _ in 0..<50 { #expect(state.put(payload(100), now: 0) == true) }
        #expect(state.clock.phase(0) == .working)
        let first = try state.mustSend(0)
        #expect(state.finish(first, .later, now: 1) == .kept)
        #expect(state.clock.phase(1) == .waiting)
        let now = 100 * second
        #expect(state.clock.phase(now) == .probing)
        var under = [try state.mustSend(now)]
        var allowed: [Int] = []
        for _ in 0..<6 {
            while let batch = state.sends(now) { under.append(batch) }
            allowed.append(under.count)
            let batch = under.removeFirst()
            #expect(state.finish(batch, .taken, now: now) != .kept)
            let phase = state.clock.phase(now)
            #expect(phase == (allowed.count < 3 ? .recovering : .working))
        }
        #expect(allowed == [1, 2, 3, 4, 4, 4])
    }

    @Test func `a failure on the way back begins anew with one`() throws {
        var state = DestinationState(settings { $0.concurrency = 4 })
        for _ in 0..<8 { #expect(state.put(payload(100), now: 0) == true) }
        let first = try state.mustSend(0)
        #expect(state.finish(first, .later, now: 1) == .kept)
        let second = try state.mustSend(100_000 * millisecond)
        #expect(state.finish(second, .taken, now: 100_001 * millisecond) != .kept)
        let both = [
            try state.mustSend(100_001 * millisecond), try state.mustSend(100_001 * millisecond),
        ]
        #expect(state.finish(both[0], .later, now: 100_002 * millisecond) == .kept)
        #expect(state.clock.allowed == 1)
    }

    @Test func `the peer's delay is kept though another request is answered`() throws {
        var state = DestinationState(settings { $0.concurrency = 2 })
        for _ in 0..<3 { #expect(state.put(payload(100), now: 0) == true) }
        let batches = [try state.mustSend(0), try state.mustSend(0)]
        let busy = ExportVerdict.retryable(.retryLater, "busy", after: .seconds(30))
        #expect(state.finish(batches[0], busy, now: 1) == .kept)
        #expect(state.finish(batches[1], .taken, now: 2) != .kept)
        #expect(state.sends(29 * second) == nil)
        #expect(state.clock.phase(29 * second) == .waiting)
        #expect(state.sends(34 * second) != nil)
    }

    @Test func `what is given up is held until it is kept as a dead letter`() throws {
        var state = DestinationState(
            settings {
                $0.concurrency = 1
                $0.deadLetters = .init(path: "unused")
            })
        for _ in 0..<3 { #expect(state.put(payload(100, items: 2), now: 0) == true) }
        let batch = try state.mustSend(0)
        let refused = ExportVerdict.permanent(.permanent, "no")
        let outcome = state.finish(
            batch.id, refused, answer: .init(httpStatus: 400, message: "no"), now: 1, unixNano: 1,
            random: 1)
        #expect(outcome == .undeliverable(.permanent))
        #expect(state.undeliverable(batch.id)?.lastAnswer?.httpStatus == 400)
        #expect(state.undeliverable(batch.id)?.attempts == 1)
        #expect(state.queuedItems == 6 && state.queue.heldBytes == 300 && !state.isIdle)
        let other = try state.mustSend(1)
        #expect(state.finish(other, refused, now: 1) == .undeliverable(.permanent))
        // A disk that takes no letters ends the sending, in the end.
        #expect(state.sends(1) == nil)
        #expect(state.buried(batch.id) == .dropped(.permanent))
        #expect(state.buried(batch.id) == .unknown)
        #expect(state.queuedItems == 4 && state.queue.heldBytes == 200)
        #expect(state.sends(1) != nil)
    }

    @Test func `what waits to be a dead letter at the end is counted as the rest`() throws {
        var state = DestinationState(settings { $0.deadLetters = .init(path: "unused") })
        #expect(state.put(payload(100, items: 2), now: 0) == true)
        let batch = try state.mustSend(0)
        let refused = ExportVerdict.permanent(.permanent, "no")
        #expect(state.finish(batch, refused, now: 1) == .undeliverable(.permanent))
        #expect(state.close().map(\.items) == [2])
        #expect(state.buried(batch.id) == .unknown)
    }
}
