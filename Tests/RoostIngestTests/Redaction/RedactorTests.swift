import RoostCore
import RoostIngest
import RoostWire
import Testing

@Suite struct RedactorTests {
    private let secret = "sk" + "-proj-aB3dE5gH7jK9mN1pQ2sT4vW6xY8z"

    @Test func `a request without secrets is the same object`() {
        let body = spanRequest { $0.attribute(9, "gen_ai.request.model", "gpt-4o") }
        #expect(!redactor().concerns(body))
        let looking = redactor { $0.values = Set(SecretKind.allCases) }
        guard case .untouched = looking.redact(body, signal: .traces, memory: testMemory) else {
            Issue.record("touched")
            return
        }
    }

    @Test func `keys are taken out whole, by name or beginning`() {
        let rules = redactor { $0.keys = ["password", "user.*"] }
        let body = spanRequest {
            $0.attribute(9, "password", "hunter2")
            $0.attribute(9, "user.name", "alice")
            $0.attribute(9, "username", "bob")
            $0.message(9) { attribute in
                attribute.string(1, "user.age")
                attribute.message(2) { $0.varint(3, 42) }
            }
        }
        let result = redacted(body, rules)
        #expect(texts(result.body)["password"] == "[redacted:key]")
        #expect(texts(result.body)["user.name"] == "[redacted:key]")
        #expect(texts(result.body)["user.age"] == "[redacted:key]")
        #expect(texts(result.body)["username"] == "bob")
        #expect(result.counts == ["key": 3])
    }

    @Test func `content is what the table says, and not what only begins so`() {
        let rules = redactor {
            $0.content = true
            $0.contentKeys = ["gen_ai.prompt.*", "!gen_ai.prompt.name", "input.value"]
        }
        let body = spanRequest {
            $0.attribute(9, "gen_ai.prompt.0.content", "hello")
            $0.attribute(9, "gen_ai.prompt.name", "greeting")
            $0.attribute(9, "input.value", "{}")
        }
        let result = redacted(body, rules)
        #expect(texts(result.body)["gen_ai.prompt.0.content"] == "[redacted:content]")
        #expect(texts(result.body)["gen_ai.prompt.name"] == "greeting")
        #expect(result.counts == ["content": 2])
    }

    private func parameters(
        _ text: String, _ change: (inout RedactionSettings) -> Void = { _ in }
    ) -> (text: String?, counts: [String: Int]) {
        let rules = redactor {
            $0.content = true
            $0.contentKeys = ["llm.invocation_parameters"]
            $0.parameterKeys = ["llm.invocation_parameters"]
            change(&$0)
        }
        let result = redacted(
            spanRequest { $0.attribute(9, "llm.invocation_parameters", text) }, rules)
        return (texts(result.body)["llm.invocation_parameters"], result.counts)
    }

    @Test(arguments: [RedactionAction.replace, .hash, .drop])
    func `of the parameters of a call the model stays`(_ action: RedactionAction) {
        let found = parameters(
            #"{"tools": [{"model": "inner"}], "stop": ["\"model\""], "model": "a/gpt-4o:1", "n": 1}"#
        ) { $0.action = action }
        #expect(found.text == #"{"model":"a/gpt-4o:1"}"#)
        #expect(found.counts == ["content": 1])
    }

    @Test(arguments: [
        #"{"tools": [{"model": "inner"}]}"#, #"{"model": "tell me, please"}"#, "[]", "{", "",
        #"{"model": ["gpt-4o"]}"#, #"{"model": ""}"#, #"["model", "gpt-4o"]"#,
        #"{"model": "\#(String(repeating: "x", count: 200))"}"#,
    ])
    func `parameters without a name of a model go whole`(_ text: String) {
        let found = parameters(text)
        #expect(found.text == "[redacted:content]")
        #expect(found.counts == ["content": 1])
    }

    @Test func `a secret in the place of a model does not stay`() {
        let found = parameters("{\"model\": \"\(secret)\"}")
        #expect(found.text == "[redacted:content]")
        #expect(found.counts == ["content": 1, "api_key": 1])
    }

    @Test func `a hash is the same for the same secret and another under another key`() {
        let rules = redactor { $0.action = .hash }
        let one = redactedText("a \(secret) b", rules)
        #expect(one == redactedText("a \(secret) b", rules))
        #expect(one?.wholeMatch(of: /a \[api_key:[0-9a-f]{16}\] b/) != nil)
        let other = redactor {
            $0.action = .hash
            $0.hashKey = [1]
        }
        #expect(redactedText("a \(secret) b", other) != one)
    }

