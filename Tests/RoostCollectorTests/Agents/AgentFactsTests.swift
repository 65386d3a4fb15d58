import RoostAnalytics
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// What the tracker tells those who analyse adds up to what it counts.
@Suite struct AgentFactsTests {
    private static let table = NameTable(NamesFile.builtIn)

    private static let example = "pydantic_ai_v5"

    private struct Told {
        var symbols = Symbols()
        var facts: [AgentFact] = []
        var snapshot: AgentSnapshot
    }

    private func told(_ name: String) throws -> Told {
        let fixture = try AgentFixture(name)
        var tracker = AgentTracker(AgentTrackerSettings(), prices: PriceBook())
        tracker.tellFacts()
        for request in try fixture.requests(.traces) {
            let scan = TraceScan()
            try scan.read(request, names: Self.table)
            tracker.take(&scan.activities, now: 1, unixNow: 1)
        }
        for request in try fixture.requests(.logs) {
            let scan = LogScan()
            try scan.read(request, names: Self.table)
            tracker.take(&scan.activities, now: 1, unixNow: 1)
        }
        for request in try fixture.requests(.metrics) {
            var scan = AgentMetricsScan(names: Self.table)
            var rejections = Rejections()
            _ = unsafe try request.withBytes { bytes throws(WireError) in
                unsafe try readMetrics(bytes, visitor: &scan, rejections: &rejections)
            }
            tracker.take(scan.facts, now: 1, unixNow: 1)
        }
        tracker.tick(now: 31_000_000_000, unixNow: 1)
        var told = Told(snapshot: tracker.snapshot)
        let batch = tracker.takeFacts(room: AgentFactBatch())
        told.symbols.take(batch)
        told.facts = batch.facts
        #expect(batch.dropped == 0)
        return told
    }

    @Test(arguments: AgentFixture.all)
    func `facts add up to the metrics`(_ name: String) throws {
        let told = try told(name)
        var sums: [String: Double] = [:]
        func text(_ number: Int32) -> String { told.symbols.text(number) }
        for fact in told.facts {
            let status = fact.status == .error ? "error" : "ok"
            switch (fact.kind, fact.activity) {
            case (.ended, .llm), (.ended, .embedding):
                sums["calls \(text(fact.agent)) \(text(fact.model)) \(status)", default: 0] += 1
            case (.ended, .tool):
                sums["tools \(text(fact.agent)) \(text(fact.tool)) \(status)", default: 0] += 1
            case (.ended, .agent):
                sums["runs \(text(fact.agent)) \(text(fact.workflow)) \(status)", default: 0] += 1
            case (.workflowEnded, _):
                sums["workflows \(text(fact.workflow)) \(status)", default: 0] += 1
            default: break
            }
            guard fact.kind == .ended || fact.kind == .usage else { continue }
            if fact.kind == .usage, fact.activity == .llm {
                let calls = "calls \(text(fact.agent)) \(text(fact.model)) \(status)"
                sums[calls, default: 0] += Double(fact.calls)
            } else if fact.kind == .usage, fact.activity == .tool {
                let calls = "tools \(text(fact.agent)) \(text(fact.tool)) \(status)"
                sums[calls, default: 0] += Double(fact.calls)
            }
            let all = fact.tokens
            let tokens = all.input + all.cacheRead + all.cacheWrite + all.output + all.reasoning
            if tokens > 0 {
                sums["tokens \(text(fact.agent)) \(text(fact.model))", default: 0] += Double(tokens)
            }
            if !fact.cost.isNaN { sums["cost \(text(fact.workflow))", default: 0] += fact.cost }
        }
        var expected: [String: Double] = [:]
        func count(_ family: String, _ name: String, _ labels: String...) {
            for (found, value) in told.snapshot.values(of: family) where value > 0 {
                let key = ([name] + labels.map { found[$0] ?? "" }).joined(separator: " ")
                expected[key, default: 0] += value
            }
        }
        count("roost_llm_calls_total", "calls", "agent", "model", "status")
        count("roost_tool_calls_total", "tools", "agent", "tool", "status")
        count("roost_agent_runs_total", "runs", "agent", "workflow", "status")
        count("roost_workflow_runs_total", "workflows", "workflow", "status")
        count("roost_llm_tokens_total", "tokens", "agent", "model")
        count("roost_llm_cost_usd_total", "cost", "workflow")
        #expect(!expected.isEmpty)
        sums = sums.filter { $0.value != 0 }
        for key in Set(sums.keys).union(expected.keys).sorted() {
            let (one, other) = (sums[key, default: 0], expected[key, default: 0])
            #expect(abs(one - other) < 1e-9, "\(key): told \(one), counted \(other)")
        }
    }

    @Test func `children without their parent are told of at once`() throws {
        let fixture = try AgentFixture(Self.example)
        var tracker = AgentTracker(AgentTrackerSettings())
        tracker.tellFacts()
        let scan = TraceScan()
        let request = try #require(fixture.requests(.traces).first)
        try scan.read(request, names: Self.table)
        let hasRoot = scan.activities.activities.contains { $0.parentSpanID == 0 }
        var children = scan.activities
        children.activities.removeAll { $0.parentSpanID == 0 }
        try #require(hasRoot && !children.activities.isEmpty)
        tracker.take(&children, now: 1, unixNow: 1)
        let first = tracker.takeFacts(room: AgentFactBatch())
        #expect(first.facts.contains { $0.kind == .seen && $0.activity == .llm })
        #expect(!first.facts.contains { $0.kind == .ended })
        tracker.tick(now: 31_000_000_000, unixNow: 1)
        let last = tracker.takeFacts(room: AgentFactBatch())
        #expect(last.facts.last?.kind == .traceClosed)
        #expect(last.facts.contains { $0.kind == .ended && $0.activity == .llm })
    }

    @Test func `nothing is told to nobody, and not more than there is room for`() throws {
        let fixture = try AgentFixture(Self.example)
        var tracker = AgentTracker(AgentTrackerSettings())
        let scan = TraceScan()
        for request in try fixture.requests(.traces) {
            try scan.read(request, names: Self.table)
            tracker.take(&scan.activities, now: 1, unixNow: 1)
        }
        #expect(tracker.waitingFacts == 0)
        tracker.tellFacts()
        var batch = scan.activities
        let count = UInt64(batch.activities.count)
        for round in 1...(70_000 / count + 1) {
            batch = scan.activities
            for place in batch.activities.indices {
                batch.activities[place].traceIDLow = round
                batch.activities[place].phase = .pending
            }
            tracker.take(&batch, now: 1, unixNow: 1)
        }
        #expect(tracker.waitingFacts <= 65_536)
        #expect(tracker.takeFacts(room: AgentFactBatch()).dropped > 0)
        #expect(tracker.waitingFacts == 0)
    }
}
