import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// Which signal is believed when several tell the same, and what metrics alone tell.
@Suite struct AgentSignalsTests {
    private static let table = NameTable(NamesFile.builtIn)
    private static let second: UInt64 = 1_000_000_000

    /// A tracker and the time that passes for it.
    private final class Run {
        var tracker: AgentTracker
        var now: UInt64 = 1

        init(began: UInt64 = 0) {
            var settings = AgentTrackerSettings()
            settings.began = began
            tracker = AgentTracker(settings)
        }

        func take(_ request: ByteBlock, _ signal: Signal) throws {
            switch signal {
            case .traces:
                let scan = TraceScan()
                try scan.read(request, names: AgentSignalsTests.table)
                tracker.take(&scan.activities, now: now, unixNow: 1)
            case .logs:
                let scan = LogScan()
                try scan.read(request, names: AgentSignalsTests.table)
                tracker.take(&scan.activities, now: now, unixNow: 1)
            case .metrics:
                var scan = AgentMetricsScan(names: AgentSignalsTests.table)
                var rejections = Rejections()
                _ = unsafe try request.withBytes { bytes throws(WireError) in
                    unsafe try readMetrics(bytes, visitor: &scan, rejections: &rejections)
                }
                tracker.take(scan.facts, now: now, unixNow: 1)
            }
        }

        func pass(_ seconds: UInt64) {
            now += seconds * AgentSignalsTests.second
            tracker.tick(now: now, unixNow: 1)
        }

        func sum(_ family: String, _ labels: [String: String] = [:]) -> Double {
            tracker.snapshot.values(of: family).filter { found, _ in
                labels.allSatisfy { found[$0.key] == $0.value }
            }.reduce(0) { $0 + $1.1 }
        }
    }

    @Test(arguments: [
        [Signal.logs, .traces], [.traces, .logs], [.logs, .traces, .logs],
        [.logs, .traces, .metrics], [.traces, .metrics, .logs], [.logs, .metrics, .traces],
        [.traces, .traces, .logs, .metrics], [.metrics, .traces, .logs],
        [.metrics, .logs, .traces],
        [.metrics, .logs],
    ])
    func `what several signals tell counts once`(_ order: [Signal]) throws {
        let fixture = try AgentFixture("claude_code_all_signals")
        let run = Run()
        for signal in order {
            for request in try fixture.requests(signal) { try run.take(request, signal) }
            run.pass(5)
        }
        run.pass(31)
        for (model, account) in fixture.account {
            #expect(run.sum("roost_llm_calls_total", ["model": model]) == Double(account.calls))
            let tokens = account.tokens.values.reduce(0, +)
            #expect(run.sum("roost_llm_tokens_total", ["model": model]) == Double(tokens))
        }
        #expect(run.sum("roost_tool_calls_total") == 1)
        #expect(run.sum("roost_workflow_runs_total") == 1)
        let events = run.tracker.snapshot.events
        #expect(events.disbelieved + events.duplicateCalls > 0)
        let calls = try #require(run.tracker.beliefs.first { $0.fact == "calls" })
        #expect(calls.service == "claude-code")
        let heard = ["traces", "logs", "metrics"].filter { name in
            order.contains { $0.name == name }
        }
        #expect([calls.signal] + calls.others == heard)
    }

