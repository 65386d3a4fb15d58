import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct TraceDocumentTests {
    private let research: [TestSpan] = [
        TestSpan(
            1, "plan a trip", 0, 1000,
            [("gen_ai.workflow.name", "travel"), ("gen_ai.conversation.id", "s-1")]),
        .agent(2, under: 1, 10, 900, "planner"),
        .llm(3, under: 2, 20, 200, input: 100, output: 10),
        TestSpan(4, under: 2, "http", 210, 500),
        .tool(5, under: 4, 220, 480, "search", #"{"q":"trains"}"#, error: "Timeout"),
    ]

    @Test func `sorts steps by start and finds their parents`() {
        let document = TestTrace.document(research.reversed())
        #expect(document.steps.map(\.spanID) == [1, 2, 3, 4, 5])
        #expect(document.steps.map(\.parent) == [nil, 0, 1, 1, 3])
        #expect(document.root == 0)
        #expect(document.steps[4].start == TestTrace.time(220))
        #expect(document.steps[4].duration == 260_000_000)
    }

    @Test func `puts parents before children that start with them`() {
        let document = TestTrace.document([
            TestSpan(3, under: 2, 5, 6), TestSpan(2, under: 1, 5, 7), TestSpan(1, 5, 8),
        ])
        #expect(document.steps.map(\.spanID) == [1, 2, 3])
    }

    @Test func `of several roots the one that started first names the trace, or has the lower id`()
    {
        let (long, short) = (TestSpan(8, "long", 0, 900), TestSpan(3, "short", 10, 20, error: "X"))
        let together = TestSpan(2, "together", 0, 30, error: "X")
        for (spans, name, status) in [
            ([short, long], "long", TraceSummary.Status.ok),
            ([long, together, short], "together", .error),
            ([together, short, long], "together", .error),
        ] {
            let document = TestTrace.document(spans)
            let summary = TraceSummary(of: document)
            #expect((document.workflow, summary.name) == (name, name))
            #expect(summary.status == status)
            #expect(summary.duration == 900_000_000)
        }
    }

    @Test func `gives steps the agent and the workflow above them`() {
        let steps = TestTrace.document(research).steps
        #expect(steps.map(\.agent) == ["desk", "planner", "planner", "planner", "planner"])
        #expect(Set(steps.map(\.workflow)) == ["travel"])
        #expect(steps[4].tool == "search")
        #expect(steps[4].errorType == "Timeout")
        #expect(steps[4].statusMessage == "it said Timeout")
        #expect(steps[4].argumentsHash != 0)
        #expect(steps[3].argumentsHash == 0)
    }

    @Test func `keeps a span that came twice once`() {
        let document = TestTrace.document(of: [
            TestTrace.chunk(research), TestTrace.chunk(Array(research[1...3])),
        ])
        #expect(document.steps.count == 5)
    }

    @Test func `an announced span gives way to its end, whichever comes first`() {
        let announced = TestSpan(
            20, under: 7, "work", 5, 5,
            [
                ("logfire.span_type", "pending_span"),
                ("logfire.pending_parent_id", "0000000000000000"),
                ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", "a"),
            ])
        let alone = TestTrace.document([announced])
        #expect(alone.steps.map(\.isPending) == [true])
        #expect(alone.steps.map(\.spanID) == [7])
        #expect(TraceSummary(of: alone).status == .running)
        let end = TestSpan.agent(7, 5, 50, "a")
        for spans in [[announced, end], [end, announced]] {
            let document = TestTrace.document(spans)
            #expect(document.steps.map(\.isPending) == [false])
            #expect(document.steps.map(\.duration) == [45_000_000])
        }
    }

    @Test func `counts a call that two instrumentations told once`() {
        let steps = TestTrace.document([
            .agent(1, 0, 100, "a", [("gen_ai.usage.input_tokens", 30)]),
            .llm(2, under: 1, 0, 90, input: 10),
            TestSpan(3, under: 2, "http", 0, 80),
            .llm(4, under: 3, 0, 70, input: 10),
            .llm(5, under: 1, 91, 99, input: 20, call: "r-1"),
            .llm(6, under: 1, 92, 98, input: 20, call: "r-1"),
        ]).steps
        #expect(steps.map(\.spanID) == [1, 2, 3, 4, 5, 6])
        #expect(steps.map(\.isCounted) == [false, false, true, true, true, false])
    }

    @Test func `counts calls with an id of an answer that recurs, and not what repeats one`() {
        let spans: [TestSpan] = [
            .agent(1, 0, 100_000, "a"),
            .llm(2, under: 1, 0, 900, input: 10, output: 1, call: "chatcmpl-7"),
            .llm(3, under: 1, 20_000, 20_900, input: 20, output: 1, call: "chatcmpl-7"),
            .llm(4, under: 1, 40_000, 40_900, input: 30, output: 1, call: "chatcmpl-7"),
            .llm(5, under: 1, 40_100, 40_800, input: 30, output: 1, call: "chatcmpl-7"),
        ]
        #expect(counted(spans) == [true, true, true, true, false])
    }

    @Test(arguments: [0, 10] as [Int64])
    func `counts calls with an id of an answer that recurs with the same tokens`(_ input: Int64) {
        let spans: [TestSpan] = [
            .agent(1, 0, 100_000, "a"),
            .llm(2, under: 1, 0, 900, input: input, call: "chatcmpl-7"),
            .llm(3, under: 1, 100, 800, input: input, call: "chatcmpl-7"),
            .llm(4, under: 1, 20_000, 20_900, input: input, call: "chatcmpl-7"),
            // Near what repeated the last one, and so one with it.
            .llm(5, under: 1, 23_000, 23_100, input: input, call: "chatcmpl-7"),
            .llm(6, under: 1, 25_500, 25_600, input: input, call: "chatcmpl-7"),
        ]
        #expect(counted(spans) == [true, true, false, true, false, false])
    }

    @Test func `of two reports with the id of one answer the one counts that tells what it used`() {
        let spans: [TestSpan] = [
            .agent(1, 0, 100_000, "a"),
            .llm(2, under: 1, 0, 900, call: "resp-1"),
            .llm(3, under: 1, 5_000, 5_900, input: 1_000, output: 500, call: "resp-1"),
            .llm(4, under: 1, 6_000, 6_900, input: 1_000, output: 500, call: "resp-1"),
        ]
        #expect(counted(spans) == [true, false, true, false])
    }

    private func counted(_ spans: [TestSpan]) -> [Bool] {
        TestTrace.document(spans).steps.map(\.isCounted)
    }

    @Test func `of two that tell the same tokens the one that tells more of them counts`() {
        var paid = TestSpan.llm(1, 0, 50, input: 10, output: 5)
        paid.texts.append(("gen_ai.usage.cost", "0.25"))
        #expect(counted([paid, .llm(2, under: 1, 10, 20, input: 10, output: 5)]) == [true, false])
        #expect(counted([paid, .llm(2, under: 1, 10, 20, input: 9, output: 5)]) == [false, true])
        let failed = TestSpan.llm(2, under: 1, 10, 20, error: "timeout")
        #expect(counted([paid, failed]) == [true, true])
    }

    @Test func `a call below is another one when it is of another kind or model`() {
        let chat = TestSpan.llm(1, 0, 50, input: 1_000)
        var embedding = TestSpan.llm(2, under: 1, 10, 20, model: "text-embedding-3", input: 50)
        embedding.texts[0].1 = "embeddings"
        #expect(counted([chat, embedding]) == [true, true])
        let small = TestSpan.llm(2, under: 1, 10, 20, model: "gpt-4o-mini", input: 10)
        #expect(counted([chat, small]) == [true, true])
        let same = TestSpan.llm(
            3, under: 2, 10, 20, model: "openai/gpt-4o-2024-08-06", input: 900)
        #expect(counted([chat, TestSpan(2, under: 1, 5, 30), same]) == [false, true, true])
        #expect(counted([chat, TestSpan.llm(2, under: 1, 10, 20)]) == [true, false])
        #expect(
            counted([
                TestSpan.llm(1, under: 2, 0, 50, input: 9), .llm(2, under: 1, 10, 20, input: 9),
            ]) == [true, true])
    }

    @Test func `only calls that tell tokens stand for an agent's account`() {
        let agent = TestSpan.agent(1, 0, 50, "solver", [("gen_ai.usage.input_tokens", 70)])
        var embedding = TestSpan.llm(2, under: 1, 10, 20, model: "text-embedding-3", input: 50)
        embedding.texts[0].1 = "embeddings"
        #expect(counted([agent, embedding]) == [true, true])
        #expect(counted([agent, .llm(2, under: 1, 10, 20, error: "timeout")]) == [true, true])
        #expect(counted([agent, .llm(2, under: 1, 10, 20, input: 60)]) == [false, true])
    }

    @Test func `what wraps embeddings tells nothing beside them`() {
        let wrapper = TestSpan(
            2, under: 1, "ai.embed", 0, 90, [], [("gen_ai.usage.input_tokens", 50)])
        let embedding = TestSpan(
            3, under: 2, "embeddings", 10, 80, [("gen_ai.operation.name", "embeddings")],
            [("gen_ai.usage.input_tokens", 50)])
        let agent = TestSpan.agent(1, 0, 100, "planner", [("gen_ai.usage.input_tokens", 900)])
        #expect(counted([agent, wrapper, embedding]) == [true, false, true])
        #expect(counted([agent, wrapper]) == [false, true])
    }

    @Test func `a missing span does not make the root's account count its calls again`() {
        let agent = TestSpan.agent(1, 0, 100, "planner", [("gen_ai.usage.input_tokens", 500)])
        let call = TestSpan.llm(3, under: 2, 10, 80, input: 500)
        #expect(counted([agent, call]) == [false, true])
        #expect(counted([agent]) == [true])
    }

    @Test func `believes an agent's account where no call tells it`() {
        let steps = TestTrace.document([
            .agent(1, 0, 100, "a", [("gen_ai.usage.input_tokens", 30)]),
            .agent(2, under: 1, 10, 90, "b", [("gen_ai.usage.input_tokens", 20)]),
            .tool(3, under: 2, 20, 30, "x"),
            .tool(4, under: 3, 21, 29, "x"),
        ]).steps
        #expect(steps.map(\.isCounted) == [false, true, true, false])
    }

    @Test func `takes reported costs and works out others`() {
        var paid = TestSpan.llm(1, 0, 10, input: 1_000_000)
        paid.texts.append(("gen_ai.usage.cost", "0.25"))
        let steps = TestTrace.document(
            [
                paid, .llm(2, 20, 30, input: 1_000_000, output: 100_000),
                .llm(3, 40, 50, model: "of-nobody", input: 5),
            ], prices: PriceBook()
        ).steps
        #expect(steps.map(\.cost) == [0.25, 3.5, nil])
        #expect(steps.map(\.costSource) == [.reported, .computed, .unknown])
    }

    @Test func `cuts cycles and parents that are themselves`() {
        let steps = TestTrace.document([
            TestSpan(1, under: 3, 0, 9), TestSpan(2, under: 1, 1, 8), TestSpan(3, under: 2, 2, 7),
            TestSpan(4, under: 4, 3, 6), TestSpan(5, under: 99, 4, 5),
        ]).steps
        #expect(steps.map(\.parent) == [nil, 0, 1, nil, nil])
    }

    @Test func `leaves out steps beyond the most and counts them`() {
        let document = TestTrace.document(research, most: 2)
        #expect(document.steps.map(\.spanID) == [1, 2])
        #expect(document.omitted == 3)
        // What it comes to is that of all.
        #expect(TraceSummary(of: document) == TraceSummary(of: TestTrace.document(research)))
        #expect(TestTrace.document(research, most: 0).steps.isEmpty)
    }

    @Test func `mends a span that ends before it starts`() {
        let step = TestTrace.document([TestSpan(1, 50, 20)]).steps[0]
        #expect(step.duration == 0)
        #expect(step.isMendedTime)
    }

    @Test func `passes over spans of another trace and survives damage`() {
        let none = TraceDocument.make(
            chunks: [TestTrace.chunk(research)], traceIDHigh: 1, traceIDLow: 2,
            names: TestTrace.names, prices: nil)
        #expect(none.steps.isEmpty)
        let whole = TestTrace.chunk(research).array
        for length in stride(from: 0, to: whole.count, by: 7) {
            _ = TestTrace.document(of: [ByteBlock(Array(whole[..<length]))])
        }
    }

    @Test func `one reader makes the same of a trace again and again`() {
        let reader = TraceReader(names: TestTrace.names, prices: PriceBook())
        for _ in 0..<3 {
            let document = reader.document(
                chunks: [TestTrace.chunk(research)], traceIDHigh: TestTrace.high,
                traceIDLow: TestTrace.low)
            #expect(document.steps.map(\.tool) == ["", "", "", "", "search"])
            #expect(document.steps.map(\.cost).compactMap { $0 } == [0.00035])
        }
    }

    // MARK: summaries

    @Test func `sums up a trace`() {
        let document = TestTrace.document(research, prices: PriceBook())
        let summary = TraceSummary(of: document)
        #expect(summary.name == "plan a trip")
        #expect(summary.workflow == "travel")
        #expect(summary.service == "desk")
        #expect(summary.services == ["desk"])
        #expect(summary.agents == ["planner"])
        #expect(summary.models == ["gpt-4o"])
        #expect(summary.session == "s-1")
        #expect(summary.status == .ok)
        #expect(summary.start == TestTrace.time(0))
        #expect(summary.duration == 1_000_000_000)
        #expect(summary.spans == 5)
        #expect(summary.errors == 1)
        #expect(summary.calls == 1)
        #expect(summary.toolCalls == 1)
        #expect(summary.tokens == 110)
        #expect(summary.cost == 0.00035)
    }

    private static let second: UInt64 = 1_000_000_000

    /// Spans, what they are when they have been quiet, and for how many seconds.
    private static let rootless: [([TestSpan], TraceSummary.Status, UInt64)] = [
        ([.agent(4, under: 3, 0, 10, "a")], .ok, 30),
        ([.agent(4, under: 3, 0, 10, "a", error: "E")], .error, 30),
        ([.tool(5, under: 4, 0, 9, "x", error: "E")], .error, 30),
        ([.tool(5, under: 4, 0, 9, "x")], .abandoned, 30),
        ([TestSpan(5, under: 4, "GET /", 0, 9)], .ok, 30),
        (
            [
                TestSpan(
                    20, under: 7, "work", 5, 5,
                    [
                        ("logfire.span_type", "pending_span"),
                        ("gen_ai.operation.name", "invoke_agent"),
                    ])
            ], .abandoned, 3_600
        ),
    ]

    @Test(arguments: rootless)
    func `a trace without its root runs until it has been quiet`(
        spans: [TestSpan], outcome: TraceSummary.Status, seconds: UInt64
    ) {
        var document = TestTrace.document(spans)
        var summary = TraceSummary(of: document)
        #expect(summary.status == .running)
        summary.heard = 1_000 * Self.second
        summary.settle(now: (1_000 + seconds) * Self.second - 1, hold: 30 * Self.second)
        #expect(summary.status == .running)
        summary.settle(now: (1_000 + seconds) * Self.second, hold: 30 * Self.second)
        #expect(summary.status == outcome)
        document.isOver = true
        #expect(TraceSummary(of: document).status == outcome)
    }

    @Test func `the times of a trace are those of its analysis`() throws {
        let reader = TraceReader(names: TestTrace.names, prices: nil)
        // A server whose clock is an hour ahead.
        var call = TestSpan(2, under: 1, "call", 100, 9_000)
        var serve = TestSpan(3, under: 2, "serve", 3_600_200, 3_608_000)
        (call.kind, serve.kind) = (3, 2)
        let chunks = [
            TestTrace.chunk([TestSpan(1, "root", 0, 10_000), call]),
            TestTrace.chunk([serve], service: "hut"),
        ]
        let document = reader.document(
            chunks: chunks, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low)
        let summary = reader.summary(
            chunks: chunks, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low)
        let analysis = TraceAnalysis(of: document)
        #expect(summary == TraceSummary(of: document))
        #expect(summary.start == TestTrace.time(0))
        #expect(summary.duration == 10 * Self.second)
        #expect(summary.duration == UInt64(analysis.wallClock))
        #expect((3_590 * Self.second...3_610 * Self.second).contains(summary.clockSkew))
    }

    @Test func `the summary of a trace is that of its document`() {
        let announced = TestSpan(
            20, under: 7, "work", 5, 5,
            [("logfire.span_type", "pending_span"), ("gen_ai.operation.name", "invoke_agent")])
        let traces: [[TestSpan]] = [
            [], research, Array(research[1...]), research.reversed(), [announced],
            [.tool(5, under: 4, 0, 9, "x", error: "E"), .agent(4, under: 3, 0, 10, "a")],
            [
                .agent(1, 0, 900, "a", error: "E"), .llm(2, under: 1, 100, 90, call: "one"),
                .llm(3, under: 2, 100, 200, input: 40, output: 9, call: "one"),
                .tool(4, under: 1, 300, 400, "x"), .tool(5, under: 4, 310, 390, "x"),
                .agent(6, under: 99, 0, 30, "b"), .llm(7, under: 6, 2, 4, model: "unheard-of"),
            ],
        ]
        let reader = TraceReader(names: TestTrace.names, prices: PriceBook())
        for spans in traces {
            let chunks = [TestTrace.chunk(spans), TestTrace.chunk(spans.suffix(2), service: "hut")]
            let document = reader.document(
                chunks: chunks, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low)
            let summary = reader.summary(
                chunks: chunks, traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low)
            #expect(summary == TraceSummary(of: document))
        }
    }
}
