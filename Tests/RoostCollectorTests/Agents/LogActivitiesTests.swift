import Foundation
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// What is made of the events that agents write as log records.
@Suite struct LogActivitiesTests {
    private static let table = NameTable(NamesFile.builtIn)

    private func read(_ request: ByteBlock) throws -> [ReadActivity] {
        let scan = LogScan()
        try scan.read(request, names: Self.table)
        return scan.activities.activities.map {
            ReadActivity(activity: $0, batch: scan.activities)
        }
    }

    private func read(fixture: String) throws -> [ReadActivity] {
        try AgentFixture(fixture).requests(.logs).flatMap { try read($0) }
    }

    /// One record; `fields` are more of its own in OTLP/JSON.
    private func request(
        service: String = "claude-code", scope: String = "com.anthropic.claude_code",
        _ attributes: [String: Any], body: String = "", _ fields: [String: Any] = [:]
    ) throws -> ByteBlock {
        func list(_ items: [String: Any]) -> [[String: Any]] {
            items.sorted { $0.key < $1.key }.map { ["key": $0.key, "value": $0.value] }
        }
        var record: [String: Any] = [
            "timeUnixNano": "1790000000000000000", "body": ["stringValue": body],
            "attributes": list(attributes),
        ]
        record.merge(fields) { $1 }
        let root: [String: Any] = [
            "resourceLogs": [
                [
                    "resource": ["attributes": list(["service.name": text(service)])],
                    "scopeLogs": [["scope": ["name": scope], "logRecords": [record]]],
                ]
            ]
        ]
        let json = try JSONSerialization.data(withJSONObject: root)
        return try unsafe json.withUnsafeBytes { bytes in
            unsafe try transcodeJSON(bytes, signal: .logs, maxBytes: 64 << 20)
        }
    }

    private func text(_ value: String) -> [String: Any] { ["stringValue": value] }
    private func number(_ value: Int) -> [String: Any] { ["intValue": "\(value)"] }

    private let ids: [String: Any] = [
        "traceId": "000102030405060708090a0b0c0d0e0f", "spanId": "0102030405060708",
    ]

