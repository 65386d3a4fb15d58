import Testing

@testable import RoostDemo

@Suite struct PlayerTests {
    private static let origin: Int64 = 1_700_000_000_000_000_000

    @Test func `sends every span of its workflows once, as it ends`() {
        var player = Player(seed: 5, rate: 120, origin: Self.origin, length: nanoseconds(10))
        var sent: [UInt64: Int] = [:]
        var late = 0
        for second in 0...10 {
            let now = Self.origin + nanoseconds(Double(second))
            for outbox in player.advance(to: now, collectMetrics: false) {
                for span in outbox.spans {
                    sent[span.element.id, default: 0] += 1
                    let end = span.base + span.element.end
                    #expect(end <= now)
                    if second > 0, end <= now - nanoseconds(1) { late += 1 }
                }
            }
        }
        #expect(player.isOver)
        #expect(late == 0)
        let expected = (0..<20).flatMap { Script.make(seed: 5, number: $0).spans.map(\.id) }
        #expect(Set(sent.keys) == Set(expected))
        #expect(sent.values.allSatisfy { $0 == 1 })
    }

    @Test func `plays at least one workflow`() {
        var player = Player(seed: 5, rate: 1, origin: Self.origin, length: nanoseconds(2))
        let outboxes = player.advance(to: Self.origin + nanoseconds(2), collectMetrics: false)
        #expect(outboxes.flatMap(\.spans).count { $0.element.account == .workflow } == 1)
    }

    @Test func `goes on for ever without a length`() {
        var player = Player(seed: 5, rate: 60, origin: Self.origin, length: nil)
        for minute in 1...3 {
            let now = Self.origin + nanoseconds(60 * Double(minute))
            let roots = player.advance(to: now, collectMetrics: false)
                .flatMap(\.spans).count { $0.element.account == .workflow }
            #expect((59...61).contains(roots))
        }
        #expect(!player.isOver)
    }

    @Test func `counts tokens in metrics as in spans`() {
        var player = Player(seed: 5, rate: 60, origin: Self.origin, length: nanoseconds(60))
        var tokens = 0
        var sum = 0.0
        for second in stride(from: 0.0, through: 60, by: 5) {
            let now = Self.origin + nanoseconds(second)
            let outboxes = player.advance(to: now, collectMetrics: true)
            for span in outboxes.flatMap(\.spans) {
                switch span.element.account {
                case .modelCall(let bill, _), .embedding(let bill):
                    tokens += bill.usage.allInput + bill.usage.allOutput
                default: break
                }
            }
            sum = outboxes.compactMap(\.metrics).flatMap(\.streams)
                .filter { $0.instrument == .tokenUsage }.reduce(0) { $0 + $1.sum }
        }
        #expect(tokens > 0)
        #expect(sum == Double(tokens))
    }

    @Test func `points exemplars at spans that are sent`() {
        var player = Player(seed: 5, rate: 60, origin: Self.origin, length: nanoseconds(20))
        var spans: Set<UInt64> = []
        var exemplars: Set<UInt64> = []
        for second in 0...20 {
            let outboxes = player.advance(
                to: Self.origin + nanoseconds(Double(second)), collectMetrics: true)
            spans.formUnion(outboxes.flatMap(\.spans).map(\.element.id))
            exemplars.formUnion(
                outboxes.compactMap(\.metrics).flatMap(\.streams)
                    .flatMap(\.exemplars.values).map(\.span))
        }
        #expect(!exemplars.isEmpty)
        #expect(exemplars.isSubset(of: spans))
    }
}
