import RoostCore
import RoostIngest
import RoostWire
import Testing

/// What tools put into a prompt, which some count apart and others have the sum of all under.
@Suite struct ToolInputTests {
    private static let table: NameTable = {
        var source = NameSource()
        source.attributes = [
            .inputTokens: ["input_token_count"], .outputTokens: ["output_token_count"],
            .cacheReadTokens: ["cached_content_token_count"],
            .otherInputTokens: ["tool_token_count"], .eventName: ["event.name"],
        ]
        source.logEvents = ["response": NameEvent(kind: .llm)]
        for (name, tokens) in [("apart", [.toolInputApart]), ("sum", [])]
            as [(String, Set<NameDialect.TokenSemantics>)]
        {
            var dialect = NameDialect(name: name)
            dialect.scopes = [name]
            dialect.tokens = tokens
            source.dialects.append(dialect)
        }
        return NameTable(source)
    }()

    private func tokens(scope: String, _ counts: [(String, UInt64)]) throws -> ActivityTokens {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { logs in
                logs.message(1) { $0.string(1, scope) }
                logs.message(2) { record in
                    record.fixed64(1, 1_000_000_000)
                    record.attribute(6, "event.name", "response")
                    for (key, count) in counts {
                        record.message(6) {
                            $0.string(1, key)
                            $0.message(2) { $0.varint(3, count) }
                        }
                    }
                }
            }
        }
        let scan = LogScan()
        try scan.read(ByteBlock(writer.bytes), names: Self.table)
        return try #require(scan.activities.activities.first).tokens
    }

    @Test func `what tools put into a prompt is input where the dialect counts it apart`() throws {
        let counts: [(String, UInt64)] = [
            ("input_token_count", 100), ("output_token_count", 7), ("tool_token_count", 900),
        ]
        #expect(try tokens(scope: "apart", counts).input == 1000)
        #expect(try tokens(scope: "apart", counts).output == 7)
        #expect(try tokens(scope: "sum", counts).input == 100)
        let cached = try tokens(scope: "apart", counts + [("cached_content_token_count", 60)])
        #expect(cached.input == 940 && cached.cacheRead == 60)
        #expect(try tokens(scope: "apart", Array(counts.prefix(2))).input == 100)
    }
}
