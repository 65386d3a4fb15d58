import RoostIngest
import Testing

@testable import RoostCollector

/// Walks every row of the built-in tables with a span of its own.
@Suite struct SpanNamesTests {
    private static let table = OneSpan.table
    private static let source = NamesFile.builtIn

    private func text(_ value: String) -> [String: Any] { ["stringValue": value] }
    private func number(_ value: Int) -> [String: Any] { ["intValue": "\(value)"] }

    private func read(
        service: String = "s", scope: String = "lib", name: String = "step",
        _ attributes: [String: Any]
    ) throws -> ReadActivity {
        try OneSpan(service: service, scope: scope, name: name, attributes: attributes).read()
    }

    private static var texts: [(NameConcept, KeyPath<Activity, TextRef>, String)] {
        [
            (.workflow, \.workflow, "LLM"), (.agent, \.agent, "AGENT"),
            (.agentID, \.agentID, "AGENT"), (.tool, \.tool, "TOOL"), (.entity, \.tool, "TOOL"),
            (.session, \.session, "LLM"), (.user, \.user, "LLM"),
            (.modelAnswered, \.modelAnswered, "LLM"), (.modelRequested, \.modelRequested, "LLM"),
            (.provider, \.provider, "LLM"), (.errorType, \.errorType, "LLM"),
            (.callID, \.callID, "LLM"),
        ]
    }

    @Test(arguments: texts.indices)
    func `each attribute with a text is read, and the earlier one is believed`(
        _ index: Int
    ) throws {
        let (concept, place, kind) = Self.texts[index]
        let keys = try #require(Self.source.attributes[concept])
        for (rank, key) in keys.enumerated() {
            var attributes = ["openinference.span.kind": text(kind), key: text("first")]
            #expect(try read(attributes).text(place) == "first", "\(key)")
            guard rank + 1 < keys.count else { continue }
            attributes[keys[rank + 1]] = text("second")
            #expect(try read(attributes).text(place) == "first", "\(key) before the next")
        }
    }

    private static var counts: [(NameConcept, KeyPath<ActivityTokens, UInt64>)] {
        [
            (.inputTokens, \.input), (.outputTokens, \.output), (.cacheReadTokens, \.cacheRead),
            (.cacheWriteTokens, \.cacheWrite), (.reasoningTokens, \.reasoning),
        ]
    }

