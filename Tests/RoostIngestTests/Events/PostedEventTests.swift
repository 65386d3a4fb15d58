import RoostCore
import Testing

@testable import RoostIngest

@Suite struct PostedEventTests {
    private func event(_ json: String, now: UInt64 = 5_000_000_000) throws -> PostedEvent {
        try PostedEvent(try JSONValue(parsing: json.utf8), now: now)
    }

    @Test func `a type that there is not is repeated in part`() {
        let type = "a" + String(repeating: "\u{301}", count: 100_000)
        let fault = #expect(throws: PostedEvent.Fault.self) {
            try event(#"{"event_type":"\#(type)"}"#)
        }
        #expect((fault?.reason.utf8.count ?? .max) < 2_000)
    }

    @Test func `the shape of the requirements is read`() throws {
        let event = try event(
            #"{"event_type":"AGENT_COMPLETED","payload":{"agent":{"name":"writer"},"duration_ms":1500,"#
                + #""tokens":120,"cost":0.25},"trace_id":"000102030405060708090a0b0c0d0e0f","#
                + #""session_id":"s1","time":"1970-01-01T00:00:09Z"}"#)
        #expect(event.kind == .agentCompleted)
        #expect(event.agent == "writer")
        #expect(event.duration == 1_500_000_000)
        #expect(event.tokens.input == 120)
        #expect(event.cost == 0.25)
        #expect(event.traceIDHigh == 0x0001_0203_0405_0607)
        #expect(event.traceIDLow == 0x0809_0A0B_0C0D_0E0F)
        #expect(event.time == 9_000_000_000)
    }

    @Test(arguments: [
        #"{"payload":{"agent.name":"writer","gen_ai.request.model":"m","workflow.name":"w"}}"#,
        #"{"payload":{"gen_ai.agent.name":"writer","model":"m","gen_ai.workflow.name":"w"}}"#,
        #"{"agent_name":"writer","payload":{"agent":null,"model_name":"m","workflow":{"id":"w"}}}"#,
        #"{"agent":"other","model":"other","payload":{"agent":"writer","model":"m","workflow":"w"}}"#,
        #"{"payload":{"agent.name":"other","agent":"writer","model":{"name":"m"},"workflow":"w"}}"#,
    ])
    func `names of the conventions are taken, an event's own go before them`(
        json: String
    ) throws {
        let event = try event(#"{"event_type":"llm.completed","# + json.dropFirst())
        #expect(event.agent == "writer" && event.model == "m" && event.workflow == "w")
    }

    @Test(arguments: [
        ("agent.invoked", PostedEvent.Kind.agentInvoked), ("AGENT_STARTED", .agentInvoked),
        ("tool_used", .toolCalled), ("Workflow-Failed", .workflowFailed),
        ("llm.call", .llmCompleted),
    ])
    func `types have more than one spelling`(text: String, kind: PostedEvent.Kind) throws {
        #expect(try event("{\"event_type\":\"\(text)\"}").kind == kind)
    }

    @Test(arguments: [
        "1", "{}", #"{"event_type":"x"}"#, #"{"event_type":"agent.invoked","payload":3}"#,
        #"{"event_type":"agent.invoked","time":"yesterday"}"#,
        #"{"event_type":"agent.invoked","time":-4}"#,
        #"{"event_type":"agent.invoked","payload":{"tokens":-1}}"#,
        #"{"event_type":"agent.invoked","payload":{"tokens":{"input":1e12}}}"#,
        #"{"event_type":"agent.invoked","payload":{"cost":"much"}}"#,
        #"{"event_type":"agent.invoked","payload":{"duration_ms":-1}}"#,
        #"{"event_type":"agent.invoked","payload":{"agent":7}}"#,
        #"{"event_type":"agent.invoked","trace_id":7}"#,
    ])
    func `what is no event is a fault`(json: String) {
        #expect(throws: PostedEvent.Fault.self) { try event(json) }
    }

    @Test(arguments: [
        #""input_tokens":null,"gen_ai.usage.input_tokens":70,"output_tokens":7"#,
        #""tokens":null,"input_tokens":70,"output_tokens":null,"gen_ai.usage.output_tokens":7"#,
        #""tokens":{"input":70,"output":7},"input_tokens":5"#,
        #""tokens":{"input_tokens":70,"output_tokens":7}"#,
        #""tokens":{"input":null,"input_tokens":70,"gen_ai.usage.output_tokens":7,"total":77}"#,
        #""tokens":{"input":null},"input_tokens":70,"output_tokens":7"#,
        #""tokens":{},"input_tokens":70,"output_tokens":7"#,
    ])
    func `of the names of a count the first that is not null counts`(payload: String) throws {
        let tokens = try event(#"{"event_type":"llm.completed","payload":{\#(payload)}}"#).tokens
        #expect(tokens.input == 70 && tokens.output == 7)
    }

    @Test func `the parts of tokens may end in _tokens`() throws {
        let tokens = try event(
            #"{"event_type":"llm.completed","payload":{"tokens":{"cache_read_tokens":1,"#
                + #""cache_write_tokens":2,"reasoning_tokens":3}}}"#
        ).tokens
        #expect(tokens.cacheRead == 1 && tokens.cacheWrite == 2 && tokens.reasoning == 3)
    }

    @Test func `tokens under names that nobody knows are refused, and not lost`() {
        #expect(
            throws: PostedEvent.Fault(
                reason: "tokens has none of input, cache_read, cache_write, output, reasoning; "
                    + "of a sum alone, tokens is the number itself")
        ) {
            try event(#"{"event_type":"llm.completed","payload":{"tokens":{"total":700}}}"#)
        }
    }

    @Test func `a null hides neither the cost nor the time behind it`() throws {
        let event = try event(
            #"{"event_type":"llm.completed","time":null,"timestamp":9,"#
                + #""payload":{"cost":null,"cost_usd":0.5}}"#)
        #expect(event.cost == 0.5)
        #expect(event.time == 9_000_000_000)
    }

    private func redacted(
        _ json: String, _ change: (inout RedactionSettings) -> Void
    ) throws -> (event: PostedEvent, found: Int) {
        var settings = RedactionSettings()
        change(&settings)
        var texts = TextRedactor(
            Redactor(settings), memory: MemoryBudget(limitBytes: 1 << 20).share("test"))
        var event = try event(json)
        event.redact(with: &texts)
        return (event, texts.tally.reduce(0, +))
    }

    @Test func `secrets are taken out of every text`() throws {
        let secret = "gh" + "p_" + "a1" + String(repeating: "Zx9", count: 12).prefix(34)
        let names = [
            "agent", "workflow", "tool", "model", "provider", "service", "session_id", "user_id",
            "error", "parent_agent",
        ]
        let members = names.map { "\"\($0)\":\"x \(secret) y\"" }.joined(separator: ",")
        let (event, found) = try redacted(
            "{\"event_type\":\"agent.failed\",\"payload\":{\(members)}}"
        ) { _ in }
        #expect(!"\(event)".contains(secret))
        #expect(event.agent == "x [redacted:api_key] y")
        #expect(found == names.count)
    }

    @Test(arguments: [
        ("user_id", ""), ("user.id", ""), ("user", ""), ("user.*", ""),
        ("agent.name", "[redacted:key]"),
        ("gen_ai.agent.name", "[redacted:key]"),
    ])
    func `keys are those of the event and those of the conventions`(
        key: String, agent: String
    ) throws {
        let json = #"{"event_type":"agent.invoked","payload":{"agent":"a","user_id":"eve"}}"#
        let event = try redacted(json) { $0.keys = [key] }.event
        #expect(event.user == (agent.isEmpty ? "[redacted:key]" : "eve"))
        #expect(event.agent == (agent.isEmpty ? "a" : agent))
        #expect(
            try redacted(json) {
                $0.keys = [key]
                $0.action = .drop
            }.event.agent == (agent.isEmpty ? "a" : ""))
    }

    @Test(arguments: [("error_type", "Timeout"), ("error", "[redacted:content]")])
    func `what an error says is content, its type is not`(member: String, left: String) throws {
        let json =
            "{\"event_type\":\"agent.failed\",\"payload\":{\"\(member)\":\"Timeout\"}}"
        let event = try redacted(json) {
            $0.content = true
            $0.contentKeys = ["error", "error.message"]
        }.event
        #expect(event.errorType == left)
    }

    private func fold(_ documents: String...) throws -> [Activity] {
        var folder = EventFolder(seed: 1)
        var batch = ActivityBatch()
        for document in documents { folder.fold(try event(document), into: &batch) }
        return batch.activities
    }

    @Test func `what one event announces another ends`() throws {
        let found = try fold(
            #"{"event_type":"agent.invoked","payload":{"agent":"a"},"session_id":"s","time":1}"#,
            #"{"event_type":"tool.called","payload":{"agent":"a","tool":"t"},"session_id":"s","time":2}"#,
            #"{"event_type":"tool.completed","payload":{"agent":"a","tool":"t"},"session_id":"s","time":3}"#,
            #"{"event_type":"agent.failed","payload":{"agent":"a"},"session_id":"s","time":9}"#)
        #expect(found.map(\.phase) == [.pending, .pending, .finished, .finished])
        #expect(found[0].spanID == found[3].spanID)
        #expect(found[1].spanID == found[2].spanID)
        #expect(found[2].parentSpanID == found[0].spanID)
        #expect(found[3].duration == 8_000_000_000)
        #expect(found[3].status == .error)
        #expect(Set(found.map(\.traceIDLow)).count == 1)
    }

    @Test func `an agent whose name only looks alike ends nothing`() throws {
        func text(_ type: String, _ agent: String) -> String {
            #"{"event_type":"\#(type)","payload":{"agent":"\#(agent)"},"trace_id":"x"}"#
        }
        let found = try fold(
            text("agent.invoked", "caf\u{E9}"), text("agent.completed", "cafe\u{301}"),
            text("agent.completed", "caf\u{E9}"))
        #expect(found[1].spanID != found[0].spanID)
        #expect(found[2].spanID == found[0].spanID)
    }

    @Test func `what stands in no agent stands in the workflow of its trace`() throws {
        func text(_ type: String, _ payload: String) -> String {
            #"{"event_type":"\#(type)","payload":{\#(payload)},"trace_id":"x"}"#
        }
        let found = try fold(
            text("workflow.started", #""workflow":"f""#), text("agent.invoked", #""agent":"a""#),
            text("tool.called", #""agent":"a","tool":"t""#),
            text("tool.called", #""agent":"b","tool":"t""#),
            text("agent.invoked", #""agent":"c","parent_agent":"a""#),
            text("llm.completed", #""model":"m""#), text("workflow.completed", #""workflow":"f""#))
        let (workflow, agent) = (found[0].spanID, found[1].spanID)
        #expect(
            found.map(\.parentSpanID) == [0, workflow, agent, workflow, agent, workflow, 0])
        #expect(found[6].spanID == workflow)
    }

    @Test func `what an end does not say its beginning has said`() throws {
        var folder = EventFolder(seed: 7)
        var batch = ActivityBatch()
        let trace = #""trace_id":"00000000000000000000000000000001""#
        for json in [
            #"{"event_type":"workflow.started","session_id":"s","user_id":"u","payload":{"workflow":"tale","service":"books"},\#(trace)}"#,
            #"{"event_type":"llm.called","payload":{"agent":"poet","model":"m","provider":"p","run_id":"7"},\#(trace)}"#,
            #"{"event_type":"llm.completed","payload":{"run_id":"7","model":"m-2"},\#(trace)}"#,
            #"{"event_type":"workflow.completed","user_id":"v",\#(trace)}"#,
        ] { folder.fold(try event(json), into: &batch) }
        func texts(_ activity: Activity) -> [String] {
            [
                activity.service, activity.workflow, activity.agent, activity.modelAnswered,
                activity.provider, activity.session, activity.user,
            ].map { String(decoding: batch.bytes($0), as: UTF8.self) }
        }
        #expect(texts(batch.activities[2]) == ["events", "", "poet", "m-2", "p", "", ""])
        #expect(texts(batch.activities[3]) == ["books", "tale", "", "", "", "s", "v"])
    }

    @Test func `runs of one agent beside each other are told apart`() throws {
        func text(_ type: String, _ run: String, _ time: Int) -> String {
            #"{"event_type":"\#(type)","payload":{"agent":"a","run_id":"\#(run)"},"trace_id":"x","time":\#(time)}"#
        }
        let found = try fold(
            text("agent.invoked", "1", 1), text("agent.invoked", "2", 2),
            text("agent.completed", "2", 5), text("agent.completed", "1", 9))
        #expect(found[2].spanID == found[1].spanID)
        #expect(found[3].spanID == found[0].spanID)
        #expect(found[2].duration == 3_000_000_000)
        #expect(found[3].duration == 8_000_000_000)
    }

    @Test func `an end without a beginning stands for itself`() throws {
        let found = try fold(
            #"{"event_type":"llm.completed","payload":{"model":"m","duration_ms":10,"tokens":{"input":1,"output":2}}}"#,
            #"{"event_type":"agent.completed","payload":{"agent":"a","tokens":3}}"#)
        #expect(found[0].duration == 10_000_000)
        #expect(found[1].flags.contains(.isInstant))
        #expect(found[1].flags.contains(.usageIsAggregate))
        #expect(!found[0].flags.contains(.usageIsAggregate))
        #expect(found[0].traceIDLow != found[1].traceIDLow)
    }

    @Test func `what never ends does not pile up`() throws {
        var folder = EventFolder(seed: 1)
        var batch = ActivityBatch()
        for number in 0..<30_000 {
            folder.fold(
                try event(
                    #"{"event_type":"agent.invoked","payload":{"agent":"a"},"trace_id":"\#(number)"}"#
                ),
                into: &batch)
            batch.removeAll()
        }
        #expect(folder.openTraces <= 10_000)
    }

    @Test func `what has begun in few traces does not pile up either`() throws {
        var folder = EventFolder(seed: 1)
        var batch = ActivityBatch()
        var invoked = try event(#"{"event_type":"agent.invoked","payload":{"agent":"a"}}"#)
        for number in 0..<120_000 {
            (invoked.traceIDHigh, invoked.traceIDLow) = (1, UInt64(1 + number / 60))
            folder.fold(invoked, into: &batch)
            batch.removeAll()
        }
        #expect(folder.bytes <= folder.mostBytes)
        #expect(folder.bytes > folder.mostBytes / 2)
    }

    @Test func `long names of what has begun do not pile up`() throws {
        var folder = EventFolder(seed: 1)
        folder.memory = 32 << 20
        #expect(folder.mostBytes == 1 << 20)
        var batch = ActivityBatch()
        var invoked = try event(#"{"event_type":"agent.invoked","payload":{"agent":"a"}}"#)
        invoked.agent = String(repeating: "a", count: 60_000)
        for number in 1...100 {
            (invoked.traceIDHigh, invoked.traceIDLow) = (1, UInt64(number))
            folder.fold(invoked, into: &batch)
            batch.removeAll()
            #expect(folder.bytes <= folder.mostBytes)
        }
        #expect((10...17).contains(folder.openTraces))
        // One that is too long for that is not remembered, and its end is a run of its own.
        let before = folder.openTraces
        invoked.agent = String(repeating: "b", count: 200_000)
        invoked.traceIDLow = 0
        folder.fold(invoked, into: &batch)
        #expect(folder.openTraces == before)
        var completed = invoked
        completed.kind = .agentCompleted
        folder.fold(completed, into: &batch)
        #expect(batch.activities.map(\.phase) == [.pending, .finished])
    }

    @Test func `what goes on is not forgotten for what is over`() throws {
        var folder = EventFolder(seed: 1)
        var batch = ActivityBatch()
        var long = try event(#"{"event_type":"workflow.started","payload":{"workflow":"w"}}"#)
        long.traceIDLow = .max
        folder.fold(long, into: &batch)
        for number in 1...25_000 {
            var short = try event(#"{"event_type":"agent.invoked","payload":{"agent":"a"}}"#)
            short.traceIDLow = UInt64(number)
            folder.fold(short, into: &batch)
            short.kind = .agentCompleted
            folder.fold(short, into: &batch)
        }
        long.kind = .workflowCompleted
        folder.fold(long, into: &batch)
        #expect(batch.activities.last?.spanID == batch.activities.first?.spanID)
    }
}
