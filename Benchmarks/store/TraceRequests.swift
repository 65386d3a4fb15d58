import RoostCore
import RoostWire

/// Makes requests as a fleet of agents sends them: traces of a workflow, agents, calls to models and
/// tools, each trace in two requests, its root in the second.
struct TraceRequests {
    let spansPerTrace: Int
    /// Nanoseconds between the starts of traces.
    let step: UInt64
    /// Unix nanoseconds of the first trace.
    let begin: UInt64
    private var random = SplitMix(state: 42)
    private var next: UInt64 = 0
    /// The second halves of the traces of the request before.
    private var pending: [Trace] = []
    private var text: [String] = []

    static let tracesAtOnce = 26
    static let services = 40

    private struct Trace {
        let number: UInt64
        let high: UInt64
        let low: UInt64
        let start: UInt64
        let duration: UInt64
        let isFailed: Bool
        var service: String
    }

    init(spansPerTrace: Int, step: UInt64, begin: UInt64) {
        self.spansPerTrace = spansPerTrace
        self.step = step
        self.begin = begin
        let words = [
            "please", "summarise", "the", "quarterly", "report", "for", "customer", "order",
            "status", "shipment", "refund", "policy", "research", "notes", "about", "rivers",
            "table", "of", "results", "shows", "that", "latency", "rose", "after", "deploy",
        ]
        for _ in 0..<512 {
            text.append((0..<12).map { _ in words[Int(random.next() % 25)] }.joined(separator: " "))
        }
    }

    /// One request and how many spans it has; `most` traces begin in it at most.
    mutating func request(most: Int) -> (bytes: [UInt8], spans: Int) {
        var begun: [Trace] = []
        for _ in 0..<min(most, Self.tracesAtOnce) {
            let kind = random.next()
            let service = kind % 10_000 == 0 ? "rare" : "service-\(kind % UInt64(Self.services))"
            // From 0.1 s to some minutes, few long.
            let duration = 100_000_000 << (random.next() % 8) &+ random.next() % 100_000_000
            begun.append(
                Trace(
                    number: next, high: random.next(), low: random.next(),
                    start: begin &+ next &* step, duration: duration,
                    isFailed: random.next() % 50 == 0, service: service))
            next += 1
        }
        var writer = MessageWriter()
        var spans = 0
        let first = spansPerTrace * 2 / 3
        for (trace, range) in pending.map({ ($0, 0..<(spansPerTrace - first)) })
            + begun.map({ ($0, (spansPerTrace - first)..<spansPerTrace) })
        {
            spans += range.count
            write(trace, range, to: &writer)
        }
        pending = begun
        return (writer.bytes, spans)
    }

    private mutating func write(_ trace: Trace, _ range: Range<Int>, to writer: inout MessageWriter)
    {
        writer.message(1) { entry in
            entry.message(1) { resource in
                resource.attribute(1, "service.name", trace.service)
                resource.attribute(1, "service.instance.id", "\(trace.service)-7f9c")
                resource.attribute(1, "telemetry.sdk.language", "python")
                resource.attribute(1, "telemetry.sdk.version", "1.38.0")
            }
            entry.message(2) { scope in
                scope.message(1) { $0.string(1, "opentelemetry.instrumentation.agents") }
                for index in range { scope.message(2) { write(trace, index, to: &$0) } }
            }
        }
    }

    private mutating func write(_ trace: Trace, _ index: Int, to span: inout MessageWriter) {
        let isRoot = index == 0
        let isAgent = index > 0 && index % 7 == 1
        let isTool = index % 3 == 0
        let part = trace.duration / UInt64(spansPerTrace)
        let start = trace.start &+ (isRoot ? 0 : UInt64(index) &* part)
        let agent = "agent-\((trace.number &+ UInt64(index / 7)) % 60)"
        let name =
            isRoot
            ? "invoke_workflow" : isAgent ? "invoke_agent" : isTool ? "execute_tool" : "chat gpt-5"
        span.bigEndian(1, trace.high, trace.low)
        span.bigEndian(2, trace.low &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15)
        if !isRoot { span.bigEndian(4, trace.low) }
        span.string(5, name)
        span.varint(6, isRoot ? 1 : 3)
        span.fixed64(7, start)
        span.fixed64(8, isRoot ? start &+ trace.duration : start &+ part)
        let operation =
            isRoot
            ? "invoke_workflow" : isAgent ? "invoke_agent" : isTool ? "execute_tool" : "chat"
        span.attribute(9, "gen_ai.operation.name", operation)
        span.attribute(9, "gen_ai.agent.name", agent)
        span.attribute(9, "gen_ai.conversation.id", "conversation-\(trace.number / 8)")
        if isRoot {
            span.attribute(9, "gen_ai.workflow.name", "workflow-\(trace.number % 50)")
        } else if isTool {
            span.attribute(9, "gen_ai.tool.name", "search")
            span.attribute(9, "gen_ai.tool.call.arguments", text[Int(random.next() % 512)])
        } else {
            span.attribute(9, "gen_ai.provider.name", "openai")
            span.attribute(9, "gen_ai.request.model", "gpt-4.1-mini")
            span.attribute(9, "gen_ai.response.model", "gpt-4.1-mini-2025-04-14")
            span.attribute(9, "gen_ai.response.id", "chatcmpl-" + String(random.next(), radix: 36))
            span.number(9, "gen_ai.usage.input_tokens", random.next() % 4000)
            span.number(9, "gen_ai.usage.output_tokens", random.next() % 800)
            span.attribute(9, "gen_ai.input.messages", text[Int(random.next() % 512)])
        }
        span.attribute(9, "deployment.environment.name", "production")
        span.number(9, "thread.id", 140_000 + random.next() % 64)
        if isRoot, trace.isFailed { span.message(15) { $0.varint(3, 2) } }
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

extension MessageWriter {
    fileprivate mutating func attribute(_ field: Int, _ key: String, _ value: String) {
        message(field) { pair in
            pair.string(1, key)
            pair.message(2) { $0.string(1, value) }
        }
    }

    fileprivate mutating func number(_ field: Int, _ key: String, _ value: UInt64) {
        message(field) { pair in
            pair.string(1, key)
            pair.message(2) { $0.varint(3, value) }
        }
    }
}