    @Test func `dropping takes the attribute, and of a name its text`() {
        let rules = redactor { $0.action = .drop }
        let body = spanRequest(name: "call \(secret)") {
            $0.attribute(9, "a", "x \(secret)")
            $0.attribute(9, "b", "stays")
            $0.message(9) { attribute in
                attribute.string(1, "list")
                attribute.message(2) { value in
                    value.message(5) { list in list.message(1) { $0.string(1, secret) } }
                }
            }
        }
        let result = redacted(body, rules)
        let left = texts(result.body)
        #expect(left["a"] == nil && left["list"] == nil)
        #expect(left["b"] == "stays")
        #expect(left["span name"] == "")
        #expect(result.counts == ["api_key": 3])
    }

    @Test func `finds secrets at any depth of lists and maps`() throws {
        let body = spanRequest { span in
            span.message(9) { attribute in
                attribute.string(1, "deep")
                attribute.message(2) { nest(&$0, 12, secret) }
            }
        }
        let result = redacted(body, redactor())
        #expect(result.counts == ["api_key": 1])
        #expect(!contains(result.body, secret))
        #expect(contains(result.body, "[redacted:api_key]"))
    }

    private func nest(_ value: inout MessageWriter, _ depth: Int, _ text: String) {
        guard depth > 0 else { return value.string(1, text) }
        if depth % 2 == 0 {
            value.message(5) { list in list.message(1) { nest(&$0, depth - 1, text) } }
        } else {
            value.message(6) { map in
                map.message(1) { entry in
                    entry.string(1, "k")
                    entry.message(2) { nest(&$0, depth - 1, text) }
                }
            }
        }
    }

    @Test func `what an error says is content, that there is one is not`() {
        let rules = redactor {
            $0.content = true
            $0.contentKeys = ["error"]
        }
        let told = redacted(spanRequest { $0.attribute(9, "error", "cat: key.pem") }, rules)
        #expect(texts(told.body)["error"] == "[redacted:content]")
        let truth = spanRequest { span in
            span.message(9) {
                $0.string(1, "error")
                $0.message(2) { $0.varint(2, 1) }
            }
        }
        #expect(redacted(truth, rules).counts.isEmpty)
    }

    @Test func `what a span says of its failure is content`() {
        let body = spanRequest { span in
            span.message(15) { status in
                status.string(2, "no such file: key.pem")
                status.varint(3, 2)
            }
        }
        let rules = redactor { $0.content = true }
        let told = redacted(body, rules)
        #expect(texts(told.body)["status"] == "[redacted:content]")
        #expect(told.counts == ["content": 1])
        #expect(redacted(body, redactor { $0.values = [.email, .card] }).counts.isEmpty)
        let silent = spanRequest { $0.message(15) { $0.varint(3, 2) } }
        #expect(redacted(silent, rules).counts.isEmpty)
    }

