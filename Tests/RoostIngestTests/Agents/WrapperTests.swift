import Testing

@testable import RoostIngest

/// Which of two calls, one below the other, tell one, and what agents say beside calls.
@Suite struct WrapperTests {
    /// Together, one request each, and the other way round; the root comes last.
    private func runs(_ steps: [Step]) -> [TrackerRun] {
        let below = steps.map { step in step.with { if $0.parent == 0 { $0.parent = 999 } } }
        let orders: [[[Step]]] = [
            [below], [below.reversed()], below.map { [$0] }, below.reversed().map { [$0] },
        ]
        return orders.map { requests in
            let run = TrackerRun()
            for request in requests { run.take(request) }
            run.take(Step(.other, 999))
            run.pass(31)
            return run
        }
    }

    private func expect(
        _ steps: [Step], calls: Double, tokens: Double, at place: SourceLocation = #_sourceLocation
    ) {
        for run in runs(steps) {
            #expect((run.calls, run.tokens()) == (calls, tokens), sourceLocation: place)
        }
    }

    private static func call(_ model: String, _ id: UInt64, below: UInt64 = 0, _ tokens: UInt64)
        -> Step
    {
        Step.call(id, below: below, tokens: tokens).with { $0.model = model }
    }

    @Test func `one call that two spans tell counts once`() {
        expect([.call(1), .call(2, below: 1)], calls: 1, tokens: 100)
        expect([.call(1), Step(.other, 2, below: 1), .call(3, below: 2)], calls: 1, tokens: 100)
        expect([.call(1), .call(2, below: 1), .call(3, below: 2)], calls: 1, tokens: 100)
    }

    @Test(arguments: ["gpt-4o-2024-08-06", "openai/gpt-4o", "", "GPT-4o"])
    func `the same model may be written in other ways or not at all`(_ model: String) {
        expect([.call(1), Self.call(model, 2, below: 1, 90)], calls: 1, tokens: 90)
        expect([Self.call(model, 1, 100), .call(2, below: 1, tokens: 90)], calls: 1, tokens: 90)
    }

    @Test func `a name of one's own for the model is known by the tokens`() {
        expect([Self.call("my-deployment", 1, 100), .call(2, below: 1)], calls: 1, tokens: 100)
        let asked = Step.call(2, below: 1, tokens: 90).with { $0.modelRequested = "my-deployment" }
        expect([Self.call("my-deployment", 1, 100), asked], calls: 1, tokens: 90)
    }

    @Test func `a call of another kind or to another model is another call`() {
        expect(
            [.call(1, tokens: 1_000), .embedding(2, below: 1, tokens: 50)], calls: 2, tokens: 1_050)
        expect(
            [.call(1, tokens: 1_000), Self.call("gpt-4o-mini", 2, below: 1, 10)],
            calls: 2, tokens: 1_010)
        expect(
            [
                .call(1, tokens: 1_000), Step(.other, 2, below: 1),
                .embedding(3, below: 2, tokens: 50),
            ], calls: 2, tokens: 1_050)
        expect(
            [
                .call(1), Step(.other, 2, below: 1), .call(3, below: 2),
                .embedding(4, below: 2, tokens: 50),
            ], calls: 2, tokens: 150)
    }

    @Test func `of two that tell one call the one with tokens counts`() {
        expect([.call(1), .call(2, below: 1, tokens: 0)], calls: 1, tokens: 100)
        expect([Self.call("router", 1, 0), .call(2, below: 1)], calls: 1, tokens: 100)
    }

    @Test func `one that says little between two that say more hides neither`() {
        expect(
            [.call(1), .call(2, below: 1, tokens: 0), .call(3, below: 2)], calls: 1, tokens: 100)
        // Another model between is another call.
        expect(
            [.call(1), Self.call("gpt-4o-mini", 2, below: 1, 10), .call(3, below: 2)], calls: 3,
            tokens: 210)
    }

