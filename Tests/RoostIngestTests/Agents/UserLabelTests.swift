import RoostCore
import RoostMetrics
import Testing

@testable import RoostIngest

/// Users as labels: keyed hashes, where that is switched on.
@Suite struct UserLabelTests {
    private static let key = Array("a key of the tests".utf8)
    /// By another implementation of HMAC-SHA-256.
    private static let alice = "4dbdd8c289098456"
    private static let bob = "9919fb48d9440f8e"
    private static let families = [
        "roost_llm_calls_total", "roost_llm_tokens_total", "roost_llm_cost_usd_total",
        "roost_agent_runs_total",
    ]

    private func hashed(_ change: (inout AgentTrackerSettings) -> Void = { _ in }) -> TrackerRun {
        TrackerRun {
            $0.userKey = Self.key
            change(&$0)
        }
    }

    private func use(_ key: [UInt8]?, _ run: TrackerRun) {
        var settings = run.tracker.settings
        settings.userKey = key
        run.tracker.use(settings)
    }

    /// Calls by the label `user`; the key is nil where there is no such label.
    private func calls(_ run: TrackerRun) -> [String?: Double] {
        var calls: [String?: Double] = [:]
        for (labels, value) in run.tracker.snapshot.values(of: "roost_llm_calls_total") {
            calls[labels["user"], default: 0] += value
        }
        return calls
    }

    private func page(_ run: TrackerRun) -> String {
        let page = AgentMetricsPage()
        page.update(run.tracker.snapshot, isForPrometheus: false, now: 0)
        var pass = page.makePass()
        var writer = ExpositionWriter(format: .text)
        while pass.write(into: &writer, upTo: .max) {}
        return String(decoding: writer.output, as: UTF8.self)
    }

    @Test func `without a key nobody is told`() {
        let run = TrackerRun()
        run.take(.agent("planner", 1).by("alice"), .call(2, below: 1).by("alice"))
        #expect(calls(run) == [nil: 1])
        #expect(!page(run).contains("user"))
    }

