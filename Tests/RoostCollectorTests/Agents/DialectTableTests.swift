import Foundation
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// The table of dialects in docs/agents.md: what Roost counts of each fixture.
@Suite struct DialectTableTests {
    /// With `UPDATE_DOCS=1` in the environment the table is written anew instead of compared.
    @Test func `docs/agents.md shows what is counted of every fixture`() throws {
        let path = #filePath.replacing(
            "Tests/RoostCollectorTests/Agents/DialectTableTests.swift", with: "docs/agents.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let begin = "<!-- begin: made from the fixtures -->\n"
        let end = "<!-- end -->\n"
        let start = try #require(page.firstRange(of: begin)).upperBound
        let stop = try #require(page.firstRange(of: end)).lowerBound
        let made = try Self.table()
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            let whole = page[..<start] + made + page[stop...]
            try String(whole).write(toFile: path, atomically: true, encoding: .utf8)
        } else {
            #expect(
                page[start..<stop] == made, "run: UPDATE_DOCS=1 swift test --filter DialectTable")
        }
    }

    private static func table() throws -> String {
        var text =
            "| what sends it | version | from | calls, failed | runs of agents | tool calls "
            + "| tokens: input, cache read, cache write, output, reasoning | USD |\n"
            + "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        for name in AgentFixture.all { text += try row(AgentFixture(name)) }
        return text
    }

    private static func row(_ fixture: AgentFixture) throws -> String {
        let names = NameTable(NamesFile.builtIn)
        var tracker = AgentTracker(AgentTrackerSettings(), prices: Config().prices)
        var signals: [String] = []
        for signal in Signal.allCases {
            for request in try fixture.requests(signal) {
                signals.append(signal.name)
                switch signal {
                case .traces:
                    let scan = TraceScan()
                    try scan.read(request, names: names)
                    tracker.take(&scan.activities, now: 1, unixNow: 1)
                case .logs:
                    let scan = LogScan()
                    try scan.read(request, names: names)
                    tracker.take(&scan.activities, now: 1, unixNow: 1)
                case .metrics:
                    var scan = AgentMetricsScan(names: names)
                    var rejections = Rejections()
                    _ = unsafe try request.withBytes { bytes throws(WireError) in
                        unsafe try readMetrics(bytes, visitor: &scan, rejections: &rejections)
                    }
                    tracker.take(scan.facts, now: 1, unixNow: 1)
                }
            }
        }
        tracker.tick(now: 31_000_000_000, unixNow: 1)
        let snapshot = tracker.snapshot
        func sum(_ family: String, _ label: String = "", _ value: String = "") -> Double {
            snapshot.values(of: family).filter { label.isEmpty || $0.0[label] == value }
                .reduce(0) { $0 + $1.1 }
        }
        func count(_ number: Double) -> String { number == 0 ? "–" : "\(Int(number))" }
        let tokens = ["input", "cache_read", "cache_write", "output", "reasoning"].map {
            count(sum("roost_llm_tokens_total", "token_type", $0))
        }
        let reported = sum("roost_llm_cost_usd_total", "source", "reported")
        let computed = sum("roost_llm_cost_usd_total", "source", "computed")
        let cost = [(reported, "reported"), (computed, "computed")].filter { $0.0 > 0 }.map {
            String(format: "%.6f", $0.0) + " " + $0.1
        }
        let isRecorded = fixture.root["recorded"] as? Bool == true
        let cells = [
            "`\(fixture.name)`", fixture.root["version"] as? String ?? "",
            isRecorded ? "the library itself" : "its documentation",
            "\(count(sum("roost_llm_calls_total"))), "
                + count(sum("roost_llm_calls_total", "status", "error")),
            count(sum("roost_agent_runs_total")), count(sum("roost_tool_calls_total")),
            tokens.joined(separator: ", "), cost.isEmpty ? "–" : cost.joined(separator: ", "),
        ]
        return "| " + cells.joined(separator: " | ") + " |\n"
    }
}
