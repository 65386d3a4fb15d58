import Testing

@testable import RoostAnalytics

@Suite struct InsightRuleTests {
    private func rule(_ change: (inout InsightRuleText) -> Void = { _ in }) -> InsightRuleText {
        var rule = InsightRuleText()
        rule.id = "slow_tool"
        rule.scope = "tool"
        rule.when = "tool.p95_seconds > 2 and tool.calls >= 5"
        rule.title = "{subject} is slow"
        rule.text = "{tool.p95_seconds} over {tool.calls|call}[, {tool.error_share} failed]."
        rule.action = "Look at it."
        change(&rule)
        return rule
    }

    private func insights(
        _ rules: [InsightRuleText], _ values: [String: Double]
    ) throws -> [Insight] {
        var book = InsightBook(rules: try rules.map { try InsightRule($0) })
        book.update(now: 5, figures: [FigureSet(.tool, "grep", values)])
        return book.insights
    }

    @Test func `every built-in rule is a rule, and each once`() throws {
        let texts = InsightRuleText.read(InsightRule.builtInText)
        #expect(texts.count >= 18)
        for text in texts {
            #expect(throws: Never.self, "\(text.id)") { try InsightRule(text) }
        }
        #expect(Set(texts.map(\.id)).count == texts.count)
        #expect(InsightRule.builtIn.count == texts.count)
    }

    @Test func `figures are written with their units`() throws {
        let found = try insights([rule()], ["p95_seconds": 3.25, "calls": 7, "error_share": 0.25])
        #expect(found.map(\.title) == ["Tool `grep` is slow"])
        #expect(found.map(\.text) == ["3.3 s over 7 calls, 25 % failed."])
    }

    @Test func `what stands in brackets is left out when it is not known`() throws {
        let found = try insights([rule()], ["p95_seconds": 3, "calls": 7])
        #expect(found.map(\.text) == ["3 s over 7 calls."])
    }

    @Test func `a rule whose words need what is not known says nothing`() throws {
        let changed = rule { $0.title = "{tool.retries} retries" }
        #expect(try insights([changed], ["p95_seconds": 3, "calls": 7]).isEmpty)
    }

    @Test(
        arguments: [
            ("id", "No Spaces", 0), ("scope", "galaxy", 0), ("priority", "urgent", 0),
            ("when", "tool.calls >", 13), ("when", "agent.runs > 3", 1), ("text", "{tool.x}", 2),
            ("text", "{tool.calls", 1), ("title", "", 0), ("action", "[a [b] c]", 4),
            ("action", "a ]", 3), ("text", "{agent.runs|run}", 0),
            ("text", "{tool.p95_seconds|s}", 2),
        ])
    func `faults are told with field and column`(_ field: String, _ value: String, _ column: Int) {
        let error = #expect(throws: InsightRuleError.self) {
            try InsightRule(
                rule { rule in
                    let isField = rule.set(field, value)
                    #expect(isField)
                })
        }
        #expect(error?.field == field)
        #expect(error?.column == column)
    }

    @Test(
        arguments: [
            (
                1, "1 workflow may be stuck",
                "Of 1 workflow in progress, 1 said nothing for five minutes and more, and three "
                    + "times as long as is usual where that is known."
            ),
            (
                2, "2 workflows may be stuck",
                "Of 2 workflows in progress, 2 said nothing for five minutes and more, and three "
                    + "times as long as is usual where that is known."
            ),
        ] as [(Double, String, String)])
    func `one that is stuck and several are told rightly, and no more than is known`(
        _ count: Double, _ title: String, _ text: String
    ) {
        var book = InsightBook(rules: InsightRule.builtIn)
        let values = ["stuck_workflows": count, "active_workflows": count]
        book.update(now: 5, figures: [FigureSet(.fleet, "", values)])
        #expect(book.insights.map(\.title) == [title])
        #expect(book.insights.map(\.text) == [text])
    }

    @Test func `a user's rule replaces the built-in one of its id`() throws {
        let own = try InsightRule(rule { $0.id = "tool_failures" })
        let all = InsightRule.all(with: [own])
        #expect(all.count == InsightRule.builtIn.count)
        #expect(all.last?.condition.text == own.condition.text)
    }

    @Test func `every field has a name`() {
        var rule = InsightRuleText()
        for field in InsightRuleText.fields {
            let isField = rule.set(field, "x")
            #expect(isField)
        }
        let isField = rule.set("other", "x")
        #expect(!isField)
    }

    @Test func `no two figures have the same name`() {
        #expect(Set(InsightFigure.all.map(\.fullName)).count == InsightFigure.all.count)
    }
}
