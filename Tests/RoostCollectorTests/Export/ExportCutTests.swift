import RoostWire
import Testing

@testable import RoostCollector

/// How batches that are too large come apart.
@Suite struct ExportCutTests {
    private let refused = ExportVerdict.tooLarge("too large")

    @Test func `a payload above the limit is cut before it is sent`() {
        var state = DestinationState(settings())
        #expect(state.put(payload(250, items: 5), now: 0) == true)
        guard case .cut(let batch, maxBytes: 100) = state.next(0) else {
            Issue.record("should be cut")
            return
        }
        let pieces = [(90, 2), (110, 2), (60, 1)].map { [payload($0, items: $1)] }
        #expect(state.cut(batch.id, into: pieces) == .kept)
        #expect(state.queue.heldBytes == 260 && state.queuedItems == 5)
        let sent = (0..<3).compactMap { _ in state.sends(0) }
        #expect(sent.map(\.items) == [2, 2, 1])
    }

    @Test func `many pieces hold up for a while what waits in the queue, and not for ever`() {
        var state = DestinationState(
            settings {
                $0.concurrency = 1
                $0.queue.capacityBytes = 10_000
            })
        #expect(state.put(payload(6400, items: 64), now: 0) == true)
        guard case .cut(let batch, _) = state.next(0) else {
            Issue.record("should be cut")
            return
        }
        let pieces = (0..<64).map { _ in [payload(100)] }
        #expect(state.cut(batch.id, into: pieces) == .kept)
        #expect(state.put(payload(100, mark: 1), now: 0) == true)
        var before = 0
        while let piece = state.sends(0), piece.slices[0].array[0] == 0 {
            before += 1
            #expect(state.finish(piece, .taken, now: 0) != .kept)
        }
        #expect(before == 8)
    }

    @Test func `a single item above the limit is sent as it is`() {
        var state = DestinationState(settings())
        #expect(state.put(payload(250), now: 0) == true)
        #expect(state.sends(0) != nil)
    }

    @Test func `what cannot be cut is sent whole`() {
        var state = DestinationState(settings())
        #expect(state.put(payload(250, items: 5), now: 0) == true)
        guard case .cut(let batch, _) = state.next(0) else {
            Issue.record("should be cut")
            return
        }
        #expect(state.cut(batch.id, into: [[payload(250, items: 5)]]) == .kept)
        #expect(state.sends(0)?.id == batch.id)
    }