    @Test func `a service whose spans have stopped is believed in its events again`() throws {
        let fixture = try AgentFixture("claude_code_all_signals")
        let run = Run()
        for request in try fixture.requests(.traces) { try run.take(request, .traces) }
        run.pass(60)
        let before = run.sum("roost_tool_calls_total")
        for request in try fixture.requests(.logs) { try run.take(request, .logs) }
        #expect(run.sum("roost_tool_calls_total") == before)
        run.pass(700)
        for request in try fixture.requests(.logs) { try run.take(request, .logs) }
        #expect(run.sum("roost_tool_calls_total") == before + 1)
        #expect(
            run.tracker.beliefs.allSatisfy {
                $0.signal == "logs" && $0.reason == "spans have been silent for 10 minutes"
            })
    }

    @Test func `each session of a service is believed in its own best signal`() throws {
        let fixture = try AgentFixture("claude_code_all_signals")
        let run = Run()
        for request in try fixture.requests(.traces) { try run.take(request, .traces) }
        // Another user of the same tool, who sends events only.
        for request in try fixture.requests(.logs) {
            try run.take(
                replacing("session-1", "session-2", in: replacing("req_", "xxx_", in: request)),
                .logs)
        }
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 2)
        #expect(run.sum("roost_llm_calls_total") == 4)
        #expect(run.sum("roost_workflow_runs_total") == 2)
        let tools = try #require(run.tracker.beliefs.first { $0.fact == "tools" })
        #expect(tools.signal == "traces" && tools.others == ["logs"])
        #expect(tools.sessions.map { "\($0.signal) \($0.count)" } == ["traces 1", "logs 1"])
    }

    @Test func `a span without a session is known from an event that has one`() throws {
        let fixture = try AgentFixture("claude_code_all_signals")
        let run = Run()
        for request in try fixture.requests(.logs) {
            // Nor an id.
            try run.take(replacing("request_id", "request_no", in: request), .logs)
        }
        run.pass(5)
        for request in try fixture.requests(.traces) {
            try run.take(replacing("session.id", "session.no", in: request), .traces)
        }
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 1)
        #expect(run.sum("roost_llm_calls_total") == 2)
    }

    /// One span or event of a call of a tool that ended at a second.
    private func tool(_ number: Int, at end: UInt64, isSpan: Bool) throws -> ByteBlock {
        let attributes = """
            [{"key": "session.id", "value": {"stringValue": "s"}},
             {"key": "tool_name", "value": {"stringValue": "Bash"}},
             {"key": "event.name", "value": {"stringValue": "tool_result"}},
             {"key": "tool_use_id", "value": {"stringValue": "\(number)"}}]
            """
        let resource = """
            {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
            """
        let id = "00000000000" + String(10_000 + number)
        let json =
            isSpan
            ? """
            {"resourceSpans": [{"resource": \(resource), "scopeSpans": [{
             "scope": {"name": "com.anthropic.claude_code.tracing"},
             "spans": [{"traceId": "\(id)\(id)", "spanId": "\(id)",
              "name": "claude_code.tool",
              "startTimeUnixNano": "\(end * Self.second)",
              "endTimeUnixNano": "\(end * Self.second)", "attributes": \(attributes)}]}]}]}
            """
            : """
            {"resourceLogs": [{"resource": \(resource), "scopeLogs": [{
             "scope": {"name": "com.anthropic.claude_code.events"},
             "logRecords": [{"timeUnixNano": "\(end * Self.second + UInt64(number))",
              "body": {"stringValue": "claude_code.tool_result"},
              "attributes": \(attributes)}]}]}]}
            """
        return unsafe try Array(json.utf8).withUnsafeBytes { bytes in
            unsafe try transcodeJSON(
                bytes, signal: isSpan ? .traces : .logs, maxBytes: 1 << 20)
        }
    }

    @Test func `a long list of events that spans tell again counts once`() throws {
        let run = Run()
        for number in 0..<400 {
            try run.take(tool(number, at: 100 + UInt64(number / 20), isSpan: false), .logs)
        }
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 400)
        for number in 0..<400 {
            try run.take(tool(number, at: 100 + UInt64(number / 20), isSpan: true), .traces)
        }
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 400)
        #expect(run.tracker.snapshot.events.disbelieved == 400)
        // What no event has told is counted.
        try run.take(tool(500, at: 200, isSpan: true), .traces)
        run.pass(31)
        #expect(run.sum("roost_tool_calls_total") == 401)
    }

    // MARK: which event and which span are one call

    /// A call of a session that ended after some milliseconds, as it is told.
    private struct Told {
        var id = ""
        var input = 0
        var end: Int
        var isFailed = false

        static func call(_ number: Int, at end: Int, _ input: Int) -> Told {
            Told(id: "req_\(number)", input: input, end: end)
        }
    }

    private func request(_ told: [Told], isSpan: Bool) throws -> ByteBlock {
        let records = told.map { told in
            let name = told.isFailed ? "api_error" : "api_request"
            var values = [
                ("session.id", "s"), ("prompt.id", "p"), ("model", "claude-sonnet-4-5"),
                ("event.name", name),
            ]
            if !told.id.isEmpty { values.append(("request_id", told.id)) }
            if told.isFailed { values += [("status_code", "529"), ("success", "false")] }
            if told.input > 0 {
                values += [("input_tokens", "\(told.input)"), ("output_tokens", "10")]
            }
            let attributes = values.map {
                "{\"key\": \"\($0.0)\", \"value\": {\"stringValue\": \"\($0.1)\"}}"
            }.joined(separator: ",")
            let end = 100_000_000_000 + told.end * 1_000_000
            return isSpan
                ? """
                {"traceId": "000000000000000000000000000000aa",
                 "spanId": "\(String(0xB000_0000_0000_0000 + UInt64(told.end), radix: 16))",
                 "parentSpanId": "00000000000000cc", "name": "claude_code.llm_request",
                 "startTimeUnixNano": "\(end - 500_000_000)", "endTimeUnixNano": "\(end)",
                 "attributes": [\(attributes)]}
                """
                : """
                {"timeUnixNano": "\(end)", "body": {"stringValue": "claude_code.\(name)"},
                 "attributes": [\(attributes)]}
                """
        }.joined(separator: ",")
        let resource = """
            {"attributes": [{"key": "service.name", "value": {"stringValue": "claude-code"}}]}
            """
        let scope = "\"scope\": {\"name\": \"com.anthropic.claude_code\"}"
        let json =
            isSpan
            ? """
            {"resourceSpans": [{"resource": \(resource),
             "scopeSpans": [{\(scope), "spans": [\(records)]}]}]}
            """
            : """
            {"resourceLogs": [{"resource": \(resource),
             "scopeLogs": [{\(scope), "logRecords": [\(records)]}]}]}
            """
        return unsafe try Array(json.utf8).withUnsafeBytes { bytes in
            unsafe try transcodeJSON(
                bytes, signal: isSpan ? .traces : .logs, maxBytes: 1 << 20)
        }
    }

    /// Events and spans in turns, each a request; what they come to.
    private func run(
        _ requests: [(events: [Told], spans: [Told])], at place: SourceLocation = #_sourceLocation,
        calls: Double, tokens: Double
    ) throws {
        let run = Run()
        for (events, spans) in requests {
            if !events.isEmpty { try run.take(request(events, isSpan: false), .logs) }
            if !spans.isEmpty { try run.take(request(spans, isSpan: true), .traces) }
        }
        run.pass(31)
        #expect(run.sum("roost_llm_calls_total") == calls, sourceLocation: place)
        #expect(run.sum("roost_llm_tokens_total") == tokens, sourceLocation: place)
    }

    @Test func `an event and a span of different answers are two calls`() throws {
        let (one, other) = (Told.call(1, at: 2_000, 1_000), Told.call(2, at: 3_500, 7))
        try run([([one], [other]), ([other], [one])], calls: 2, tokens: 1_027)
        try run([([one], [other])], calls: 2, tokens: 1_027)
        try run([([one], [one]), ([other], [other])], calls: 2, tokens: 1_027)
        let early = (1...3).map { Told.call($0, at: 1_000 + $0 * 500, [0, 10, 100, 1_000][$0]) }
        try run(
            [(early, [.call(4, at: 3_000, 50_000)]), ([], early)], calls: 4, tokens: 51_110 + 40)
    }

    @Test func `so are those without ids that count other tokens`() throws {
        let (one, other) = (Told(input: 1_000, end: 2_000), Told(input: 7, end: 3_500))
        try run([([one], [other]), ([other], [one])], calls: 2, tokens: 1_027)
        try run([([one, other], [other]), ([], [one])], calls: 2, tokens: 1_027)
    }

    @Test(arguments: [true, false])
    func `a failed attempt and the one after it are two calls`(_ hasIDs: Bool) throws {
        let failed = Told(id: hasIDs ? "req_1" : "", end: 2_000, isFailed: true)
        let done = Told(id: hasIDs ? "req_2" : "", input: 7, end: 3_500)
        try run([([failed], [done]), ([done], [])], calls: 2, tokens: 17)
        try run([([failed, done], [done])], calls: 2, tokens: 17)
        try run([([failed, done], [failed, done])], calls: 2, tokens: 17)
    }

    private func replacing(_ old: String, _ new: String, in request: ByteBlock) -> ByteBlock {
        var bytes = request.array
        let (old, new) = (Array(old.utf8), Array(new.utf8))
        var place = 0
        while place + old.count <= bytes.count {
            if bytes[place..<(place + old.count)].elementsEqual(old) {
                bytes.replaceSubrange(place..<(place + old.count), with: new)
            }
            place += 1
        }
        return ByteBlock(bytes)
    }

    @Test func `metrics alone give tokens and cost`() throws {
        let fixture = try AgentFixture("claude_code_metrics")
        let run = Run()
        for request in try fixture.requests(.metrics) { try run.take(request, .metrics) }
        run.pass(31)
        for (model, account) in fixture.account {
            for (type, tokens) in account.tokens {
                let labels = [
                    "model": model, "token_type": type, "provider": "anthropic",
                    "agent": "claude-code",
                ]
                #expect(run.sum("roost_llm_tokens_total", labels) == Double(tokens), "\(type)")
            }
        }
        let cost = try #require(fixture.root["reported_cost_usd"] as? Double)
        #expect(
            abs(run.sum("roost_llm_cost_usd_total", ["source": "reported"]) - cost) < 1e-9)
        #expect(run.sum("roost_llm_cost_usd_total", ["source": "computed"]) == 0)
        let belief = try #require(run.tracker.beliefs.first)
        #expect(belief.signal == "metrics" && belief.fact == "calls")
    }

    // MARK: sums that go on rising

    private func gemini(
        _ values: [(type: String, value: Int)], start: UInt64 = 10, at time: UInt64,
        isCumulative: Bool = true
    ) throws -> ByteBlock {
        let points = values.map { type, value in
            """
            {"startTimeUnixNano": "\(start)", "timeUnixNano": "\(time)", "asInt": "\(value)",
             "attributes": [{"key": "type", "value": {"stringValue": "\(type)"}},
              {"key": "model", "value": {"stringValue": "gemini-2.5-pro"}}]}
            """
        }.joined(separator: ",")
        let json = """
            {"resourceMetrics": [{"resource": {"attributes": [
              {"key": "service.name", "value": {"stringValue": "gemini-cli"}}]},
             "scopeMetrics": [{"scope": {"name": "gemini-cli"}, "metrics": [
              {"name": "gemini_cli.token.usage", "sum": {"isMonotonic": true,
               "aggregationTemporality": \(isCumulative ? 2 : 1), "dataPoints": [\(points)]}}]}]}]}
            """
        return unsafe try Array(json.utf8).withUnsafeBytes { bytes in
            unsafe try transcodeJSON(bytes, signal: .metrics, maxBytes: 1 << 20)
        }
    }

    @Test func `sums that rise are counted by how much they rise`() throws {
        let run = Run(began: 5)
        func tokens(_ type: String) -> Double {
            run.pass(31)
            return run.sum("roost_llm_tokens_total", ["token_type": type])
        }
        try run.take(gemini([("input", 100), ("cache", 60), ("thought", 7)], at: 20), .metrics)
        #expect((tokens("input"), tokens("cache_read"), tokens("reasoning")) == (40, 60, 7))
        // The same again, then more, then from the beginning.
        try run.take(gemini([("input", 100), ("cache", 60), ("thought", 7)], at: 20), .metrics)
        #expect(tokens("input") == 40)
        try run.take(gemini([("input", 150), ("cache", 60)], at: 40), .metrics)
        #expect(tokens("input") == 90)
        // One that was overtaken.
        try run.take(gemini([("input", 120), ("cache", 60)], at: 30), .metrics)
        #expect(tokens("input") == 90)
        try run.take(gemini([("input", 20)], start: 50, at: 60), .metrics)
        #expect(tokens("input") == 110)
        try run.take(gemini([("input", 5)], start: 50, at: 70), .metrics)
        #expect(tokens("input") == 115)
        // Deltas, one of them nonsense.
        try run.take(gemini([("input", 3)], at: 80, isCumulative: false), .metrics)
        try run.take(gemini([("input", -3)], at: 80, isCumulative: false), .metrics)
        try run.take(gemini([("new", 900)], at: 80, isCumulative: false), .metrics)
        #expect(tokens("input") == 118)
        #expect(run.tracker.snapshot.events.rejectedValues == 1)
    }

    @Test func `what tools put into the prompt is input beside the prompt's own`() throws {
        let run = Run(began: 5)
        try run.take(
            gemini([("input", 100), ("tool", 900), ("cache", 60), ("output", 10)], at: 20),
            .metrics)
        run.pass(31)
        for (type, count) in [("input", 940.0), ("cache_read", 60), ("output", 10)] {
            #expect(run.sum("roost_llm_tokens_total", ["token_type": type]) == count)
        }
    }

    @Test func `a delta that is sent again is not more use`() throws {
        let run = Run()
        for time in [UInt64(80), 80, 90] {
            try run.take(gemini([("input", 3)], at: time, isCumulative: false), .metrics)
            run.pass(31)
        }
        #expect(run.sum("roost_llm_tokens_total") == 6)
    }

    @Test func `processes with the same labels are told apart by when they began`() throws {
        let run = Run(began: 5)
        for (start, value, time) in [
            (UInt64(10), 100, UInt64(20)), (15, 40, 21), (10, 110, 30), (15, 70, 31), (10, 115, 40),
        ] {
            try run.take(gemini([("input", value)], start: start, at: time), .metrics)
        }
        run.pass(31)
        #expect(run.sum("roost_llm_tokens_total") == 115 + 70)
    }

    @Test func `what a sum held before the collector began is not counted`() throws {
        let run = Run(began: 1_000)
        try run.take(gemini([("output", 500)], at: 20), .metrics)
        run.pass(31)
        #expect(run.sum("roost_llm_tokens_total") == 0)
        try run.take(gemini([("output", 520)], at: 30), .metrics)
        run.pass(31)
        #expect(run.sum("roost_llm_tokens_total") == 20)
    }
}
