import RoostCore
import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct TraceComparisonTests {
    private func comparison(_ a: [TestSpan], _ b: [TestSpan]) -> TraceComparison {
        let prices = PriceBook()
        return TraceComparison(
            ComparedTrace(of: TraceAnalysis(of: TestTrace.document(a, prices: prices))),
            ComparedTrace(of: TraceAnalysis(of: TestTrace.document(b, prices: prices))))
    }

    private let first: [TestSpan] = [
        .agent(1, 0, 1000, "a"), .llm(2, under: 1, 0, 500, input: 1000),
        .tool(3, under: 1, 500, 600, "search"), .tool(4, under: 1, 600, 610, "read"),
    ]
    private let second: [TestSpan] = [
        .agent(1, 0, 2000, "a"), .llm(2, under: 1, 0, 510, input: 3000),
        .tool(3, under: 1, 510, 1510, "search", error: "Timeout"),
        .tool(5, under: 1, 1510, 1600, "write"),
    ]

    @Test func `tells what was added, removed, slower and the same`() {
        let rows = comparison(first, second).operations
        func change(_ name: String) -> TraceComparison.Change? {
            rows.first { $0.name == name }?.change
        }
        #expect(change("search") == .failing)
        #expect(change("write") == .added)
        #expect(change("read") == .removed)
        #expect(change("gpt-4o") == .same)
        #expect(change("a") == .slower)
        #expect(rows.first { $0.name == "search" }?.b?.errors == 1)
        let back = comparison(second, first).operations
        #expect(back.first { $0.name == "search" }?.change == .recovered)
        #expect(back.first { $0.name == "a" }?.change == .faster)
    }

    @Test func `what fails now and took as long is not the same`() {
        let well: [TestSpan] = [
            .agent(1, 0, 1000, "a"), .tool(2, under: 1, 0, 100, "read"),
            .tool(3, under: 1, 100, 200, "search", error: "Timeout"),
        ]
        let badly: [TestSpan] = [
            .agent(1, 0, 1000, "a"), .tool(2, under: 1, 0, 100, "read", error: "Denied"),
            .tool(3, under: 1, 100, 200, "search", error: "Denied"),
        ]
        let rows = comparison(well, badly).operations
        #expect(rows.first { $0.name == "read" }?.change == .failing)
        #expect(rows.first { $0.name == "search" }?.change == .same)
        #expect(comparison(well, badly).agents.map(\.change) == [.same])
    }

    @Test func `the biggest difference comes first`() {
        let names = comparison(first, second).operations.map(\.name)
        #expect(names == ["a", "search", "write", "gpt-4o", "read"])
    }

    @Test func `totals of both and what models cost`() {
        let comparison = comparison(first, second)
        let totals = Dictionary(uniqueKeysWithValues: comparison.totals.map { ($0.name, $0) })
        #expect(totals["duration"]?.a == 1)
        #expect(totals["duration"]?.b == 2)
        #expect(totals["tokens"]?.b == 3000)
        #expect(totals["errors"]?.b == 1)
        #expect(comparison.models.map(\.name) == ["gpt-4o"])
        #expect(comparison.models[0].a?.cost == 0.0025)
        #expect(comparison.agents.map(\.name) == ["a"])
    }

    @Test func `a trace compared with itself or with nothing`() {
        #expect(comparison(first, first).operations.allSatisfy { $0.change == .same })
        let none = comparison([], first)
        #expect(none.operations.allSatisfy { $0.change == .added })
        var writer = JSONWriter()
        none.write(into: &writer)
        let json = JSONText.value(String(decoding: writer.bytes, as: UTF8.self))
        #expect(json?["operations"]?.array?.first?["a"]?.isNull == true)
        #expect(json?["totals"]?["duration"]?["delta"]?.number == 1)
        #expect(json?["totals"]?["duration"]?["ratio"]?.isNull == true)
        #expect(json?["models"]?.array?.first?["model"]?.text == "gpt-4o")
    }
}
