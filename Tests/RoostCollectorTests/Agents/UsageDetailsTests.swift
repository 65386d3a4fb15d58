import RoostIngest
import Testing

@testable import RoostCollector

/// Counts in JSON: whether those of input and output hold the others.
@Suite struct UsageDetailsTests {
    private func tokens(_ json: String, scope: String = "langfuse-sdk") throws -> [UInt64] {
        let tokens = try OneSpan(
            scope: scope,
            attributes: [
                "langfuse.observation.type": ["stringValue": "generation"],
                "langfuse.observation.usage_details": ["stringValue": json],
            ]
        ).read().activity.tokens
        return [
            tokens.input, tokens.cacheRead, tokens.cacheWrite, tokens.output, tokens.reasoning,
        ]
    }

    @Test(arguments: [
        // Everything beside everything, as Langfuse sends it for LangChain.
        (
            """
            {"input": 60, "output": 15, "total": 120, "input_cache_read": 40,
             "output_reasoning": 5}
            """, [60, 40, 0, 15, 5]
        ),
        // Sound is input too, and answered by sound.
        (
            """
            {"input": 50, "input_audio": 10, "input_cache_read": 40, "output": 5,
             "output_audio": 10, "output_reasoning": 5, "total": 120}
            """, [60, 40, 0, 15, 5]
        ),
        (
            """
            {"input": 0, "output": 0, "input_modality_TEXT": 100, "output_modality_TEXT": 20,
             "total": 120}
            """, [100, 0, 0, 20, 0]
        ),
        // Output holds the reasoning, input no cached ones.
        (
            """
            {"input": 60, "output": 20, "total": 130, "input_cache_read": 40,
             "input_cache_creation": 10, "output_reasoning": 5}
            """, [60, 40, 10, 15, 5]
        ),
        // The other way about, as Gemini counts.
        (
            """
            {"promptTokenCount": 100, "candidatesTokenCount": 15, "thoughtsTokenCount": 5,
             "cachedContentTokenCount": 40, "totalTokenCount": 120}
            """, [60, 40, 0, 15, 5]
        ),
        // What is part of a count is told beside it.
        (
            """
            {"input": 100, "output": 20, "total": 120, "input_cache_read": 40,
             "input_audio": 10, "output_reasoning": 5}
            """, [60, 40, 0, 15, 5]
        ),
        // Nothing proves it: included, but for more than there is.
        (
            #"{"input": 60, "output": 15, "input_cache_read": 40, "output_reasoning": 5}"#,
            [20, 40, 0, 10, 5]
        ),
        (#"{"input": 60, "output": 15, "total": 80, "input_cache_read": 40}"#, [20, 40, 0, 15, 0]),
        (
            #"{"input": 60, "output": 5, "input_cache_read": 400, "output_reasoning": 15}"#,
            [60, 400, 0, 5, 15]
        ),
        // Either may be what stands beside: not proved.
        (
            """
            {"input": 100, "output": 20, "total": 125, "input_cache_read": 5,
             "output_reasoning": 5}
            """, [95, 5, 0, 15, 5]
        ),
    ])
    func `a sum of all proves that counts do not overlap`(
        _ json: String, _ expected: [UInt64]
    ) throws {
        #expect(try tokens(json) == expected)
    }

    @Test func `a sum is believed before the dialect`() throws {
        let json = #"{"input": 100, "output": 25, "total": 125, "cache_read": 40}"#
        #expect(try tokens(json, scope: "com.anthropic.claude_code") == [100, 40, 0, 25, 0])
        let beside = #"{"input": 60, "output": 25, "total": 130, "reasoning": 5, "cache_read": 40}"#
        #expect(try tokens(beside) == [60, 40, 0, 25, 5])
    }

    @Test(arguments: [
        // Bedrock's, beside each other.
        (2000, 1500, 100, 0, 3600, [2000, 1500, 100, 0]),
        // OpenAI's, within each other.
        (2000, 1500, 100, 20, 2100, [500, 1500, 80, 20]),
        // Gemini's: thoughts stand apart.
        (2000, 1500, 100, 20, 2120, [500, 1500, 100, 20]),
        // A sum that fits nothing proves nothing.
        (2000, 1500, 100, 20, 9999, [500, 1500, 80, 20]),
        (2000, 1500, 100, 20, -1, [500, 1500, 80, 20]),
    ])
    func `a sum in an attribute proves it as well`(
        _ input: Int, _ cached: Int, _ output: Int, _ reasoning: Int, _ total: Int,
        _ expected: [UInt64]
    ) throws {
        for key in try #require(NamesFile.builtIn.attributes[.totalTokens]) {
            let tokens = try OneSpan(
                attributes: [
                    "gen_ai.operation.name": ["stringValue": "chat"],
                    "gen_ai.usage.input_tokens": ["intValue": "\(input)"],
                    "gen_ai.usage.cache_read_input_tokens": ["intValue": "\(cached)"],
                    "gen_ai.usage.output_tokens": ["intValue": "\(output)"],
                    "gen_ai.usage.reasoning_tokens": ["intValue": "\(reasoning)"],
                    key: ["intValue": "\(total)"],
                ]
            ).read().activity.tokens
            #expect(
                [tokens.input, tokens.cacheRead, tokens.output, tokens.reasoning] == expected,
                "\(key)")
        }
    }

    @Test func `LiteLLM tells cached tokens as Python prints them`() throws {
        let read = try OneSpan(
            scope: "litellm",
            attributes: [
                "gen_ai.operation.name": ["stringValue": "chat"],
                "gen_ai.usage.input_tokens": ["intValue": "110"],
                "gen_ai.usage.output_tokens": ["intValue": "20"],
                "gen_ai.cost.total_cost": ["doubleValue": 0.0005295],
                "metadata.usage_object": [
                    "stringValue": """
                    {'completion_tokens': 20, 'prompt_tokens': 110, 'total_tokens': 130, \
                    'completion_tokens_details': {'reasoning_tokens': 5, 'text_tokens': 15}, \
                    'prompt_tokens_details': {'audio_tokens': None, 'cached_tokens': 40, \
                    'cache_creation_tokens': 10, 'text_tokens': 60}, \
                    'cache_creation_input_tokens': 10, 'cache_read_input_tokens': 40}
                    """
                ],
            ]
        ).read().activity
        #expect(read.tokens.input == 60)
        #expect(read.tokens.cacheRead == 40)
        #expect(read.tokens.cacheWrite == 10)
        #expect(read.tokens.output == 15)
        #expect(read.tokens.reasoning == 5)
        #expect(read.reportedCost == 0.0005295)
    }
}
