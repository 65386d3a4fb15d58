import RoostCore
import RoostMetrics
import Testing

@testable import RoostIngest

/// The computed client metrics as the page shows them.
@Suite struct ClientMetricsTests {
    private let run: TrackerRun
    private let store = SeriesStore()

    init() { run = TrackerRun() }

    /// The family's samples after a look at the page.
    private func look(
        _ shown: inout ClientMetricsShown, isForPrometheus: Bool = false,
        _ name: String = "gen_ai_client_token_usage_sum"
    ) -> [String: Double] {
        let request = ClientMetricsRequest.bytes(
            of: run.tracker.snapshot, now: run.now, shown: &shown,
            isForPrometheus: isForPrometheus)
        if let request { store.ingest(ByteBlock(request), now: run.now) }
        run.now += TrackerRun.second
        let page = ExpositionPage(format: .text, sources: [store])
        var text: [UInt8] = []
        while page.next(into: &text) {}
        var found: [String: Double] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix(name + "{") {
            guard let job = line.firstRange(of: "job=\""),
                let value = line.split(separator: " ").last
            else { continue }
            found[String(line[job.upperBound...].prefix { $0 != "\"" }), default: 0] +=
                Double(value) ?? .nan
        }
        return found
    }

    @Test func `the series of a service leave when it sends its own`() {
        var shown = ClientMetricsShown()
        run.take(Step.call(1).with { $0.service = "one" })
        run.take(Step.call(2).inTrace(2).with { $0.service = "two" })
        #expect(look(&shown).keys.sorted() == ["one", "two"])
        run.tracker.noteClientMetrics(of: Array("one".utf8))
        #expect(look(&shown).keys.sorted() == ["two"])
        run.take(Step.call(3).inTrace(3).with { $0.service = "one" })
        #expect(look(&shown).keys.sorted() == ["two"])
        let calls = look(&shown, "gen_ai_client_operation_duration_seconds_count")
        #expect(calls.keys.sorted() == ["two"])
    }

    @Test(arguments: [ClientConventions.stable, .genai])
    func `Prometheus sees a new series as nothing once`(_ conventions: ClientConventions) {
        let name =
            conventions == .stable
            ? "gen_ai_client_token_usage_sum"
            : "gen_ai_client_inference_usage_input_tokens_total"
        var settings = run.tracker.settings
        settings.semconv = conventions
        run.tracker.use(settings)
        var shown = ClientMetricsShown()
        #expect(look(&shown, isForPrometheus: true, name) == [:])
        run.take(Step.call(1))
        // Whoever else looks sees what is, before and after.
        #expect(look(&shown, name) == ["crew": 100])
        #expect(look(&shown, isForPrometheus: true, name) == ["crew": 0])
        #expect(look(&shown, name) == ["crew": 100])
        run.take(Step.call(2).inTrace(2))
        #expect(look(&shown, isForPrometheus: true, name) == ["crew": 200])
        run.take(Step.call(3).inTrace(3).with { $0.service = "other" })
        #expect(look(&shown, isForPrometheus: true, name) == ["crew": 200, "other": 0])
        #expect(look(&shown, isForPrometheus: true, name) == ["crew": 200, "other": 100])
    }

    @Test(arguments: [
        (ClientConventions.stable, "gen_ai_client_operation_duration_seconds_count", 1.0),
        (.stable, "gen_ai_client_token_usage_sum", 100),
        (.genai, "gen_ai_client_inference_duration_seconds_count", 1),
        (.genai, "gen_ai_client_inference_operation_input_tokens_sum", 100),
        (.genai, "gen_ai_client_inference_usage_input_tokens_total", 100),
        (.genai, "gen_ai_client_inference_usage_cache_read_input_tokens_total", 7),
    ])
    func `what counts nothing for long is left out, and is back with all that it ever counted`(
        _ conventions: ClientConventions, name: String, each: Double
    ) {
        var settings = run.tracker.settings
        settings.semconv = conventions
        run.tracker.use(settings)
        var shown = ClientMetricsShown()
        var id: UInt64 = 0
        func call(_ service: String) {
            id += 1
            run.take(
                Step.call(id).inTrace(id).with {
                    $0.service = service
                    if name.contains("cache_read") { ($0.input, $0.cacheRead) = (93, 7) }
                })
        }
        func look(at now: UInt64, expiry: Duration? = .nanoseconds(100)) -> [String: Double] {
            shown.use(expiry: expiry, now: now)
            return self.look(&shown, isForPrometheus: now > 1_000, name)
        }
        call("busy")
        call("idle")
        #expect(look(at: 1_000) == ["busy": each, "idle": each])
        // To Prometheus both are new.
        #expect(look(at: 1_001) == ["busy": 0, "idle": 0])
        call("busy")
        #expect(look(at: 1_090) == ["busy": 2 * each, "idle": each])
        #expect(look(at: 1_101) == ["busy": 2 * each])
        #expect(look(at: 1_102) == ["busy": 2 * each])
        call("idle")
        #expect(look(at: 1_103) == ["busy": 2 * each, "idle": 2 * each])
        #expect(look(at: 1_300) == [:])
        #expect(look(at: 1_301, expiry: nil) == ["busy": 2 * each, "idle": 2 * each])
    }

    @Test(arguments: [
        (ClientConventions.stable, "gen_ai_client_operation_duration_seconds_count", 1.0),
        (.stable, "gen_ai_client_token_usage_sum", 100),
        (.genai, "gen_ai_client_inference_usage_cache_read_input_tokens_total", 7),
    ])
    func `nothing is left out that Prometheus has not been shown, however seldom it looks`(
        _ conventions: ClientConventions, name: String, each: Double
    ) {
        var settings = run.tracker.settings
        settings.semconv = conventions
        run.tracker.use(settings)
        var shown = ClientMetricsShown()
        func call(_ id: UInt64) {
            run.take(
                Step.call(id).inTrace(id).with {
                    if name.contains("cache_read") { ($0.input, $0.cacheRead) = (93, 7) }
                })
        }
        func look(at now: UInt64, isForPrometheus: Bool = true) -> [String: Double] {
            shown.use(expiry: .nanoseconds(100), now: now)
            return self.look(&shown, isForPrometheus: isForPrometheus, name)
        }
        call(1)
        #expect(look(at: 1_000) == ["crew": 0])
        #expect(look(at: 2_000) == ["crew": each])
        #expect(look(at: 3_000) == [:])
        call(2)
        // Somebody else sees it first.
        #expect(look(at: 3_100, isForPrometheus: false) == ["crew": 2 * each])
        #expect(look(at: 4_000) == ["crew": 2 * each])
        #expect(look(at: 5_000) == [:])
    }

    @Test func `what goes into the overflow is counted, and no count falls`() {
        let small = TrackerRun { $0.seriesLimit = SeriesLimit(2) }
        for id: UInt64 in 1...5 {
            small.take(Step.call(id).inTrace(id).with { $0.model = "model-\(id)" })
        }
        let before = small.tracker.snapshot.overflowed
        #expect(before >= 3)
        var changed = small.tracker.settings
        changed.semconv = .off
        changed.bounds = .init(seconds: [1, 2]) ?? .standard
        small.tracker.use(changed)
        #expect(small.tracker.snapshot.overflowed >= before)
    }
}
