import RoostCore
import RoostIngest
import Testing

@testable import RoostCollector

/// What the tracker makes of every recorded and hand-made fixture, against the account of the
/// server that answered the calls.
@Suite struct AgentFixtureTests {
    /// Read whole, then quiet for long enough.
    private func snapshot(_ fixture: AgentFixture) throws -> AgentSnapshot {
        let table = NameTable(NamesFile.builtIn)
        var tracker = AgentTracker(AgentTrackerSettings())
        for request in try fixture.requests(.traces) {
            let scan = TraceScan()
            try scan.read(request, names: table)
            tracker.take(&scan.activities, now: 1, unixNow: 1)
        }
        tracker.tick(now: 31_000_000_000, unixNow: 1)
        return tracker.snapshot
    }

    private func sum(
        _ snapshot: AgentSnapshot, _ family: String, by label: String,
        where isWanted: ([String: String]) -> Bool = { _ in true }
    ) -> [String: Double] {
        var sums: [String: Double] = [:]
        for (labels, value) in snapshot.values(of: family) where isWanted(labels) {
            sums[labels[label] ?? "", default: 0] += value
        }
        return sums
    }

    /// Fixtures without spans.
    private static let logsOnly = [
        "claude_code_events", "claude_code_metrics", "codex_logs", "gemini_cli_logs",
    ]

    @Test(arguments: AgentFixture.all.filter { !logsOnly.contains($0) })
    func `calls and tokens are the provider's own`(_ name: String) throws {
        let fixture = try AgentFixture(name)
        let snapshot = try snapshot(fixture)
        let calls = sum(snapshot, "roost_llm_calls_total", by: "model")
        let failed = sum(snapshot, "roost_llm_calls_total", by: "model") { $0["status"] == "error" }
        for (model, account) in fixture.account {
            #expect(calls[fixture.told(model)] == Double(account.calls), "calls of \(model)")
            #expect(
                failed[fixture.told(model), default: 0] == Double(account.failed),
                "failed calls of \(model)")
            var tokens = sum(snapshot, "roost_llm_tokens_total", by: "token_type") {
                $0["model"] == fixture.told(model)
            }
            var expected = account.tokens.filter { $0.value > 0 }
            // What a library keeps to itself cannot be told apart by anybody.
            for (kept, goesTo) in fixture.keptBack {
                tokens[goesTo, default: 0] += tokens.removeValue(forKey: kept) ?? 0
                expected[goesTo, default: 0] += expected.removeValue(forKey: kept) ?? 0
            }
            #expect(
                tokens.filter { $0.value > 0 } == expected.filter { $0.value > 0 },
                "tokens of \(model)")
        }
        #expect(
            Set(calls.keys)
                == Set(fixture.account.filter { $0.value.calls > 0 }.keys.map(fixture.told)))
    }

    @Test(arguments: AgentFixture.all.filter { !logsOnly.contains($0) })
    func `agents, tools and workflows are counted once`(_ name: String) throws {
        let fixture = try AgentFixture(name)
        let snapshot = try snapshot(fixture)
        for (key, family, label) in [
            ("agents", "roost_agent_runs_total", "agent"),
            ("tools", "roost_tool_calls_total", "tool"),
            ("workflows", "roost_workflow_runs_total", "workflow"),
        ] {
            guard let expected = fixture.counts(key) else { continue }
            #expect(sum(snapshot, family, by: label) == expected, "\(key)")
        }
    }
}
