import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostAnalytics

@Suite struct TraceJSONTests {
    private let spans: [TestSpan] = [
        TestSpan(1, "plan \"a\" trip", 0, 30_000, [("gen_ai.workflow.name", "travel")]),
        .agent(2, under: 1, 10, 29_000, "planner"),
        .llm(3, under: 2, 20, 200, input: 100, output: 10),
        .tool(4, under: 2, 210, 28_000, "search", "{}", error: "Timeout"),
    ]

    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        write(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func `a summary has the fields of the list of traces`() {
        let document = TestTrace.document(spans, prices: PriceBook())
        let json = text { TraceSummary(of: document).write(into: &$0) }
        #expect(
            json == #"{"trace_id":"01020304050607081112131415161718","#
                + #""workflow_id":"01020304050607081112131415161718","workflow":"travel","#
                + #""name":"plan \"a\" trip","service":"desk","services":["desk"],"#
                + #""status":"ok","start_time":"2027-01-01T00:00:00.000000000Z","#
                + #""end_time":"2027-01-01T00:00:30.000000000Z","duration":30.0,"#
                + #""clock_skew_seconds":null,"spans":4,"#
                + #""errors":1,"agents":["planner"],"models":["gpt-4o"],"llm_calls":1,"#
                + #""tool_calls":1,"tokens":110,"cost_usd":0.00035,"session":null,"user":null}"#)
    }

    @Test func `the analysis is valid JSON with every list`() throws {
        let analysis = TraceAnalysis(of: TestTrace.document(spans))
        let json = try #require(JSONText.value(text { analysis.write(into: &$0) }))
        for list in [
            "self_time", "long_poles", "agents", "slow_agents", "sequential_phases", "overlaps",
            "operations", "error_clusters", "high_frequency", "loops", "clock_skew",
            "execution_order", "timeline", "recommendations",
        ] { #expect(json[list]?.array != nil, "\(list)") }
        #expect(json["performance_score"]?.number == analysis.score?.total)
        #expect(json["parallelization_factor"]?.number == 1)
        #expect(json["critical_path"]?["segments"]?.array?.count == 7)
        #expect(json["long_poles"]?.array?.first?["span_id"]?.text == "0000000000000004")
        let nothing = TraceAnalysis(of: TestTrace.document([]))
        let empty = try #require(JSONText.value(text { nothing.write(into: &$0) }))
        #expect(empty["score"]?.isNull == true)
    }

    @Test func `long lists end and say how much is missing`() throws {
        let many = (1...30).map { TestSpan.tool($0, $0 * 10, $0 * 10 + 5, "t\($0)") }
        var settings = TraceAnalysisSettings()
        settings.longestList = 7
        let analysis = TraceAnalysis(of: TestTrace.document(many), settings: settings)
        let json = try #require(JSONText.value(text { analysis.write(into: &$0) }))
        #expect(json["operations"]?.array?.count == 7)
        #expect(json["omitted_operations"]?.number == 23)
    }

    @Test func `a trace holds all that was sent of each span`() throws {
        let chunk = TestTrace.whole()
        let document = TestTrace.document(of: [chunk, chunk])
        let json = try #require(
            JSONText.value(
                text {
                    TraceDetail.write(chunks: [chunk, chunk], document: document, into: &$0)
                }))
        let span = try #require(json["spans"]?.array?.first)
        #expect(json["spans"]?.array?.count == 1)
        #expect(span["kind"]?.text == "client")
        let attributes = try #require(span["attributes"])
        #expect(attributes["text"]?.text == "zwei \"Wörter\"")
        #expect(attributes["whole"]?.number == -5)
        #expect(attributes["huge"]?.text == "9223372036854775807")
        #expect(attributes["half"]?.number == 0.5)
        #expect(attributes["nan"]?.text == "NaN")
        #expect(attributes["flag"]?.flag == true)
        #expect(attributes["bytes"]?.text == "AAEC/w==")
        #expect(attributes["list"]?.array?.map { $0.number } == [1, 2])
        #expect(attributes["map"]?["inner"]?.text == "x")
        #expect(attributes["nothing"]?.isNull == true)
        #expect(span["events"]?.array?.first?["name"]?.text == "exception")
        #expect(
            span["events"]?.array?.first?["time"]?.text == "2027-01-01T00:00:00.005000000Z")
        #expect(
            span["links"]?.array?.first?["trace_id"]?.text == "00000000000000aa00000000000000bb")
        #expect(span["trace_state"]?.text == "a=b")
        #expect(json["resources"]?.array?.count == 1)
        #expect(json["scopes"]?.array?.first?["version"]?.text == "1.2")
        #expect(span["resource"]?.number == 0)
    }

    @Test func `what was announced shows the attributes of the announcement`() throws {
        let announced = TestSpan(
            20, under: 7, "work", 5, 5,
            [("logfire.span_type", "pending_span"), ("gen_ai.operation.name", "invoke_agent")])
        let chunk = TestTrace.chunk([announced])
        let document = TestTrace.document(of: [chunk])
        let json = try #require(
            JSONText.value(
                text { TraceDetail.write(chunks: [chunk], document: document, into: &$0) }))
        let span = try #require(json["spans"]?.array?.first)
        #expect(span["status"]?.text == "running")
        #expect(span["span_id"]?.text == "0000000000000007")
        #expect(span["attributes"]?["logfire.span_type"]?.text == "pending_span")
    }

    @Test func `the report says what was found and nothing more`() {
        let report = formatReport(TraceAnalysis(of: TestTrace.document(spans)))
        #expect(report.contains("# travel"))
        #expect(report.contains("Score **70** of 100, not above the target of 70"))
        #expect(report.contains("Shorten tool search, or start it earlier"))
        #expect(report.contains("`0000000000000004`"))
        #expect(!report.contains("## Remarks"))
        let nothing = formatReport(TraceAnalysis(of: TestTrace.document([])))
        #expect(nothing.hasSuffix("holds nothing.\n"))
    }

    @Test(arguments: [
        (850, "1 µs"), (1_500_000, "1.5 ms"), (850_000_000, "850 ms"), (999_600_000, "1.0 s"),
        (12_340_000_000, "12.3 s"), (250_000_000_000, "4 min 10 s"),
        (7_260_000_000_000, "2 h 1 min"),
    ])
    func `times are written for people`(_ nanoseconds: Int, _ text: String) {
        #expect(Words.time(nanoseconds) == text)
    }
}