    @Test(arguments: ["claude_code_events", "codex_logs", "gemini_cli_logs"])
    func `events give the provider's own account`(_ name: String) throws {
        let fixture = try AgentFixture(name)
        var tracker = AgentTracker(AgentTrackerSettings())
        for request in try fixture.requests(.logs) {
            let scan = LogScan()
            try scan.read(request, names: Self.table)
            tracker.take(&scan.activities, now: 1, unixNow: 1)
            // A retry of the export.
            tracker.take(&scan.activities, now: 1, unixNow: 1)
        }
        tracker.tick(now: 31_000_000_000, unixNow: 1)
        let snapshot = tracker.snapshot
        func sum(_ family: String, _ labels: [String: String]) -> Double {
            snapshot.values(of: family).filter { found, _ in
                labels.allSatisfy { found[$0.key] == $0.value }
            }.reduce(0) { $0 + $1.1 }
        }
        for (model, account) in fixture.account {
            let calls = "roost_llm_calls_total"
            #expect(sum(calls, ["model": model]) == Double(account.calls))
            #expect(sum(calls, ["model": model, "status": "error"]) == Double(account.failed))
            for (type, count) in account.tokens {
                #expect(
                    sum("roost_llm_tokens_total", ["model": model, "token_type": type]) == count,
                    "\(type)")
            }
        }
        for (tool, count) in try #require(fixture.counts("tools")) {
            #expect(sum("roost_tool_calls_total", ["tool": tool]) == count)
        }
        if let cost = fixture.root["reported_cost_usd"] as? Double {
            let told = sum("roost_llm_cost_usd_total", ["source": "reported"])
            #expect(abs(told - cost) < 1e-9)
        }
        #expect(sum("roost_workflow_runs_total", [:]) == 1)
    }

    @Test(arguments: ["claude_code_events", "codex_logs", "gemini_cli_logs"])
    func `the events of one prompt are one trace`(_ name: String) throws {
        let activities = try read(fixture: name)
        #expect(Set(activities.map(\.activity.traceIDLow)).count == 1)
        #expect(Set(activities.map(\.activity.spanID)).count == activities.count)
        #expect(activities.allSatisfy { $0.activity.flags.contains(.isDerivedTrace) })
        #expect(activities.allSatisfy { !$0.text(\.session).isEmpty })
    }

    @Test func `a call of Claude Code has its times, tokens and cost`() throws {
        let call = try #require(
            try read(fixture: "claude_code_events").first { $0.activity.kind == .llm })
        #expect(call.activity.end == 1_790_000_003_000_000_000)
        #expect(call.activity.duration == 3_000_000_000)
        #expect(call.activity.tokens.input == 20)
        #expect(call.activity.tokens.cacheRead == 4000)
        #expect(call.activity.tokens.cacheWrite == 700)
        #expect(call.activity.reportedCost == 0.0123)
        #expect(call.text(\.provider) == "anthropic")
        #expect(call.text(\.callID) == "req_1")
    }

    @Test(arguments: NamesFile.builtIn.logEvents.keys.sorted())
    func `every event of the table is read`(_ name: String) throws {
        let event = try #require(NamesFile.builtIn.logEvents[name])
        var attributes: [String: Any] = ["event.name": text(name), "session.id": text("s")]
        if event.isOnlyFailures { attributes["error.message"] = text("no route") }
        for condition in event.conditions {
            attributes[condition.key] = text(try #require(condition.values.first))
        }
        let found = try read(request(service: "x", scope: "x", attributes))
        #expect(found.map(\.activity.kind) == [event.kind])
        #expect(found.map(\.activity.phase) == [event.phase])
        #expect(found.first?.text(\.name) == name)
    }

    @Test func `an event is known by its record, its attribute, its body or its dialect`() throws {
        let prompt: [String: Any] = ["prompt.id": text("p")]
        #expect(
            try read(request(prompt, ["eventName": "claude_code.api_request"])).count == 1)
        #expect(try read(request(prompt, body: "claude_code.api_request")).count == 1)
        #expect(try read(request(["event.name": text("api_request")])).count == 1)
        #expect(
            try read(request(service: "x", scope: "x", ["event.name": text("api_request")]))
                .isEmpty)
        #expect(try read(request(prompt, body: "hello")).isEmpty)
    }

    @Test func `an event that the conditions rule out says nothing`() throws {
        for (name, key, value) in [
            ("codex.sse_event", "event.kind", "response.created"),
            ("codex.tool_decision", "source", "Config"),
            ("codex.api_request", "http.response.status_code", "200"),
        ] {
            let found = try read(request(["event.name": text(name), key: text(value)]))
            #expect(found.isEmpty, "\(name)")
        }
    }

    @Test func `a failed request of Codex is a failed call`() throws {
        let found = try read(
            request([
                "event.name": text("codex.api_request"), "model": text("gpt-5"),
                "http.response.status_code": text("429"),
            ]))
        #expect(found.map(\.activity.status) == [.error])
        #expect(found.first?.text(\.errorType) == "429")
    }

    @Test func `within a trace a record stands below its span`() throws {
        let found = try read(
            request(["event.name": text("api_request"), "session.id": text("s")], ids))
        let activity = try #require(found.first?.activity)
        #expect(activity.traceIDHigh == 0x0001_0203_0405_0607)
        #expect(activity.parentSpanID == 0x0102_0304_0506_0708)
        #expect(activity.spanID != activity.parentSpanID)
        #expect(!activity.flags.contains(.isDerivedTrace))
    }

    @Test func `what a sampled span tells too is not read again`() throws {
        let name = ["event.name": text("gen_ai.client.inference.operation.details")]
        #expect(try read(request(name, ids.merging(["flags": 1]) { $1 })).isEmpty)
        #expect(try read(request(name, ids)).count == 1)
        #expect(try read(request(name)).count == 1)
    }

    @Test func `the operation tells embeddings from chats`() throws {
        let found = try read(
            request([
                "event.name": text("gen_ai.client.inference.operation.details"),
                "gen_ai.operation.name": text("embeddings"),
                "gen_ai.usage.input_tokens": number(12),
            ]))
        #expect(found.map(\.activity.kind) == [.embedding])
        #expect(found.first?.activity.tokens.input == 12)
    }

    @Test func `start and end of a run are one activity`() throws {
        func run(_ name: String) throws -> Activity {
            try #require(
                try read(
                    request(
                        service: "gemini-cli", scope: "gemini-cli",
                        [
                            "event.name": text("gemini_cli.agent.\(name)"),
                            "agent_id": text("a1"), "agent_name": text("reviewer"),
                            "session.id": text("s"),
                        ])
                ).first?.activity)
        }
        let (start, finish) = (try run("start"), try run("finish"))
        #expect(start.phase == .pending)
        #expect(finish.phase == .finished)
        #expect(start.spanID == finish.spanID)
        #expect(start.traceIDLow == finish.traceIDLow)
    }

    @Test(arguments: [-5, 10_000_000_000_000, Int.min, Int.max])
    func `a duration that cannot be is left out`(_ milliseconds: Int) throws {
        let found = try read(
            request(["event.name": text("api_request"), "duration_ms": number(milliseconds)]))
        let activity = try #require(found.first?.activity)
        #expect(activity.start == activity.end)
        #expect(activity.flags.contains(.isInstant))
        #expect(activity.flags.contains(.hasRejectedValue))
    }

    @Test func `negative and absurd counts are left out`() throws {
        let found = try read(
            request([
                "event.name": text("api_request"), "input_tokens": number(-1),
                "output_tokens": text("99999999999999999999"), "cost_usd": text("-3"),
            ]))
        let activity = try #require(found.first?.activity)
        #expect(activity.tokens.isEmpty)
        #expect(!activity.hasReportedCost)
        #expect(activity.flags.contains(.hasRejectedValue))
    }

    @Test func `long texts are cut`() throws {
        let found = try read(
            request([
                "event.name": text("api_request"),
                "model": text(String(repeating: "é", count: 500_000)),
            ]))
        #expect(found.first?.text(\.modelRequested).utf8.count == 256)
    }

    @Test func `records without a session are each by themselves`() throws {
        let first = try read(request(["event.name": text("api_request")]))
        let second = try read(
            request(["event.name": text("api_request"), "model": text("claude-opus-4-5")]))
        #expect(first.first?.activity.traceIDLow != second.first?.activity.traceIDLow)
    }
}
