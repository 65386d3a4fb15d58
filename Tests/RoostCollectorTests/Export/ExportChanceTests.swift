import RoostCore
import RoostWire
import Testing

@testable import RoostCollector

/// Whatever a peer answers, in whatever order: nothing is lost, sent twice after a yes, or held for
/// ever.
@Suite struct ExportChanceTests {
    /// The same seed gives the same numbers. SplitMix64.
    private struct Chance: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private struct Course {
        var offered = 0
        var sent = 0
        var rejected = 0
        var ended = 0
        var mostUnderWay = 0
    }

    private func answer(
        _ batch: ExportBatch, _ limit: Int, _ chance: inout Chance
    ) -> ExportVerdict {
        if batch.bytes > limit {
            return [
                .tooLarge("large"), .brokenUpload("reset", byPeer: true),
                .brokenUpload("reset", byPeer: false),
            ].randomElement(using: &chance) ?? .taken
        }
        switch Int.random(in: 0..<100, using: &chance) {
        case 0..<10: return .later
        case 10..<15: return .retryable(.retryLater, "busy", after: .seconds(3))
        case 15..<20: return .retryable(.connectionLost, "lost", after: nil)
        case 20..<24: return .brokenUpload("reset", byPeer: false)
        case 24..<27: return .permanent(.permanent, "no")
        case 27..<30: return .delivered(rejected: 1, message: nil)
        default: return .taken
        }
    }

    @Test(arguments: 0..<60)
    func `every item ends once`(seed: Int) throws {
        var chance = Chance(state: UInt64(seed))
        let share = MemoryBudget(limitBytes: 1 << 30).share("test")
        let keeps = seed % 2 == 0
        let limit = [300, 2_000, 10_000, 1 << 20][seed % 4]
        var state = DestinationState(
            settings {
                $0.concurrency = 1 + seed % 5
                $0.batch.bytes = 5_000
                $0.queue.capacityBytes = 1 << 24
                $0.deadLetters = keeps ? .init(path: "unused") : nil
                $0.retry.giveUpAfter = seed % 3 == 0 ? .seconds(100) : nil
            })
        var course = Course()
        var now: UInt64 = 0
        var under: [ExportBatch] = []
        var dying: [(id: UInt64, items: Int)] = []

        func take(_ outcome: DestinationState.Outcome, _ batch: ExportBatch) {
            switch outcome {
            case .delivered(let sent, let rejected):
                course.sent += sent
                course.rejected += rejected
            case .dropped: course.ended += batch.items
            case .undeliverable: dying.append((batch.id, batch.items))
            case .kept: break
            case .unknown: Issue.record("the batch was known")
            }
        }

        for step in 0..<200_000 {
            if step < 60 {
                let first = UInt64(step * 100 + 1)
                let count = UInt64.random(in: 1...40, using: &chance)
                let bytes = Int.random(in: 30...400, using: &chance)
                let payload = traceRequest(first..<first + count, spanBytes: bytes)
                #expect(state.put(payload, now: now) == true)
                course.offered += payload.items
            }
            steps: while true {
                switch state.next(now) {
                case .send(let batch): under.append(batch)
                case .cut(let batch, let size):
                    let pieces = try BatchCutter.cut(batch, maxBytes: size, share: share)
                    take(state.cut(batch.id, into: pieces), batch)
                case .drop(let batch, _): course.ended += batch.items
                case .bury(let batch, _): dying.append((batch.id, batch.items))
                case .wait: break steps
                }
            }
            course.mostUnderWay = max(course.mostUnderWay, under.count)
            #expect(state.queuedItems >= 0 && state.queue.heldBytes >= 0)
            #expect(
                course.offered == course.sent + course.rejected + course.ended + state.queuedItems)
            if step >= 60, state.isIdle { break }
            now += UInt64.random(in: 1...2 * second, using: &chance)
            if !under.isEmpty {
                let batch = under.remove(at: Int.random(in: under.indices, using: &chance))
                let verdict = answer(batch, limit, &chance)
                take(state.finish(batch, verdict, now: now), batch)
            }
            if !dying.isEmpty, Bool.random(using: &chance) {
                let (id, items) = dying.removeFirst()
                guard case .dropped = state.buried(id) else {
                    Issue.record("the letter was known")
                    return
                }
                course.ended += items
            }
        }
        #expect(state.isIdle && state.queuedItems == 0 && state.queue.heldBytes == 0)
        #expect(course.sent > 0 || limit == 300)
        #expect(course.mostUnderWay <= 1 + seed % 5)
        #expect(share.usedBytes == 0)
    }
}