    @Test(arguments: counts.indices)
    func `each attribute with a count is read, whatever its type`(_ index: Int) throws {
        let (concept, place) = Self.counts[index]
        for key in try #require(Self.source.attributes[concept]) {
            for value in [number(7), text("7"), ["doubleValue": 7.0]] {
                let found = try read(["openinference.span.kind": text("LLM"), key: value])
                #expect(found.activity.tokens[keyPath: place] == 7, "\(key)")
                #expect(!found.activity.flags.contains(.hasRejectedValue))
            }
            for value in [number(-7), text("many"), text("1e300"), ["doubleValue": "NaN"]] {
                let found = try read(["openinference.span.kind": text("LLM"), key: value])
                #expect(found.activity.tokens.isEmpty, "\(key)")
                #expect(found.activity.flags.contains(.hasRejectedValue))
            }
        }
    }

    @Test func `each key inside JSON of counts is read`() throws {
        for (concept, place) in Self.counts {
            for key in Self.source.usageKeys[concept] ?? [] {
                let found = try read([
                    "openinference.span.kind": text("LLM"),
                    "gen_ai.usage.raw": text("{\"deep\": {\"\(key)\": 7}}"),
                ])
                #expect(found.activity.tokens[keyPath: place] == 7, "\(key)")
            }
        }
    }

    @Test func `each attribute with a cost is read`() throws {
        for key in try #require(Self.source.attributes[.cost]) {
            let found = try read([
                "openinference.span.kind": text("LLM"), key: ["doubleValue": 0.25],
            ])
            #expect(found.activity.reportedCost == 0.25, "\(key)")
        }
        let json = try read([
            "openinference.span.kind": text("LLM"),
            "langfuse.observation.cost_details": text("{\"input\": 0.5, \"output\": 0.25}"),
        ])
        #expect(json.activity.reportedCost == 0.75)
    }

    @Test(arguments: [("USD", 0.25), ("usd", 0.25), ("EUR", .nan), ("USDC", .nan)])
    func `a cost in another currency than dollars is none`(
        _ currency: String, _ cost: Double
    ) throws {
        let found = try read([
            "openinference.span.kind": text("LLM"),
            "gen_ai.usage.cost.amount": ["doubleValue": 0.25],
            "gen_ai.usage.cost.currency": text(currency),
        ])
        #expect(
            cost.isNaN ? found.activity.reportedCost.isNaN : found.activity.reportedCost == cost)
        #expect(!found.activity.flags.contains(.hasRejectedValue))
    }

    @Test(arguments: NamesFile.builtIn.kinds.keys.sorted())
    func `each value of a kind is understood`(_ key: String) throws {
        for (kind, values) in try #require(Self.source.kinds[key]) {
            for value in values {
                for spelling in [value, value.uppercased()] {
                    let found = try read([key: text(spelling)])
                    #expect(found.activity.kind == kind, "\(key)=\(spelling)")
                }
            }
        }
    }

    @Test(arguments: ["db.system", "db.system.name"])
    func `a database that is no vector store says nothing`(_ key: String) throws {
        #expect(try read([key: text("postgresql")]).activity.kind == .other)
        // What else is said goes before.
        let tool = try read([key: text("qdrant"), "gen_ai.operation.name": text("execute_tool")])
        #expect(tool.activity.kind == .tool)
    }

    @Test func `each name of a span is understood within its dialect`() throws {
        for (name, kind) in Self.source.spanNames {
            let inside = try read(scope: "com.anthropic.claude_code", name: name, [:])
            #expect(inside.activity.kind == kind, "\(name)")
            #expect(try read(name: name, [:]).activity.kind == .other)
        }
    }

    @Test func `each spelling of a provider is folded`() throws {
        for (provider, spellings) in Self.source.providers {
            for spelling in spellings {
                for sent in [spelling, spelling.uppercased()] {
                    let found = try read([
                        "openinference.span.kind": text("LLM"), "gen_ai.system": text(sent),
                    ])
                    #expect(found.text(\.provider) == provider, "\(sent)")
                }
            }
        }
        for (provider, prefixes) in Self.source.modelPrefixes {
            for prefix in prefixes {
                let found = try read([
                    "openinference.span.kind": text("LLM"),
                    "gen_ai.request.model": text("\(prefix)1"),
                ])
                #expect(found.text(\.provider) == provider, "\(prefix)")
            }
        }
    }

    @Test(arguments: [
        ("google.vertex.chat", "gcp.vertex_ai"), ("vertex.anthropic.messages", "gcp.vertex_ai"),
        ("google.generative-ai", "gcp.gemini"), ("openai.responses", "openai"),
        ("my.own.gateway", "my.own.gateway"),
    ])
    func `products behind a provider's name are taken off`(
        _ sent: String, _ provider: String
    ) throws {
        let found = try read(["openinference.span.kind": text("LLM"), "gen_ai.system": text(sent)])
        #expect(found.text(\.provider) == provider)
    }

    @Test(arguments: [
        ("openai/gpt-4o", "openai"), ("azure/my-deployment", "azure.ai.openai"),
        ("openrouter/openai/gpt-4o", "openrouter"), ("models/gemini-2.5-pro", "gcp.gemini"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "aws.bedrock"),
        ("bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0", "aws.bedrock"),
        ("acme/llama-4", ""), ("/", ""), ("gpt-4o/", "openai"),
    ])
    func `a model's name tells its provider, behind slashes too`(
        _ model: String, _ provider: String
    ) throws {
        let found = try read([
            "openinference.span.kind": text("LLM"), "gen_ai.request.model": text(model),
        ])
        #expect(found.text(\.provider) == provider)
    }

    @Test func `a part of a call of a tool tells its outcome, successful or not`() throws {
        for name in Self.source.toolOutcomes {
            let found = try read(
                scope: "com.anthropic.claude_code", name: name,
                ["success": ["boolValue": false]])
            #expect(found.activity.kind == .other)
            #expect(found.activity.flags.contains(.tellsOutcome))
            #expect(found.activity.status == .error)
        }
        let other = try read(scope: "com.anthropic.claude_code", name: "claude_code.hook", [:])
        #expect(!other.activity.flags.contains(.tellsOutcome))
    }

    @Test func `each dialect is recognised`() throws {
        for dialect in Self.source.dialects {
            for scope in dialect.scopes {
                let found = try read(scope: scope, [:])
                #expect(Self.table.dialectNames[Int(found.activity.dialect)] == dialect.name)
            }
            for service in dialect.services {
                let found = try read(service: service, [:])
                #expect(Self.table.dialectNames[Int(found.activity.dialect)] == dialect.name)
            }
        }
    }

    @Test func `input that includes cached tokens is split, input that does not is kept`() throws {
        func tokens(_ scope: String, input: Int, read cached: Int) throws -> ActivityTokens {
            try read(
                scope: scope,
                [
                    "openinference.span.kind": text("LLM"),
                    "gen_ai.usage.input_tokens": number(input),
                    "gen_ai.usage.cache_read.input_tokens": number(cached),
                ]
            ).activity.tokens
        }
        #expect(try tokens("lib", input: 100, read: 60).input == 40)
        #expect(try tokens("lib", input: 100, read: 100).input == 0)
        // More cached than read at all proves that they are counted apart.
        #expect(try tokens("lib", input: 100, read: 101).input == 100)
        #expect(try tokens("com.anthropic.claude_code", input: 100, read: 60).input == 100)
    }

    @Test func `reasoning is taken out of output where it is part of it`() throws {
        func output(_ scope: String, _ output: Int, _ reasoning: Int) throws -> UInt64 {
            try read(
                scope: scope,
                [
                    "openinference.span.kind": text("LLM"),
                    "gen_ai.usage.output_tokens": number(output),
                    "gen_ai.usage.reasoning_tokens": number(reasoning),
                ]
            ).activity.tokens.output
        }
        #expect(try output("lib", 100, 60) == 40)
        #expect(try output("lib", 100, 101) == 100)
        #expect(try output("gemini-cli", 100, 60) == 100)
    }

    @Test func `ten thousand attributes and a model of a megabyte are borne`() throws {
        var attributes = Dictionary(
            uniqueKeysWithValues: (0..<10_000).map { ("key.\($0)", number($0)) })
        attributes["openinference.span.kind"] = text("LLM")
        attributes["gen_ai.request.model"] = text(String(repeating: "é", count: 500_000))
        let found = try read(attributes)
        #expect(found.activity.kind == .llm)
        #expect(found.text(\.modelRequested).utf8.count == 256)
    }

    // MARK: values in JSON

    @Test func `texts of MLflow are JSON`() throws {
        let found = try read([
            "mlflow.spanType": text("\"CHAT_MODEL\""), "mlflow.llm.model": text("\"gpt-4o\""),
            "mlflow.llm.provider": text("\"openai\""),
            "mlflow.llm.cost": text("{\"input_cost\": 1.0, \"output_cost\": 2, \"total_cost\": 3}"),
        ])
        #expect(found.activity.kind == .llm)
        #expect(found.model == "gpt-4o")
        #expect(found.text(\.provider) == "openai")
        #expect(found.activity.reportedCost == 3)
        // Those that it takes from others too, in its own scope only.
        let others = ["mlflow.spanType": text("\"TOOL\""), "gen_ai.tool.name": text("\"add\"")]
        #expect(try read(scope: "mlflow.tracing", others).text(\.tool) == "add")
        #expect(try read(others).text(\.tool) == "\"add\"")
        // Without quotes it is what it says; half a pair of them is a part of it.
        #expect(try read(["mlflow.spanType": text("RETRIEVER")]).activity.kind == .retrieval)
        let half = ["mlflow.spanType": text("LLM"), "mlflow.llm.model": text("\"")]
        #expect(try read(half).text(\.modelAnswered) == "\"")
    }

    // MARK: what only its presence or a host tells

    @Test func `a guardrail's id says what a span is when nothing else does`() throws {
        let id = ["aws.bedrock.guardrail.id": text("gr-1")]
        #expect(try read(id).activity.kind == .guardrail)
        let call = id.merging(["gen_ai.operation.name": text("chat")]) { $1 }
        #expect(try read(call).activity.kind == .llm)
    }

    @Test(arguments: [
        ("api.groq.com", "some-model", "groq"), ("me.openai.azure.com", "mine", "azure.ai.openai"),
        ("bedrock-runtime.eu-west-1.amazonaws.com", "mine", "aws.bedrock"),
        ("europe-west4-aiplatform.googleapis.com", "mine", "gcp.vertex_ai"),
        ("api.groq.com", "gpt-4o", "openai"), ("notapi.groq.com", "mine", ""),
        ("10.0.0.1", "mine", ""),
    ])
    func `the host tells the provider when the model does not`(
        _ host: String, _ model: String, _ provider: String
    ) throws {
        let found = try read([
            "gen_ai.operation.name": text("chat"), "server.address": text(host),
            "gen_ai.request.model": text(model),
        ])
        #expect(found.text(\.provider) == provider)
        let told = try read([
            "gen_ai.operation.name": text("chat"), "server.address": text(host),
            "gen_ai.provider.name": text("cohere"),
        ])
        #expect(told.text(\.provider) == "cohere")
    }

    @Test func `a host alone makes no agent of a span`() throws {
        let found = try read(["server.address": text("api.openai.com")])
        #expect(!found.activity.isAgentic && found.text(\.provider) == "")
    }

    @Test(arguments: [
        "exception.message", "exception.stacktrace", "crew_inputs", "crew_tasks", "crew_agents",
        "formatted_description", "formatted_expected_output", "task_description", "task_prompt",
        "task_expected_output", "flow_inputs", "agent.goal", "agent.backstory",
        "mcp.tool.arguments",
        "ai.result.toolCalls", "tool.result", "mlflow.spanInputs", "gen_ai.tool.output",
        "langfuse.observation.status_message", "crewai.task.expected_output",
    ])
    func `what was said is content`(_ key: String) {
        #expect(Self.source.content.contains(key))
    }
}