    @Test func `a batch too large for the peer goes on in halves`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100, items: 4), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, refused, now: 1) == .kept)
        guard case .cut(let again, maxBytes: 56) = state.next(1) else {
            Issue.record("should be cut in halves")
            return
        }
        #expect(again.id == batch.id)
    }

    @Test func `a single item too large for the peer is dropped`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, refused, now: 1) == .dropped(.tooLargeForPeer))
        #expect(state.isIdle)
    }

    @Test func `what the peer refused and cannot be cut is dropped`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100, items: 4), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, refused, now: 1) == .kept)
        _ = state.next(1)
        #expect(state.cut(batch.id, into: []) == .dropped(.tooLargeForPeer))
        #expect(state.isIdle && state.queue.heldBytes == 0)
    }

    @Test func `the size that a peer refused is remembered for a while`() throws {
        let mebibyte = 1 << 20
        var state = DestinationState(
            settings {
                $0.batch.bytes = 4 * mebibyte
                $0.queue.capacityBytes = 64 * mebibyte
            })
        #expect(state.put(payload(4 * mebibyte, items: 8), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, refused, now: 1) == .kept)
        guard case .cut = state.next(1) else {
            Issue.record("should be cut")
            return
        }
        _ = state.cut(batch.id, into: [])
        #expect(state.put(payload(3 * mebibyte, items: 8), now: 2) == true)
        guard case .cut(let next, maxBytes: let size) = state.next(2) else {
            Issue.record("should be cut before it is sent")
            return
        }
        #expect(size == 2 * mebibyte)
        _ = state.cut(next.id, into: [[payload(3 * mebibyte, items: 8)]])
        #expect(state.sends(2) != nil)
        #expect(state.put(payload(3 * mebibyte, items: 8), now: 3) == true)
        #expect(state.sends(KnownPeer.sizeMemory + 2 * second) != nil)
    }

    @Test func `an upload broken off in good order twice counts as too large`() throws {
        var state = DestinationState(settings())
        let broken = ExportVerdict.brokenUpload("reset", byPeer: true)
        #expect(state.put(payload(100, items: 2), now: 0) == true)
        let batch = try state.mustSend(0)
        #expect(state.finish(batch, broken, now: 1) == .kept)
        let again = try state.mustSend(10 * second)
        #expect(again.id == batch.id)
        #expect(state.finish(again, broken, now: 10 * second) == .kept)
        guard case .cut(let halved, maxBytes: 56) = state.next(10 * second) else {
            Issue.record("should be cut")
            return
        }
        let pieces = [[payload(60)], [payload(60)]]
        #expect(state.cut(halved.id, into: pieces) == .kept)
        let piece = try state.mustSend(10 * second)
        #expect(state.finish(piece, broken, now: 11 * second) == .kept)
        var last: DestinationState.Outcome?
        var now = 11 * second
        while last != .dropped(.refusedEarly), now < 100 * second {
            now += 10 * second
            if let batch = state.sends(now) { last = state.finish(batch, broken, now: now) }
        }
        #expect(last == .dropped(.refusedEarly))
    }

    @Test func `a single item whose upload the peer ends is given up at the third time`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100), now: 0) == true)
        var outcomes: [DestinationState.Outcome] = []
        for step in UInt64(0)..<3 {
            let batch = try state.mustSend(step * 10 * second)
            let broken = ExportVerdict.brokenUpload("reset", byPeer: true)
            outcomes.append(state.finish(batch, broken, now: step * 10 * second))
        }
        #expect(outcomes == [.kept, .kept, .dropped(.refusedEarly)])
    }

    @Test func `a network that breaks uploads never makes an item be dropped`() throws {
        var state = DestinationState(
            settings {
                $0.batch.bytes = 1 << 20
                $0.queue.capacityBytes = 1 << 20
            })
        let broken = ExportVerdict.brokenUpload("reset", byPeer: false)
        #expect(state.put(payload(1 << 20), now: 0) == true)
        var now: UInt64 = 0
        for _ in 0..<10 {
            let batch = try state.mustSend(now)
            #expect(state.finish(batch, broken, now: now) == .kept)
            now += 100 * second
        }
    }

    @Test func `a large batch over which the connection ends twice is cut, and its parts too`()
        throws
    {
        let size = 256 << 10
        var state = DestinationState(
            settings {
                $0.batch.bytes = 4 * size
                $0.queue.capacityBytes = 8 * size
            })
        #expect(state.put(payload(size, items: 4), now: 0) == true)
        var now = second
        var (smallest, tries) = (size, 0)
        while smallest > Suspicion.smallestBytes, tries < 50 {
            switch state.next(now) {
            case .send(let batch):
                tries += 1
                let isHandedOver = batch.suspicion.brokenUploads == 0
                let verdict =
                    isHandedOver
                    ? ExportVerdict.unanswered("x") : .brokenUpload("x", byPeer: false)
                #expect(state.finish(batch, verdict, now: now) == .kept)
                now += 100 * second
            case .cut(let batch, _):
                smallest = min(smallest, batch.bytes / 2)
                let half = [payload(batch.bytes / 2, items: 2)]
                #expect(state.cut(batch.id, into: [half, half]) == .kept)
            default:
                Issue.record("should be sent or cut")
                return
            }
        }
        #expect(smallest == size / 4 && tries <= 5)
    }

    @Test func `a single or a small one over which the connection ends is never given up`() throws {
        for (bytes, items) in [(1 << 20, 1), (1000, 5)] {
            var state = DestinationState(
                settings {
                    $0.batch.bytes = 1 << 20
                    $0.queue.capacityBytes = 1 << 20
                })
            #expect(state.put(payload(bytes, items: items), now: 0) == true)
            for step in UInt64(1)..<11 {
                let batch = try state.mustSend(step * 100 * second)
                #expect(
                    state.finish(batch, .unanswered("x"), now: step * 100 * second) == .kept)
            }
        }
    }

    @Test func `answers that say nothing are asked for three times`() throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(100), now: 0) == true)
        var outcomes: [DestinationState.Outcome] = []
        for step in UInt64(0)..<3 {
            let batch = try state.mustSend(step * 10 * second)
            let verdict = ExportVerdict.doubtful(.invalidAnswer, "x")
            outcomes.append(state.finish(batch, verdict, now: step * 10 * second))
        }
        #expect(outcomes == [.kept, .kept, .dropped(.permanent)])
    }

    @Test func `a status that is lost twice in a row is a yes, and so are those behind it`() throws
    {
        var state = DestinationState(settings())
        let lost = ExportVerdict.unconfirmed("x")
        var now: UInt64 = 0
        func attempt(_ verdict: ExportVerdict) throws -> DestinationState.Outcome {
            now += 60 * second
            if state.queuedItems == 0 { #expect(state.put(payload(100), now: now) == true) }
            return state.finish(try state.mustSend(now), verdict, now: now)
        }
        let yes = DestinationState.Outcome.delivered(sent: 1, rejected: 0)
        #expect(try attempt(lost) == .kept)
        #expect(try attempt(lost) == yes)
        #expect(state.health == .working && state.lastError?.text == "taken as a yes: x")
        #expect(try attempt(lost) == yes)
        // What has a status says how the peer answers now.
        #expect(try attempt(.taken) == yes)
        #expect(try attempt(lost) == .kept)
        #expect(try attempt(.taken) == yes)
        #expect(try attempt(lost) == .kept)
        #expect(try attempt(lost) == yes)
        state.use(settings())
        #expect(try attempt(lost) == .kept)
    }

    @Test func `an item over which the connection breaks while others pass is given up`() throws {
        var state = DestinationState(settings())
        let broken = ExportVerdict.brokenUpload("reset", byPeer: false)
        #expect(state.put(payload(100, mark: 1), now: 0) == true)
        var now: UInt64 = 0
        var outcomes: [DestinationState.Outcome] = []
        for _ in 0..<3 {
            let bad = try state.mustSend(now)
            #expect(bad.slices[0].array[0] == 1)
            outcomes.append(state.finish(bad, broken, now: now))
            #expect(state.put(payload(100), now: now) == true)
            now += 2 * second
            // The other one goes first, or second, but it goes.
            var other = try state.mustSend(now)
            if other.id == bad.id {
                outcomes.append(state.finish(other, broken, now: now))
                now += 10 * second
                other = try state.mustSend(now)
            }
            #expect(state.finish(other, .taken, now: now) == .delivered(sent: 1, rejected: 0))
            now += 60 * second
            if outcomes.last == .dropped(.refusedEarly) { break }
        }
        #expect(outcomes == [.kept, .kept, .dropped(.refusedEarly)])
    }

    @Test(arguments: [false, true])
    func `without memory to cut it waits, and goes out whole unless that was refused`(
        isRefused: Bool
    ) throws {
        var state = DestinationState(settings())
        #expect(state.put(payload(isRefused ? 90 : 250, items: 5), now: 0) == true)
        var now = second
        if isRefused {
            let refused = try state.mustSend(now)
            _ = state.finish(refused, .tooLarge("too large"), now: now)
        }
        var outcomes: [DestinationState.Outcome] = []
        for _ in 0..<6 {
            guard case .cut(let batch, _) = state.next(now) else { break }
            outcomes.append(state.noMemoryToCut(batch.id, now: now, unixNano: now))
            now += 100 * second
        }
        let last = DestinationState.Outcome.dropped(.memory)
        #expect(outcomes == [.kept, .kept, .kept, .kept, .kept, isRefused ? last : .kept])
        let whole = state.sends(now)
        #expect(whole?.bytes == (isRefused ? nil : 250))
    }
}
