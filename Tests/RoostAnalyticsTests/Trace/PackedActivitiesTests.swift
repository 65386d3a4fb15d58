import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct PackedActivitiesTests {
    private static let batch: ActivityBatch = {
        var batch = ActivityBatch()
        let service = batch.add(Array("codex".utf8))
        let session = batch.add(Array("session-1".utf8))
        for number in 0..<40 as Range<UInt64> {
            var activity = Activity()
            activity.kind = ActivityKind.allCases[Int(number) % ActivityKind.allCases.count]
            activity.phase = number % 7 == 0 ? .pending : .finished
            activity.source = number % 5 == 0 ? .span : .log
            activity.status = number % 3 == 0 ? .error : .ok
            activity.serviceTier = number % 4 == 0 ? .flex : .standard
            activity.dialect = UInt8(number)
            activity.flags = [.isDerivedTrace]
            activity.traceIDHigh = TestTrace.high
            activity.traceIDLow = TestTrace.low + number / 20
            activity.spanID = number &* 0x9E37_79B9_7F4A_7C15 | 1
            activity.parentSpanID = number % 2 == 0 ? 0 : 77
            activity.start = TestTrace.time(100 - number)
            activity.end = activity.start + number * 1_000_003
            activity.timeToFirstToken = number % 6 * 1000
            activity.tokens.input = number * 100
            activity.tokens.reasoning = number
            if number % 2 == 0 { activity.reportedCost = Double(number) / 8 }
            activity.service = service
            activity.session = session
            activity.name = batch.add(Array("event \(number)".utf8))
            activity.callID = batch.add(Array("call \(number / 2)".utf8))
            batch.activities.append(activity)
        }
        return batch
    }()

    private func described(_ batch: ActivityBatch) -> [String] {
        batch.activities.map { activity in
            var copy = activity
            let texts = [
                activity.service, activity.session, activity.name, activity.callID, activity.tool,
            ].map { String(decoding: batch.bytes($0), as: UTF8.self) }
            copy.service = .none
            copy.session = .none
            copy.name = .none
            copy.callID = .none
            return "\(copy) \(texts)"
        }
    }

    @Test func `what was packed is unpacked`() throws {
        let packed = Self.batch.packed()
        let batch = try #require(ActivityBatch(unpacking: packed))
        #expect(described(batch) == described(Self.batch))
        #expect(packed.count < 40 * 60)
        #expect(ActivityBatch(unpacking: ActivityBatch().packed())?.isEmpty == true)
    }

    @Test func `refuses what is cut short, too long or of another version`() {
        let packed = Self.batch.packed()
        for count in 0..<packed.count {
            #expect(ActivityBatch(unpacking: Array(packed[..<count])) == nil)
        }
        #expect(ActivityBatch(unpacking: packed + [0]) == nil)
        #expect(ActivityBatch(unpacking: [2] + packed[1...]) == nil)
        #expect(ActivityBatch(unpacking: [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]) == nil)
    }

    @Test func `any bytes at all give a batch that can be read, or none`() {
        var random = SystemRandomNumberGenerator()
        let packed = Self.batch.packed()
        var read = 0
        for _ in 0..<1_000 {
            var bytes = packed
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(
                    in: 0...255, using: &random)
            }
            guard let batch = ActivityBatch(unpacking: bytes) else { continue }
            read += 1
            let document = TraceDocument.make(
                activities: batch, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low,
                prices: nil)
            #expect(document.steps.count <= 40)
        }
        #expect(read > 0)
        for count in 0..<500 {
            _ = ActivityBatch(
                unpacking: [1] + (0..<count % 200).map { _ in .random(in: 0...255, using: &random) }
            )
        }
    }

    @Test func `events alone make a document`() {
        var batch = Self.batch
        for place in batch.activities.indices {
            batch.activities[place].source = .log
            batch.activities[place].phase = .finished
        }
        var document = TraceDocument.make(
            activities: batch, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low + 1,
            prices: nil)
        #expect(document.steps.count == 20)
        #expect(document.steps.map(\.start) == document.steps.map(\.start).sorted())
        #expect(document.workflow == "codex")
        // More of the session may come, as long as nobody says that it is over.
        #expect(TraceSummary(of: document).status == .running)
        document.isOver = true
        #expect(TraceSummary(of: document).status != .running)
    }
}