    /// Without a mark of their own: what they are called tells.
    @Test(arguments: [
        ("api_key", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", true),
        ("OPENAI_API_KEY", "Zm9vYmFyMTIz+abc/defGHI12345==", true),
        ("http.request.header.x-api-key", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", true),
        ("apiKey", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", true),
        ("aws_secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", true),
        (
            "x-api-key", "550e8400-e29b-41d4-a716-446655440000:0a1b2c3d4e5f60718293a4b5c6d7e8f9",
            true
        ),
        ("x-api-key", "https://keys.example.com/v1/key-0123456789ab", false),
        ("api_key_id", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", false),
        ("api_key", "is missing from the environment", false),
        ("public_key", "9f8e7d6c5b4a39281706f5e4d3c2b1a0", false),
        ("aws_secret_access_key", "wJalrXUtnFEMI", false),
    ])
    func `a value that is called an API key is one if it looks so`(
        _ key: String, _ text: String, _ isKey: Bool
    ) {
        let body = spanRequest { span in
            span.attribute(9, "other", text)
            span.attribute(9, key, text)
            span.attribute(9, "last", text)
            span.message(9) { attribute in
                attribute.string(1, key)
                attribute.message(2) { value in
                    value.message(5) { list in list.message(1) { $0.string(1, text) } }
                }
            }
            span.message(9) { attribute in
                attribute.string(1, "environment")
                attribute.message(2) { value in
                    value.message(6) { $0.attribute(1, key, text) }
                }
            }
            span.string(5, text)
        }
        let result = redacted(body, redactor())
        let left = texts(result.body)
        #expect(result.counts["api_key"] == (isKey ? 3 : nil))
        #expect(!contains(result.body, "[redacted:api_key]:"))
        #expect(left["other"] == text && left["last"] == text && left["span name"] == text)
    }

    @Test func `descriptions of metrics are looked at, their names are not`() {
        let secret = "hf" + "_" + String(repeating: "aB3dE5gH", count: 5)
        func request(_ field: Int) -> ByteBlock {
            var writer = MessageWriter()
            writer.message(1) { entry in
                entry.message(2) { scope in
                    scope.message(2) { metric in
                        metric.string(field, "of \(secret), say")
                        metric.message(5) { _ in }
                    }
                }
            }
            return ByteBlock(writer.bytes)
        }
        let described = redacted(request(2), redactor(), .metrics)
        #expect(described.counts == ["api_key": 1])
        #expect(contains(described.body, "of [redacted:api_key], say"))
        #expect(redacted(request(1), redactor(), .metrics).counts.isEmpty)
    }

    private func log(_ event: String, _ text: String) -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                scope.message(2) { record in
                    record.message(5) { $0.string(1, text) }
                    record.attribute(6, "event.name", event)
                }
            }
        }
        return ByteBlock(writer.bytes)
    }

    @Test(arguments: [
        ("gen_ai.tool.message", "hunter2"), ("gen_ai.choice", "4111111111111111"),
        ("codex.user_prompt", "Project-Falcon-4711"), ("user_prompt", "prompt"),
        ("user_prompt", "Falcon.user_prompt"), ("user_prompt", "codex.user_prompt.user_prompt"),
        ("gen_ai.choice", "gen_ai.choice.blue"), ("gen_ai.choice", "gen_ai.choice "),
    ])
    func `a body of one word is content`(_ event: String, _ body: String) {
        let rules = redactor { $0.content = true }
        #expect(redacted(log(event, body), rules, .logs).counts == ["content": 1])
    }

    @Test(arguments: [
        ("gen_ai.choice", "gen_ai.choice"), ("claude_code.tool_result", "tool_result"),
        ("tool_result", "claude_code.tool_result"), ("user_prompt", "user_prompt"),
        ("gemini_cli.api_request", "api_request"),
    ])
    func `a body that is the name of its event stays`(_ event: String, _ body: String) {
        let rules = redactor { $0.content = true }
        #expect(redacted(log(event, body), rules, .logs).counts.isEmpty)
    }

    @Test func `log bodies of events are content, names of events are not`() {
        let rules = redactor { $0.content = true }
        let said = redacted(log("gen_ai.user.message", "tell me, please"), rules, .logs)
        #expect(said.counts == ["content": 1])
        #expect(!contains(said.body, "tell me"))
        #expect(
            redacted(log("claude_code.api_request", "claude_code.api_request"), rules, .logs)
                .counts.isEmpty)
        #expect(redacted(log("other", "tell me, please"), rules, .logs).counts.isEmpty)
    }

    @Test func `without room for the copy the request is refused`() {
        let small = MemoryBudget(limitBytes: 16).share("small")
        let body = spanRequest { $0.attribute(9, "a", secret) }
        guard case .noMemory = redactor().redact(body, signal: .traces, memory: small) else {
            Issue.record("there was room")
            return
        }
        #expect(small.usedBytes == 0)
    }

    @Test func `only what is touched changes`() {
        var original: [UInt8] = []
        var expected: [UInt8] = []
        for index in 0..<300 {
            let dirty = index % 7 == 3
            let text = dirty ? "key \(secret) end" : "plain text number \(index)"
            let kept = dirty ? "key [redacted:api_key] end" : text
            for (value, isExpected) in [(text, false), (kept, true)] {
                let body = spanRequest { span in
                    span.attribute(9, "a", value)
                    span.string(99, "unknown \(secret.prefix(3))")
                    span.fixed64(7, UInt64(index))
                }
                if isExpected { expected += body.array } else { original += body.array }
            }
        }
        let result = redacted(ByteBlock(original), redactor())
        #expect(result.body.array == expected)
        #expect(result.counts == ["api_key": 43])
    }

    @Test func `known hashes come out`() {
        // RFC 4231, test case 2, by way of a value with a name.
        let rules = redactor {
            $0.keys = ["k"]
            $0.action = .hash
            $0.hashKey = Array("Jefe".utf8)
        }
        #expect(redactedText("what do ya want for nothing?", rules) == "[key:5bdcc146bf60754e]")
    }

    private func contains(_ body: ByteBlock, _ text: String) -> Bool {
        String(decoding: body.array, as: UTF8.self).contains(text)
    }
}
