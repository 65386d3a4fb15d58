import RoostCore
import RoostIngest
import RoostWire
import Testing

@testable import RoostCollector

/// What is added to forwarded spans.
@Suite struct NormalizeSpansTests {
    /// The tokens that a span tells by the conventions' names when it is forwarded.
    private func tokens(_ attributes: [String: Any]) throws -> [String: Int64] {
        let body = try OneSpan(attributes: attributes).request()
        let scan = TraceScan()
        try scan.read(body, names: OneSpan.table)
        let memory = MemoryBudget(limitBytes: 1 << 20).share("test")
        let new = try #require(normalizeSpans(body, activities: scan.activities, memory: memory))
        var visitor = TokenVisitor()
        var rejections = Rejections()
        _ = unsafe try new.withBytes { bytes throws(WireError) in
            unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
        }
        return visitor.found
    }

    private func call(_ kind: String, _ tokens: [String: Int]) -> [String: Any] {
        var attributes: [String: Any] = [
            "openinference.span.kind": ["stringValue": kind],
            "llm.model_name": ["stringValue": "gpt-4o"],
        ]
        for (key, count) in tokens { attributes[key] = ["intValue": "\(count)"] }
        return attributes
    }

    @Test func `only what a span says is said of it`() throws {
        let (input, output) = ("llm.token_count.prompt", "llm.token_count.completion")
        #expect(
            try tokens(call("LLM", [input: 5, output: 3])) == [
                "input_tokens": 5, "output_tokens": 3,
            ])
        #expect(try tokens(call("EMBEDDING", [input: 5])) == ["input_tokens": 5])
        #expect(try tokens(call("LLM", [output: 5])) == ["output_tokens": 5])
        #expect(try tokens(call("LLM", [input: -5, output: 5])) == ["output_tokens": 5])
        #expect(
            try tokens(call("LLM", [input: 0, output: 5])) == [
                "input_tokens": 0, "output_tokens": 5,
            ])
        #expect(try tokens(call("LLM", [:])) == [:])
    }

    @Test func `counts beside each other are added up`() throws {
        let found = try tokens([
            "langfuse.observation.type": ["stringValue": "generation"],
            "langfuse.observation.usage_details": [
                "stringValue": """
                {"input": 60, "output": 15, "total": 120, "input_cache_read": 40,
                 "output_reasoning": 5}
                """
            ],
        ])
        #expect(
            found == [
                "input_tokens": 100, "cache_read.input_tokens": 40, "output_tokens": 20,
                "reasoning.output_tokens": 5,
            ])
    }
}

private struct TokenVisitor: TraceVisitor {
    var found: [String: Int64] = [:]

    mutating func span(_ span: SpanView) {
        span.attributes.forEach { key, value in
            let key = key.string
            guard key.hasPrefix("gen_ai.usage.") else { return }
            found[String(key.dropFirst(13))] = value.intValue
        }
    }
}