    @Test func `one that was announced is known to tell those that came before its end`() {
        let run = TrackerRun()
        run.take(Step.call(1, below: 9).announced)
        run.take(.call(2, below: 1))
        run.take(.call(1, below: 9))
        run.take(Step(.other, 9))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 100))
    }

    /// 1,000 of input and 100 of output, as far as they are divided up.
    private static func account(
        _ id: UInt64, below: UInt64 = 0, cached: UInt64 = 0, reasoning: UInt64 = 0,
        cost: Double = .nan
    ) -> Step {
        Step.call(id, below: below, tokens: 1_000 - cached).with {
            ($0.cacheRead, $0.output, $0.reasoning) = (cached, 100 - reasoning, reasoning)
            $0.cost = cost
        }
    }

    @Test func `of two that tell the same tokens the one that tells more of them counts`() {
        func expect(_ steps: [Step], cached: Double, reasoning: Double, cost: Double) {
            for run in runs(steps) {
                #expect((run.calls, run.tokens()) == (1, 1_100))
                #expect(run.tokens(["token_type": "cache_read"]) == cached)
                #expect(run.tokens(["token_type": "reasoning"]) == reasoning)
                #expect(run.sum("roost_llm_cost_usd_total") == cost)
            }
        }
        let poor = Self.account(2, below: 1)
        expect(
            [Self.account(1, cached: 900, cost: 0.5), poor], cached: 900, reasoning: 0, cost: 0.5)
        expect([Self.account(1, reasoning: 60), poor], cached: 0, reasoning: 60, cost: 0)
        expect([Self.account(1, cost: 0.5), poor], cached: 0, reasoning: 0, cost: 0.5)
        // Through what lies between, and with a third one below.
        let rich = Self.account(1, cached: 900, reasoning: 60, cost: 0.5)
        expect(
            [rich, Step(.other, 2, below: 1), Self.account(3, below: 2)], cached: 900,
            reasoning: 60, cost: 0.5)
        expect(
            [rich, Self.account(2, below: 1, cached: 900), Self.account(3, below: 2)], cached: 900,
            reasoning: 60, cost: 0.5)
        // The inner one, where both know something that the other does not.
        expect(
            [Self.account(1, cached: 900), Self.account(2, below: 1, reasoning: 60)], cached: 0,
            reasoning: 60, cost: 0)
        expect(
            [Self.account(1, cached: 900), Self.account(2, below: 1, cached: 900, cost: 0.5)],
            cached: 900, reasoning: 0, cost: 0.5)
    }

    @Test func `the one that tells more adds nothing where the other has been counted`() {
        let run = TrackerRun()
        run.take(Self.account(3, below: 2))
        run.pass(20)
        run.take(Step(.other, 9, below: 8))
        run.pass(11)
        #expect((run.calls, run.tokens()) == (1, 1_100))
        run.take(Self.account(2, below: 1, cached: 900, cost: 0.5), Step(.other, 1))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 1_100))
    }

    @Test func `one that tells more and other tokens is believed in the inner one`() {
        expect(
            [
                .call(1, tokens: 300).with { $0.cost = 0.5 }, .call(2, below: 1, tokens: 100),
                .call(3, below: 1, tokens: 200),
            ], calls: 2, tokens: 300)
    }

    @Test func `a failed attempt within a call that succeeded is a call of its own`() {
        let failed = Step.call(2, below: 1, tokens: 0).with { $0.status = .error }
        let attempts = [
            [Step.call(1), failed, .call(3, below: 1, tokens: 0)], [.call(1), failed],
            [.call(1), failed, .call(3, below: 1)],
        ]
        for steps in attempts {
            for run in runs(steps) {
                #expect((run.calls, run.tokens()) == (2, 100))
                #expect(run.sum("roost_llm_calls_total", ["status": "error"]) == 1)
            }
        }
        // One that failed with its attempt is the same.
        let outer = Step.call(1).with { $0.status = .error }
        expect([outer, failed], calls: 1, tokens: 100)
    }

    @Test func `calls that are each other's parents count once each`() {
        expect([.call(1, below: 2), .call(2, below: 1)], calls: 2, tokens: 200)
        expect(
            [.call(1, below: 2), .call(2, below: 3), .call(3, below: 1)], calls: 3, tokens: 300)
    }

    @Test func `what is counted already is known by its model`() {
        let run = TrackerRun()
        run.take(.call(1))
        run.take(.call(2, below: 1))
        run.take(.call(3, below: 2))
        #expect((run.calls, run.tokens()) == (1, 100))
        run.take(Self.call("gpt-4o-mini", 4, below: 1, 10))
        run.take(.embedding(5, below: 1, tokens: 7))
        #expect((run.calls, run.tokens()) == (3, 117))
    }

    // MARK: agents' own accounts

    @Test func `an embedding does not stand for what an agent used`() {
        let agent = Step.agent("planner", 1, tokens: 1_000)
        expect([agent, .embedding(2, below: 1, tokens: 50)], calls: 1, tokens: 1_050)
        let run = TrackerRun()
        run.take(agent)
        run.pass(31)
        run.take(.embedding(2, below: 1, tokens: 50))
        run.pass(31)
        #expect((run.calls, run.tokens()) == (1, 1_050))
    }

    @Test func `what wraps embeddings tells nothing beside them`() {
        let wrapper = Step(.other, 2, below: 1).with {
            ($0.input, $0.flags) = (500, .usageIsAggregate)
        }
        let steps = [Step(.other, 1), wrapper, .embedding(3, below: 2, tokens: 500)]
        expect(steps, calls: 1, tokens: 500)
        expect(
            [
                Step(.other, 1), wrapper, .embedding(3, below: 2, tokens: 300),
                Step(.other, 4, below: 2), .embedding(5, below: 4, tokens: 200),
            ], calls: 2, tokens: 500)
        // Alone, or where it wrote something, it does.
        expect([Step(.other, 1), wrapper], calls: 0, tokens: 500)
        expect(
            [
                Step(.other, 1), wrapper.with { $0.output = 9 },
                .embedding(3, below: 2, tokens: 500),
            ],
            calls: 1, tokens: 1_009)
        // Nor does it stand for what an agent around it used.
        let run = TrackerRun()
        run.take([.agent("planner", 1, tokens: 900)] + steps.dropFirst().reversed())
        run.pass(31)
        #expect(run.tokens() == 1_400)
    }

    @Test func `nor does a call that tells no tokens`() {
        let failed = Step.call(2, below: 1, tokens: 0).with { $0.status = .error }
        let agent = Step.agent("planner", 1, tokens: 1_000)
        expect([agent, failed], calls: 1, tokens: 1_000)
        expect([agent, failed, .call(3, below: 1, tokens: 900)], calls: 2, tokens: 900)
    }
}