    @Test func `calls, tokens, cost and runs tell the hash of their user`() {
        let run = hashed()
        run.tracker.use(prices: PriceBook())
        run.take(.agent("planner", 1).by("alice"), .call(2, below: 1).by("alice"))
        for family in Self.families {
            #expect(run.sum(family, ["user": Self.alice]) > 0, "\(family)")
            #expect(run.sum(family) == run.sum(family, ["user": Self.alice]), "\(family)")
        }
        let page = page(run)
        #expect(page.contains("user=\"\(Self.alice)\"") && !page.contains("alice"))
        // Durations are not told by user.
        #expect(
            run.tracker.snapshot.values(of: "roost_llm_call_duration_seconds").allSatisfy {
                $0.labels["user"] == nil
            })
    }

    @Test func `a label is what the command prints`() {
        #expect(userLabel(of: "alice", key: Self.key) == Self.alice)
        #expect(userLabel(of: "bob", key: Self.key) == Self.bob)
        #expect(userLabel(of: "bob", key: [1]) != Self.bob)
        // Texts are cut.
        let long = String(repeating: "x", count: 255) + "é"
        #expect(
            userLabel(of: long + "1", key: Self.key)
                == userLabel(of: String(repeating: "x", count: 255), key: Self.key))
    }

    @Test func `who says nothing has the user of the nearest above`() {
        let run = hashed()
        run.take(
            .call(3, below: 2), .call(4, below: 1), .call(5, below: 2).by("bob"),
            .agent("searcher", 2, below: 1), .agent("planner", 1).by("alice"))
        #expect(calls(run) == [Self.alice: 2, Self.bob: 1])
        #expect(run.sum("roost_agent_runs_total", ["user": Self.alice]) == 2)
    }

    @Test func `the only user of a trace is that of all in it, several are nobody's`() {
        let run = hashed()
        run.take(.agent("planner", 1), .call(2, below: 1).by("alice"), .call(3, below: 1))
        #expect(calls(run) == [Self.alice: 2])
        #expect(run.sum("roost_agent_runs_total", ["user": Self.alice]) == 1)
        let steps: [Step] = [
            .agent("planner", 1), .call(2, below: 1).by("alice"), .call(3, below: 1).by("bob"),
            .call(4, below: 1),
        ]
        run.take(steps.map { $0.inTrace(2) })
        #expect(calls(run) == [Self.alice: 3, Self.bob: 1, "": 1])
        #expect(run.sum("roost_agent_runs_total", ["user": ""]) == 1)
    }

    @Test func `the place of a span that has gone says nothing of the next`() {
        let run = hashed()
        run.take(.call(1).by("alice"))
        run.pass(31)
        #expect(run.tracker.heldActivities == 0)
        run.take(Step.call(2).inTrace(2))
        #expect(calls(run) == [Self.alice: 1, "": 1])
    }

    @Test func `users above the limit share the series of those without room`() {
        let run = hashed { $0.seriesLimit = SeriesLimit(3) }
        for id: UInt64 in 1...20 { run.take(Step.call(id).inTrace(id).by("user \(id)")) }
        #expect(run.tracker.snapshot.values(of: "roost_llm_calls_total").count == 3)
        #expect(run.tracker.metrics.llmCalls.values[0] == 17)
        #expect(run.calls == 20 && run.allTokens == 2000)
        // Those that have a series keep it.
        run.take(Step.call(21).inTrace(21).by("user 2"))
        #expect(run.tracker.metrics.llmCalls.values[0] == 17)
        #expect(page(run).contains("otel_metric_overflow"))
    }

    @Test func `no counter falls when it is switched on and off, or gets another key`() {
        let run = TrackerRun()
        var before: [[String: String]: Double] = [:]
        func take(_ id: UInt64) {
            run.take(Step.agent("planner", id).inTrace(id).by("alice"))
            run.take(Step.call(id + 100).inTrace(id + 100).by("alice"))
            for family in Self.families {
                for (labels, value) in run.tracker.snapshot.values(of: family) {
                    // A label without text is no label to Prometheus.
                    var series = labels.filter { !$0.value.isEmpty }
                    series["__name__"] = family
                    #expect(value >= before[series] ?? 0, "\(series)")
                    before[series] = value
                }
            }
        }
        take(1)
        use(Self.key, run)
        take(2)
        #expect(calls(run) == ["": 1, Self.alice: 1])
        use(nil, run)
        take(3)
        #expect(calls(run) == ["": 2, Self.alice: 1])
        use([7], run)
        take(4)
        let other = userLabel(of: "alice", key: [7])
        #expect(calls(run) == ["": 2, Self.alice: 1, other: 1])
        #expect(run.calls == 4)
    }

    @Test func `what was under way when it is switched off is counted for nobody`() {
        let run = hashed()
        run.take(.call(1, below: 9).by("alice"))
        use(nil, run)
        run.pass(31)
        #expect(calls(run) == ["": 1])
        use(Self.key, run)
        run.take(Step.call(2, below: 9).inTrace(2))
        run.pass(31)
        #expect(calls(run) == ["": 2])
    }

    @Test func `usage that metrics tell has the user of its point`() {
        let run = hashed()
        for (place, user) in ["alice", "bob", "alice", ""].enumerated() {
            var fact = UsageFact()
            fact.service = Array("claude-code".utf8)
            fact.model = Array("claude-sonnet-4-5".utf8)
            fact.user = Array(user.utf8)
            fact.value = 10
            fact.time = UInt64(place + 1)
            run.tracker.take([fact], now: run.now, unixNow: TrackerRun.zero)
            fact.tells = .calls
            fact.value = 1
            fact.time += 100
            run.tracker.take([fact], now: run.now, unixNow: TrackerRun.zero)
        }
        run.pass(31)
        #expect(calls(run) == [Self.alice: 2, Self.bob: 1, "": 1])
        #expect(run.tokens(["user": Self.alice]) == 20)
        #expect(run.tokens(["user": Self.bob]) == 10)
    }
}
