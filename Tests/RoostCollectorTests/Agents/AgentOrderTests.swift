import Foundation
import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// Whatever the order in which spans come, and however they are cut into requests, the account is
/// the same in the end, and no counter falls on the way.
@Suite struct AgentOrderTests {
    private static let table = NameTable(NamesFile.builtIn)
    private static let families = [
        "roost_llm_calls_total", "roost_llm_tokens_total", "roost_llm_cost_usd_total",
        "roost_tool_calls_total", "roost_agent_runs_total", "roost_workflow_runs_total",
        "roost_llm_unpriced_calls_total",
    ]

    @Test(arguments: 1...6)
    func `the order of arrival changes nothing`(_ seed: UInt64) throws {
        var numbers = Numbers(state: seed)
        let traces = (0..<15).map { Fleet.trace($0, &numbers) }
        let inOrder = try account(of: traces.flatMap { $0 }, cutting: 1_000, &numbers)
        #expect(inOrder.contains { $0.key.hasPrefix("roost_llm_tokens_total") })
        #expect(inOrder.contains { $0.key.hasPrefix("roost_tool_calls_total") })
        for _ in 0..<4 {
            var spans = traces.flatMap { $0 }
            spans.shuffle(using: &numbers)
            let found = try account(of: spans, cutting: numbers.below(9) + 1, &numbers)
            for key in Set(found.keys).union(inOrder.keys).sorted() {
                #expect(found[key] == inOrder[key], "\(key)")
            }
        }
    }

    /// Family and labels to value, when all has been taken and has been quiet for long.
    private func account(
        of spans: [[String: Any]], cutting most: Int, _ numbers: inout Numbers
    ) throws -> [String: Double] {
        var tracker = AgentTracker(AgentTrackerSettings())
        var now: UInt64 = 1
        var last: [String: Double] = [:]
        var rest = spans[...]
        // All within the time that a trace may be quiet.
        let pause = 25_000_000_000 / UInt64(spans.count + 1)
        while !rest.isEmpty {
            let count = min(rest.count, 1 + numbers.below(most))
            let scan = TraceScan()
            try scan.read(request(Array(rest.prefix(count))), names: Self.table)
            rest = rest.dropFirst(count)
            tracker.take(&scan.activities, now: now, unixNow: 1)
            now += pause
            if numbers.below(3) == 0 { tracker.tick(now: now, unixNow: 1) }
            if numbers.below(8) == 0 {
                let found = values(tracker.snapshot)
                for (key, value) in last { #expect(found[key, default: 0] >= value, "\(key)") }
                last = found
            }
        }
        tracker.tick(now: now + 31_000_000_000, unixNow: 1)
        return values(tracker.snapshot)
    }

    private func values(_ snapshot: AgentSnapshot) -> [String: Double] {
        var values: [String: Double] = [:]
        for family in Self.families {
            for (labels, value) in snapshot.values(of: family) {
                let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                values["\(family){\(text.joined(separator: ","))}"] = value
            }
        }
        return values
    }

    private func request(_ spans: [[String: Any]]) throws -> ByteBlock {
        let groups = Dictionary(grouping: spans) { $0["service"] as? String ?? "" }
        let resources = groups.sorted { $0.key < $1.key }.map { service, spans in
            [
                "resource": [
                    "attributes": [["key": "service.name", "value": ["stringValue": service]]]
                ],
                "scopeSpans": [["spans": spans.map { $0["span"] ?? [:] }]],
            ] as [String: Any]
        }
        let json = try JSONSerialization.data(withJSONObject: ["resourceSpans": resources])
        return try unsafe json.withUnsafeBytes { bytes in
            unsafe try transcodeJSON(bytes, signal: .traces, maxBytes: 64 << 20)
        }
    }
}

/// Repeatable numbers.
private struct Numbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }
}

/// Traces of agents that call models, tools and each other.
private enum Fleet {
    static func trace(_ number: Int, _ numbers: inout Numbers) -> [[String: Any]] {
        var made = Trace(number: number)
        let root = made.add(
            nil, numbers.below(2) == 0 ? "invoke_workflow" : "invoke_agent", &numbers)
        made.grow(below: root, depth: 0, &numbers)
        return made.spans
    }

    private struct Trace {
        let number: Int
        var spans: [[String: Any]] = []

        mutating func grow(below parent: Int, depth: Int, _ numbers: inout Numbers) {
            for _ in 0..<(1 + numbers.below(4)) {
                switch numbers.below(depth > 3 ? 2 : 5) {
                case 0: _ = add(parent, "chat", &numbers)
                case 1: _ = add(parent, "execute_tool", &numbers)
                case 2:
                    // A span of no meaning between an agent and its calls.
                    grow(below: add(parent, nil, &numbers), depth: depth + 1, &numbers)
                default:
                    grow(
                        below: add(parent, "invoke_agent", &numbers), depth: depth + 1, &numbers)
                }
            }
        }

        mutating func add(_ parent: Int?, _ operation: String?, _ numbers: inout Numbers) -> Int {
            let id = spans.count + 1
            var attributes: [(String, [String: Any])] = []
            func text(_ key: String, _ value: String) {
                attributes.append((key, ["stringValue": value]))
            }
            func count(_ key: String, _ value: Int) {
                attributes.append((key, ["intValue": "\(value)"]))
            }
            if let operation { text("gen_ai.operation.name", operation) }
            switch operation {
            case "chat":
                text("gen_ai.provider.name", "openai")
                text("gen_ai.request.model", ["gpt-4o", "gpt-5"][numbers.below(2)])
                count("gen_ai.usage.input_tokens", 10 + numbers.below(90))
                count("gen_ai.usage.output_tokens", 1 + numbers.below(9))
                if numbers.below(2) == 0 {
                    attributes.append(("operation.cost", ["doubleValue": 0.25]))
                }
            case "execute_tool": text("gen_ai.tool.name", ["search", "edit"][numbers.below(2)])
            case "invoke_agent":
                text("gen_ai.agent.name", ["planner", "coder", "critic"][numbers.below(3)])
                // What is below it told once more, or all that is told.
                if numbers.below(2) == 0 {
                    text("gen_ai.request.model", "gpt-4o")
                    count("gen_ai.usage.input_tokens", 1_000)
                }
            case "invoke_workflow": text("gen_ai.workflow.name", "nightly")
            default: break
            }
            var span: [String: Any] = [
                "traceId": String(format: "%032x", number + 1),
                "spanId": String(format: "%016x", (number + 1) << 16 | id),
                "name": operation ?? "between", "kind": 1,
                "startTimeUnixNano": "\(1_790_000_000_000_000_000 + id * 1_000_000)",
                "endTimeUnixNano": "\(1_790_000_010_000_000_000 - id * 1_000_000)",
                "attributes": attributes.map { ["key": $0.0, "value": $0.1] },
            ]
            if let parent {
                span["parentSpanId"] = String(format: "%016x", (number + 1) << 16 | parent)
            }
            if numbers.below(6) == 0 { span["status"] = ["code": 2] }
            spans.append(["service": ["crew", "tools"][numbers.below(2)], "span": span])
            return id
        }
    }
}