/// Enough of JSON to look into a document.
enum JSONText {
    indirect enum Value {
        case null, flag(Bool), number(Double), text(String), array([Value]), object([String: Value])

        subscript(_ key: String) -> Value? {
            if case .object(let fields) = self { return fields[key] }
            return nil
        }
        var array: [Value]? { if case .array(let list) = self { return list } else { return nil } }
        var text: String? { if case .text(let text) = self { return text } else { return nil } }
        var number: Double? {
            if case .number(let number) = self { return number } else { return nil }
        }
        var flag: Bool? { if case .flag(let flag) = self { return flag } else { return nil } }
        var isNull: Bool { if case .null = self { return true } else { return false } }
    }

    /// Nil when it is no JSON.
    static func value(_ text: String) -> Value? {
        var rest = Array(text.utf8)[...]
        guard let value = value(&rest) else { return nil }
        skip(&rest)
        return rest.isEmpty ? value : nil
    }

    private static func skip(_ rest: inout ArraySlice<UInt8>) {
        while let byte = rest.first, byte == 32 || byte == 10 { rest.removeFirst() }
    }

    private static func take(_ byte: Character, _ rest: inout ArraySlice<UInt8>) -> Bool {
        skip(&rest)
        guard rest.first == byte.asciiValue else { return false }
        rest.removeFirst()
        return true
    }

    private static func value(_ rest: inout ArraySlice<UInt8>) -> Value? {
        skip(&rest)
        if take("{", &rest) {
            var fields: [String: Value] = [:]
            if take("}", &rest) { return .object(fields) }
            repeat {
                guard let key = string(&rest), take(":", &rest), let value = value(&rest),
                    fields.updateValue(value, forKey: key) == nil
                else { return nil }
            } while take(",", &rest)
            return take("}", &rest) ? .object(fields) : nil
        }
        if take("[", &rest) {
            var list: [Value] = []
            if take("]", &rest) { return .array(list) }
            repeat {
                guard let value = value(&rest) else { return nil }
                list.append(value)
            } while take(",", &rest)
            return take("]", &rest) ? .array(list) : nil
        }
        if rest.first == 0x22 { return string(&rest).map { .text($0) } }
        var word = ""
        while let byte = rest.first, !",]} \n".utf8.contains(byte) {
            word.append(Character(UnicodeScalar(byte)))
            rest.removeFirst()
        }
        switch word {
        case "null": return .null
        case "true": return .flag(true)
        case "false": return .flag(false)
        default: return Double(word).map { .number($0) }
        }
    }

    private static func string(_ rest: inout ArraySlice<UInt8>) -> String? {
        guard take("\"", &rest) else { return nil }
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == 0x22 { return String(validating: bytes, as: UTF8.self) }
            guard byte == 0x5C, let next = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch next {
            case 0x6E: bytes.append(10)
            case 0x74: bytes.append(9)
            case 0x75: rest.removeFirst(4)
            default: bytes.append(next)
            }
        }
        return nil
    }
}
