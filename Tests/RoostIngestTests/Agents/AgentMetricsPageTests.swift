import RoostCore
import RoostMetrics
import Testing

@testable import RoostIngest

/// What the page leaves out after `limits.derived_expiry`.
@Suite struct AgentMetricsPageTests {
    private let run = TrackerRun()
    private let page = AgentMetricsPage()

    init() { page.use(expiry: .nanoseconds(100)) }

    /// The samples of a family by one of its labels, as scraped at `now`.
    private func look(
        at now: UInt64, _ name: String, by label: String, isForPrometheus: Bool = false
    ) -> [String: Double] {
        page.update(run.tracker.snapshot, isForPrometheus: isForPrometheus, now: now)
        var pass = page.makePass()
        var writer = ExpositionWriter(format: .text)
        while pass.write(into: &writer, upTo: .max) {}
        let text = String(decoding: writer.output, as: UTF8.self)
        var found: [String: Double] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix(name + "{") {
            guard let start = line.firstRange(of: label + "=\""),
                let value = line.split(separator: " ").last
            else { continue }
            found[String(line[start.upperBound...].prefix { $0 != "\"" })] = Double(value)
        }
        // A family without a series has no head.
        #expect(text.contains("# TYPE \(name.replacing("_count", with: "")) ") == !found.isEmpty)
        return found
    }

    private func call(_ id: UInt64, of model: String) {
        run.take(Step.call(id).inTrace(id).with { $0.model = model })
    }

    @Test(arguments: ["roost_llm_calls_total", "roost_llm_call_duration_seconds_count"])
    func `leaves out what counted nothing for long, and brings it back whole`(_ name: String) {
        func look(at now: UInt64) -> [String: Double] { self.look(at: now, name, by: "model") }
        call(1, of: "busy")
        call(2, of: "idle")
        #expect(look(at: 1_000) == ["busy": 1, "idle": 1])
        call(3, of: "busy")
        #expect(look(at: 1_100) == ["busy": 2, "idle": 1])
        #expect(look(at: 1_101) == ["busy": 2])
        call(4, of: "idle")
        #expect(look(at: 1_102) == ["busy": 2, "idle": 2])
        #expect(look(at: 1_203) == [:])
        page.use(expiry: nil)
        #expect(look(at: 1_204) == ["busy": 2, "idle": 2])
    }

    @Test func `what comes back is not shown to Prometheus as nothing again`() {
        func look(at now: UInt64) -> [String: Double] {
            self.look(at: now, "roost_llm_calls_total", by: "model", isForPrometheus: true)
        }
        call(1, of: "idle")
        #expect(look(at: 1_000) == ["idle": 0])
        #expect(look(at: 1_001) == ["idle": 1])
        #expect(look(at: 1_101) == [:])
        call(2, of: "idle")
        #expect(look(at: 1_102) == ["idle": 2])
    }

    @Test(arguments: ["roost_llm_calls_total", "roost_llm_call_duration_seconds_count"])
    func `leaves nothing out that Prometheus has not been shown, however seldom it looks`(
        _ name: String
    ) {
        func look(at now: UInt64, isForPrometheus: Bool = true) -> [String: Double] {
            self.look(at: now, name, by: "model", isForPrometheus: isForPrometheus)
        }
        call(1, of: "burst")
        #expect(look(at: 1_000) == ["burst": 0])
        #expect(look(at: 2_000) == ["burst": 1])
        #expect(look(at: 3_000) == [:])
        call(2, of: "burst")
        // Somebody else sees it first.
        #expect(look(at: 3_100, isForPrometheus: false) == ["burst": 2])
        #expect(look(at: 4_000) == ["burst": 2])
        #expect(look(at: 4_001, isForPrometheus: false) == [:])
        call(3, of: "other")
        #expect(look(at: 5_000) == ["other": 0])
        #expect(look(at: 6_000) == ["other": 1])
        #expect(look(at: 7_000) == [:])
    }

    @Test func `what is at work stays, however long; what is not leaves`() {
        func look(at now: UInt64) -> [String: Double] {
            run.pass(1)
            return self.look(at: now, "roost_active_agents", by: "agent")
        }
        run.take(Step.agent("planner", 1).announced)
        #expect(look(at: 1_000) == ["planner": 1])
        #expect(look(at: 2_000) == ["planner": 1])
        run.take(.agent("planner", 1))
        #expect(look(at: 3_000) == ["planner": 0])
        #expect(look(at: 3_100) == ["planner": 0])
        #expect(look(at: 3_101) == [:])
        run.take(Step.agent("planner", 2).inTrace(2).announced)
        #expect(look(at: 3_102) == ["planner": 1])
    }

    @Test func `durations that begin anew in other buckets are not taken for old ones`() {
        let name = "roost_llm_call_duration_seconds_count"
        call(1, of: "idle")
        #expect(look(at: 1_000, name, by: "model") == ["idle": 1])
        var settings = run.tracker.settings
        settings.bounds = .init(seconds: [1, 2]) ?? .standard
        run.tracker.use(settings)
        #expect(look(at: 1_050, name, by: "model") == [:])
        call(2, of: "idle")
        #expect(look(at: 1_101, name, by: "model") == ["idle": 1])
    }
}
