public import RoostCore

/// Something that keeps showing, with what it rests on.
public struct PatternFinding: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case recurringFailure = "recurring_failure"
        case failingStep = "failing_step"
        case bottleneck = "bottleneck"
        case highRetries = "high_retries"
        case longWorkflow = "long_workflow"
        case repeatedOperation = "repeated_operation"
        case tokenGrowth = "token_growth"
        case humanWait = "human_wait"
        case sequentialAgents = "sequential_agents"
        case fanOut = "fan_out"
        case pingPong = "ping_pong"

        public var group: Group {
            switch self {
            case .recurringFailure: .failure
            case .bottleneck: .bottleneck
            case .highRetries, .longWorkflow, .repeatedOperation, .tokenGrowth, .humanWait:
                .inefficiency
            case .failingStep, .sequentialAgents, .fanOut, .pingPong: .workflow
            }
        }
    }

    public enum Group: String, Sendable, CaseIterable {
        case failure, bottleneck, inefficiency, workflow
    }

    public let kind: Kind
    public let subject: FindingSubject
    /// The failing step, or the agents that take turns.
    public let related: [FindingSubject]
    /// The shorter of the windows in which it shows: 3,600 or 86,400.
    public let windowSeconds: Int
    /// How sure it is that the limit is truly passed, 0 to 1; computed from the counts.
    public let confidence: Double
    public let figures: [FindingFigure]
    public let evidence: FindingEvidence
    /// A few words, and whole sentences. Names stand in back-ticks.
    public let title: String
    public let text: String

    /// The same for the same kind and subjects, in every process.
    public var id: String {
        var words = [kind.rawValue, subject.kind.word, subject.name]
        for other in related { words += [other.kind.word, other.name] }
        return "\(kind.rawValue)-\(hexText(stableHash(words)))"
    }

    public func figure(_ name: String) -> Double? { figures.first { $0.name == name }?.value }

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("kind", kind.rawValue)
        json.field("group", kind.group.rawValue)
        json.object("subject") { $0.fields(of: subject) }
        json.array("related") { json in
            for other in related {
                json.beginObject()
                json.fields(of: other)
                json.endObject()
            }
        }
        json.field("window_seconds", windowSeconds)
        json.field("confidence", rounded(confidence, 4))
        json.field("title", title)
        json.field("text", text)
        json.object("figures") { $0.fields(of: figures) }
        json.object("evidence") { $0.fields(of: evidence) }
        json.endObject()
    }
}

/// What `GET patterns` tells.
public struct PatternReport: Sendable {
    /// Unix nanoseconds.
    public let time: UInt64
    /// Failures, bottlenecks, inefficiencies, workflows; within, the surest first.
    public let findings: [PatternFinding]
    public let operations: Int
    public let studiedRuns: Int
    public let missed: Int

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("time", rfc3339(unixNanoseconds: time))
        json.array("patterns") { json in
            for finding in findings { finding.write(into: &json) }
        }
        json.object("watched") { json in
            json.field("operations", operations)
            json.field("studied_runs", studiedRuns)
            json.field("missed", missed)
        }
        json.endObject()
    }
}

extension JSONWriter {
    mutating func fields(of subject: FindingSubject) {
        field("kind", subject.kind.word)
        field("name", subject.name)
    }

    mutating func fields(of figures: [FindingFigure]) {
        for figure in figures { key(figure.name); number(figure.value) }
    }

    mutating func fields(of evidence: FindingEvidence) {
        field("count", evidence.count)
        time("first_time", evidence.first)
        time("last_time", evidence.last)
        array("examples") { json in
            for example in evidence.examples {
                json.beginObject()
                json.field("trace_id", example.traceID)
                json.key("span_id")
                if example.spanID == 0 { json.null() } else { json.value(example.spanIDText) }
                json.field("time", rfc3339(unixNanoseconds: example.time))
                json.endObject()
            }
        }
    }

    /// A moment, or null for 0.
    mutating func time(_ name: String, _ unixNano: UInt64) {
        key(name)
        if unixNano == 0 { null() } else { value(rfc3339(unixNanoseconds: unixNano)) }
    }

    /// A number of at most six decimals, without any when it is whole.
    mutating func number(_ number: Double) {
        if number == number.rounded(), abs(number) < 1e15 {
            value(Int(number))
        } else {
            value(rounded(number, 6))
        }
    }
}

func rounded(_ number: Double, _ decimals: Int) -> Double {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (number * scale).rounded()
    return abs(scaled) < 1e15 ? scaled / scale : number
}
