import RoostCore
import RoostIngest
import RoostWire

@testable import RoostAnalytics

/// A span of a trace for tests, written as OTLP. Times in milliseconds after an hour of 2027.
struct TestSpan {
    var id: UInt64
    var parent: UInt64 = 0
    var name = "step"
    var from: UInt64
    var to: UInt64
    var error = ""
    var kind: UInt64 = 1
    var texts: [(String, String)] = []
    var numbers: [(String, Int64)] = []

    init(
        _ id: UInt64, under parent: UInt64 = 0, _ name: String, _ from: UInt64,
        _ to: UInt64, error: String = "", _ texts: [(String, String)] = [],
        _ numbers: [(String, Int64)] = []
    ) {
        self.id = id
        self.parent = parent
        self.name = name
        self.from = from
        self.to = to
        self.error = error
        self.texts = texts
        self.numbers = numbers
    }

    init(_ id: UInt64, under parent: UInt64 = 0, _ from: UInt64, _ to: UInt64) {
        self.init(id, under: parent, "step", from, to)
    }

    /// A call to a model.
    static func llm(
        _ id: UInt64, under parent: UInt64 = 0, _ from: UInt64, _ to: UInt64,
        model: String = "gpt-4o", input: Int64 = 0, output: Int64 = 0, error: String = "",
        call: String = ""
    ) -> TestSpan {
        var texts = [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", model)]
        if !call.isEmpty { texts.append(("gen_ai.response.id", call)) }
        return TestSpan(
            id, under: parent, "chat \(model)", from, to, error: error, texts,
            [("gen_ai.usage.input_tokens", input), ("gen_ai.usage.output_tokens", output)])
    }

    static func tool(
        _ id: UInt64, under parent: UInt64 = 0, _ from: UInt64, _ to: UInt64, _ tool: String,
        _ arguments: String = "", error: String = ""
    ) -> TestSpan {
        var texts = [("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", tool)]
        if !arguments.isEmpty { texts.append(("gen_ai.tool.call.arguments", arguments)) }
        return TestSpan(id, under: parent, "execute_tool \(tool)", from, to, error: error, texts)
    }

    static func agent(
        _ id: UInt64, under parent: UInt64 = 0, _ from: UInt64, _ to: UInt64, _ agent: String,
        error: String = "", _ numbers: [(String, Int64)] = []
    ) -> TestSpan {
        TestSpan(
            id, under: parent, "invoke_agent \(agent)", from, to, error: error,
            [("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", agent)], numbers)
    }
}

enum TestTrace {
    static let high: UInt64 = 0x0102_0304_0506_0708
    static let low: UInt64 = 0x1112_1314_1516_1718
    /// 2027-01-01 00:00 in nanoseconds.
    static let epoch: UInt64 = 1_798_761_600_000_000_000

    static func time(_ milliseconds: UInt64) -> UInt64 { epoch + milliseconds * 1_000_000 }

    static let names: NameTable = {
        var source = NameSource()
        source.attributes = [
            .kind: ["gen_ai.operation.name"], .workflow: ["gen_ai.workflow.name"],
            .agent: ["gen_ai.agent.name"], .modelRequested: ["gen_ai.request.model"],
            .modelAnswered: ["gen_ai.response.model"], .provider: ["gen_ai.provider.name"],
            .tool: ["gen_ai.tool.name"], .session: ["gen_ai.conversation.id"],
            .user: ["user.id"], .inputTokens: ["gen_ai.usage.input_tokens"],
            .outputTokens: ["gen_ai.usage.output_tokens"], .errorType: ["error.type"],
            .cost: ["gen_ai.usage.cost"], .callID: ["gen_ai.response.id"],
            .spanType: ["logfire.span_type"], .pendingParent: ["logfire.pending_parent_id"],
            .arguments: ["gen_ai.tool.call.arguments"],
        ]
        source.kinds["gen_ai.operation.name"] = [
            .llm: ["chat"], .tool: ["execute_tool"], .agent: ["invoke_agent"],
            .workflow: ["invoke_workflow"], .embedding: ["embeddings"], .humanWait: ["wait"],
        ]
        return NameTable(source)
    }()

