import RoostAudit
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// Which log records say that an agent was allowed to use a tool, and what they say.
@Suite struct ToolDecisionTests {
    private static let table = NameTable(NamesFile.builtIn)

    /// Records of one agent, each given by its attributes.
    private func scan(
        _ service: String, _ records: [[(String, String)]], names: NameTable? = table,
        tells: Bool = true
    ) throws -> LogScan {
        func list(_ pairs: [(String, String)]) -> JSONValue {
            .array(
                pairs.map { key, value in
                    .object([
                        ("key", .string(key)),
                        ("value", .object([("stringValue", .string(value))])),
                    ])
                })
        }
        let logs = records.map { attributes in
            JSONValue.object([
                ("timeUnixNano", .string("1790000000000000000")),
                ("traceId", .string("000102030405060708090a0b0c0d0e0f")),
                ("attributes", list(attributes)),
            ])
        }
        let scope = JSONValue.object([
            ("scope", .object([("name", .string("events"))])), ("logRecords", .array(logs)),
        ])
        let resource = JSONValue.object([
            ("resource", .object([("attributes", list([("service.name", service)]))])),
            ("scopeLogs", .array([scope])),
        ])
        var writer = JSONWriter()
        writer.value(.object([("resourceLogs", .array([resource]))]))
        let request = try unsafe writer.bytes.withUnsafeBytes { bytes in
            unsafe try transcodeJSON(bytes, signal: .logs, maxBytes: 64 << 20)
        }
        let scan = LogScan()
        try scan.read(request, names: names, tellsDecisions: tells)
        return scan
    }

    @Test(arguments: [
        ("claude-code", "claude_code.tool_decision", "accept", ToolDecision.Verdict.approved),
        ("claude-code", "claude_code.tool_decision", "reject", .denied),
        ("codex_cli_rs", "codex.tool_decision", "approved", .approved),
        ("codex_cli_rs", "codex.tool_decision", "Approved_For_Session", .approved),
        ("codex_cli_rs", "codex.tool_decision", "denied", .denied),
        ("codex_cli_rs", "codex.tool_decision", "abort", .denied),
        ("gemini-cli", "gemini_cli.tool_call", "auto_accept", .approved),
        ("gemini-cli", "gemini_cli.tool_call", "reject", .denied),
        ("claude-code", "claude_code.tool_decision", "postponed", .unknown),
    ])
    func `words of every agent are understood`(
        _ service: String, _ event: String, _ word: String, _ verdict: ToolDecision.Verdict
    ) throws {
        let scan = try scan(
            service,
            [
                [
                    ("event.name", event), ("decision", word), ("source", "config"),
                    ("tool_name", "Bash"), ("session.id", "s"), ("user.id", "u"),
                ]
            ])
        let decision = try #require(scan.decisions.all.first)
        #expect(scan.decisions.all.count == 1)
        #expect(decision.verdict == verdict && decision.decision == word)
        #expect(decision.agent == service && decision.event == event)
        #expect(decision.tool == "Bash" && decision.session == "s" && decision.user == "u")
        #expect(decision.timeUnixNano == 1_790_000_000_000_000_000)
        let record = AuditRecord(decision)
        #expect(record.action == "tool.permission" && record.source == .agent)
        #expect(record.traceID == "000102030405060708090a0b0c0d0e0f")
        try record.check()
    }

    @Test func `other events, and a decision without its word, tell nothing`() throws {
        let scan = try scan(
            "claude-code",
            [
                [("event.name", "claude_code.tool_decision"), ("source", "config")],
                [("event.name", "claude_code.tool_result"), ("decision", "accept")],
                [("event.name", "something"), ("decision", "accept")], [("decision", "accept")],
            ])
        #expect(scan.decisions.isEmpty && scan.itemCount == 4)
    }

    @Test func `a decision that nobody waited for is one too, and no activity`() throws {
        let scan = try scan(
            "claude-code",
            [
                [
                    ("event.name", "claude_code.tool_decision"), ("decision", "accept"),
                    ("source", "config"),
                ]
            ])
        #expect(scan.decisions.all.count == 1 && scan.activities.isEmpty)
    }

    @Test func `nothing is noted when nobody asks, and nothing left of the request before`() throws
    {
        let records = [[("event.name", "codex.tool_decision"), ("decision", "denied")]]
        #expect(try scan("codex", records, tells: false).decisions.isEmpty)
        #expect(try scan("codex", records, names: nil).decisions.isEmpty)
        let scan = try scan("codex", records)
        #expect(scan.decisions.all.count == 1)
        try scan.read(ByteBlock([]), names: Self.table, tellsDecisions: true)
        #expect(scan.decisions.isEmpty)
    }

    @Test func `texts that are too long are cut where the trail takes them`() throws {
        let long = String(repeating: "ä", count: 500)
        let scan = try scan(
            "claude-code",
            [
                [
                    ("event.name", "claude_code.tool_decision"), ("decision", "accept"),
                    ("user.id", long), ("session.id", long), ("tool_name", long),
                ]
            ])
        let decision = try #require(scan.decisions.all.first)
        #expect(decision.user.utf8.count <= 256 && long.hasPrefix(decision.user))
        try AuditRecord(decision).check()
    }

    @Test func `of too many in one request the rest is counted`() throws {
        let one = [("event.name", "codex.tool_decision"), ("decision", "denied")]
        let scan = try scan("codex", [[(String, String)]](repeating: one, count: 5000))
        #expect(scan.decisions.all.count == ToolDecision.mostInRequest)
        #expect(scan.decisions.leftOut == 5000 - ToolDecision.mostInRequest)
    }

    @Test func `a user's file adds words, and says it when the attribute is missing`() throws {
        let more = try NamesFile.read(
            Array(
                "log_events: { a.b: { kind: tool, decision: { by: verdict, denied: [no] } } }".utf8),
            name: "n", over: NamesFile.builtIn)
        let scan = try scan(
            "x", [[("event.name", "a.b"), ("verdict", "NO")]], names: NameTable(more))
        #expect(scan.decisions.all.first?.verdict == .denied)
        #expect(throws: ConfigErrors.self) {
            try NamesFile.read(
                Array("log_events: { a.b: { kind: tool, decision: { denied: [no] } } }".utf8),
                name: "n", over: NamesFile.builtIn)
        }
    }
}
