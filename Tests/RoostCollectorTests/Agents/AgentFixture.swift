import Foundation
import RoostCore
import RoostIngest
import RoostWire

@testable import RoostCollector

/// A file of Tests/Fixtures/agents.
struct AgentFixture {
    let name: String
    let root: [String: Any]

    static let all: [String] = {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        return (names ?? []).filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }
            .sorted()
    }()

    private static let folder =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures/agents").path

    init(_ name: String) throws {
        self.name = name
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name).json"))
        root = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// The requests of one signal as protobuf.
    func requests(_ signal: Signal) throws -> [ByteBlock] {
        let requests = root["requests"] as? [[String: Any]] ?? []
        return try requests.filter { $0["signal"] as? String == signal.name }.map { request in
            let body = try JSONSerialization.data(withJSONObject: request["body"] ?? [:])
            return try unsafe body.withUnsafeBytes { bytes in
                unsafe try transcodeJSON(bytes, signal: signal, maxBytes: 64 << 20)
            }
        }
    }
}

/// An activity with its texts, for comparing.
struct ReadActivity: CustomStringConvertible {
    let activity: Activity
    let batch: ActivityBatch

    func text(_ place: KeyPath<Activity, TextRef>) -> String {
        String(decoding: batch.bytes(activity[keyPath: place]), as: UTF8.self)
    }

    var model: String {
        let answered = text(\.modelAnswered)
        return answered.isEmpty ? text(\.modelRequested) : answered
    }

    var description: String {
        "\(activity.kind) \(activity.phase) \(text(\.name)) agent=\(text(\.agent))"
            + " workflow=\(text(\.workflow)) model=\(model) provider=\(text(\.provider))"
            + " tool=\(text(\.tool)) session=\(text(\.session)) \(activity.status)"
            + " error=\(text(\.errorType)) call=\(text(\.callID)) cost=\(activity.reportedCost)"
            + " tokens=\(activity.tokens.input)/\(activity.tokens.cacheRead)"
            + "/\(activity.tokens.cacheWrite)/\(activity.tokens.output)"
            + "/\(activity.tokens.reasoning) flags=\(activity.flags.rawValue)"
            + " ttft=\(activity.timeToFirstToken)"
    }

    static func spans(of request: ByteBlock, _ table: NameTable) throws -> [ReadActivity] {
        let scan = TraceScan()
        try scan.read(request, names: table)
        return scan.activities.activities.map {
            ReadActivity(activity: $0, batch: scan.activities)
        }
    }
}

extension AgentFixture {
    struct Account {
        var calls: Int
        var failed: Int
        var tokens: [String: Double]
    }

    /// By model, as the server that answered the calls counted.
    var account: [String: Account] {
        (root["account"] as? [String: [String: Any]] ?? [:]).mapValues { row in
            let tokens = row["tokens"] as? [String: Int] ?? [:]
            // Two instrumentations tell each failed call, in traces of their own and without an
            // id of an answer: nothing shows that they are one.
            let times = name == "openllmetry_anthropic" && row["failed"] as? Int == 1 ? 2 : 1
            return Account(
                calls: times * (row["calls"] as? Int ?? 0),
                failed: times * (row["failed"] as? Int ?? 0),
                tokens: tokens.mapValues(Double.init))
        }
    }

    /// How telemetry calls a model that was asked for by `model`: some answer with a dated name.
    func told(_ model: String) -> String {
        guard root["recorded"] as? Bool == true, model == "gpt-4o",
            !["strands_agent", "langsmith_traced"].contains(name)
        else { return model }
        return "gpt-4o-2024-08-06"
    }

    /// Counts that a library does not send, and those in which they are hidden then.
    var keptBack: [(kept: String, goesTo: String)] {
        switch name {
        case "opentelemetry_openai_v2": [("cache_read", "input"), ("reasoning", "output")]
        case "strands_agent", "openlit_openai", "openllmetry_openai", "langgraph_openllmetry",
            "mlflow_openai":
            [("reasoning", "output")]
        default: []
        }
    }

    /// Runs or calls by name; nil where the fixture does not say.
    func counts(_ key: String) -> [String: Double]? {
        (root[key] as? [String: Int])?.mapValues(Double.init)
    }
}