    static func chunk(_ spans: [TestSpan], service: String = "desk") -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { resourceSpans in
            resourceSpans.message(1) { resource in
                resource.message(1) { text(&$0, "service.name", service) }
            }
            resourceSpans.message(2) { scope in
                for span in spans { scope.message(2) { write(span, &$0) } }
            }
        }
        return ByteBlock(writer.bytes)
    }

    private static func write(_ span: TestSpan, _ message: inout MessageWriter) {
        message.bigEndian(1, high, low)
        message.bigEndian(2, span.id)
        if span.parent != 0 { message.bigEndian(4, span.parent) }
        message.string(5, span.name)
        message.varint(6, span.kind)
        message.fixed64(7, time(span.from))
        message.fixed64(8, time(span.to))
        for (key, value) in span.texts {
            message.message(9) { text(&$0, key, value) }
        }
        for (key, value) in span.numbers {
            message.message(9) { attribute in
                attribute.string(1, key)
                attribute.message(2) { $0.varint(3, UInt64(bitPattern: value)) }
            }
        }
        if !span.error.isEmpty {
            message.message(9) { text(&$0, "error.type", span.error) }
            message.message(15) { status in
                status.string(2, "it said \(span.error)")
                status.varint(3, 2)
            }
        }
    }

    private static func text(_ attribute: inout MessageWriter, _ key: String, _ value: String) {
        attribute.string(1, key)
        attribute.message(2) { $0.string(1, value) }
    }

    /// A span with something of everything.
    static func whole() -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { resourceSpans in
            resourceSpans.message(1) { resource in
                resource.message(1) { text(&$0, "service.name", "desk") }
            }
            resourceSpans.message(2) { scope in
                scope.message(1) { library in
                    library.string(1, "lib")
                    library.string(2, "1.2")
                }
                scope.message(2) { writeWhole(&$0) }
            }
        }
        return ByteBlock(writer.bytes)
    }

    private static func writeWhole(_ span: inout MessageWriter) {
        func attribute(_ key: String, _ value: (inout MessageWriter) -> Void) {
            span.message(9) { attribute in
                attribute.string(1, key)
                attribute.message(2, value)
            }
        }
        span.bigEndian(1, high, low)
        span.bigEndian(2, 1)
        span.string(3, "a=b")
        span.string(5, "all")
        span.varint(6, 3)
        span.fixed64(7, time(0))
        span.fixed64(8, time(10))
        attribute("text") { $0.string(1, "zwei \"Wörter\"") }
        attribute("text") { $0.string(1, "again") }
        attribute("whole") { $0.varint(3, UInt64(bitPattern: -5)) }
        attribute("huge") { $0.varint(3, UInt64(Int64.max)) }
        attribute("half") { $0.double(4, 0.5) }
        attribute("nan") { $0.double(4, .nan) }
        attribute("flag") { $0.varint(2, 1) }
        attribute("bytes") { $0.bytes(7, [0, 1, 2, 255]) }
        attribute("list") { value in
            value.message(5) { list in
                list.message(1) { $0.varint(3, 1) }
                list.message(1) { $0.varint(3, 2) }
            }
        }
        attribute("map") { value in
            value.message(6) { list in list.message(1) { text(&$0, "inner", "x") } }
        }
        attribute("nothing") { _ in }
        span.message(11) { event in
            event.fixed64(1, time(5))
            event.string(2, "exception")
            event.message(3) { text(&$0, "exception.message", "no") }
        }
        span.message(13) { link in
            link.bigEndian(1, 0xAA, 0xBB)
            link.bigEndian(2, 0xCC)
        }
        span.fixed32(16, 0x101)
    }

    static func document(
        _ spans: [TestSpan], prices: (any PriceSource)? = nil, most: Int = .max
    ) -> TraceDocument {
        document(of: [chunk(spans)], prices: prices, most: most)
    }

    static func document(
        of chunks: [ByteBlock], prices: (any PriceSource)? = nil, most: Int = .max
    ) -> TraceDocument {
        TraceDocument.make(
            chunks: chunks, traceIDHigh: high, traceIDLow: low, names: names, prices: prices,
            most: most)
    }
}
