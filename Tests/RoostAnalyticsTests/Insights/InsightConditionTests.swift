import Testing

@testable import RoostAnalytics

@Suite struct InsightConditionTests {
    private let figures: [String: Double] = ["a": 2, "b": 0.5, "zero": 0]

    private func truth(_ text: String) throws -> Bool? {
        try InsightCondition(text) { _ in true }.holds { figures[$0] }
    }

    @Test(
        arguments: [
            ("a > 1", true), ("a < 1", false), ("a >= 2 and b <= 50%", true),
            ("a == 2 and not b > 1", true), ("a != 2 or b == 0.5", true),
            ("not (a > 1 and b > 1)", true), ("a + b * 2 == 3", true), ("(a + b) * 2 == 5", true),
            ("a - 1 - 1 == 0", true), ("8 / 2 / 2 == a", true), ("-a < 0", true), ("--a > 0", true),
            ("not not a > 1", true), ("a > 1 or b > 1 and b > 2", true), ("1e2 > 99.5", true),
            ("((((a))))>((1))", true),
        ])
    func `conditions are worked out as they read`(_ text: String, _ expected: Bool) throws {
        #expect(try truth(text) == expected)
    }

    @Test(
        arguments: [
            ("x > 1", nil), ("x > 1 or a > 1", true), ("x > 1 and a < 1", false),
            ("x > 1 and a > 1", nil), ("not x > 1", nil), ("a / zero > 1", nil),
            ("a / zero < 1 or a == 2", true),
        ] as [(String, Bool?)])
    func `what is not known decides nothing`(_ text: String, _ expected: Bool?) throws {
        #expect(try truth(text) == expected)
    }

    @Test(
        arguments: [
            ("", 1), ("a", 1), ("a >", 4), ("a > > 1", 5), ("a = 1", 3), ("(a > 1", 7),
            ("a > 1)", 6), ("a > 1 b", 7), ("a and b > 1", 1), ("a > 1 and 2", 11),
            ("not a", 5), ("(a > 1) > 2", 1), ("1.2.3 > a", 1), ("a > 1 && b > 1", 7),
            ("ä > 1", 1), ("a > 'x'", 5), ("a > and", 5), ("a + (b > 1) > 2", 5),
        ])
    func `errors tell the column`(_ text: String, _ column: Int) {
        let error = #expect(throws: InsightRuleError.self) { try truth(text) }
        #expect(error?.column == column)
    }

    @Test func `a figure that there is not is named`() {
        let error = #expect(throws: InsightRuleError.self) {
            try InsightCondition("a > 1 and agent.speed > 2") { $0 == "a" }
        }
        #expect(error?.column == 11)
        #expect(error?.message == "there is no figure agent.speed")
    }

    @Test func `depth, length and parts are bounded`() throws {
        let nested = String(repeating: "(", count: 40) + "a" + String(repeating: ")", count: 40)
        #expect(throws: InsightRuleError.self) { try truth(nested + " > 1") }
        let signs = String(repeating: "-", count: 150) + "a > 1"
        #expect(try truth(signs) == true)
        let many = Array(repeating: "a > 1", count: 100).joined(separator: " and ")
        #expect(throws: InsightRuleError.self) { try truth(many) }
        #expect(throws: InsightRuleError.self) {
            try truth(String(repeating: " ", count: 2_000) + "a > 1")
        }
    }
}
