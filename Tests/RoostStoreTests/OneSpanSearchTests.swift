import RoostAnalytics
import Testing

@testable import RoostStore

/// What Jaeger's search asks for has to hold for one span.
@Suite struct OneSpanSearchTests {
    /// Trace 1: a long span of `front` that failed, a short one, and one of `back` in between.
    private func harness() throws -> StoreHarness {
        let harness = try StoreHarness()
        harness.put([
            TestSpan(
                trace: 1, id: 1, name: "GET /", service: "front", duration: 10_000,
                isError: true, attributes: [("http.status", "500")]),
            TestSpan(
                trace: 1, id: 2, parent: 1, name: "call", service: "front", duration: 5_000,
                attributes: [("x", "1")]),
            TestSpan(
                trace: 1, id: 3, parent: 2, name: "work", service: "back", duration: 3_000,
                attributes: [("y", "2")]),
        ])
        harness.store.flush()
        return harness
    }

    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let isFound: Bool
        let change: @Sendable (inout SpanQuery) -> Void

        init(
            _ description: String, _ isFound: Bool,
            _ change: @escaping @Sendable (inout SpanQuery) -> Void
        ) {
            self.description = description
            self.isFound = isFound
            self.change = change
        }
    }

    static let cases = [
        Case("operation and its own tag", true) {
            $0.operation = "call"
            $0.tags = [.init("x", "1")]
        },
        Case("operation and a tag of another span", false) {
            $0.operation = "call"
            $0.tags = [.init("error", "true")]
        },
        Case("operation that lasts so long", true) {
            $0.operation = "call"
            $0.minDuration = 5_000
        },
        Case("operation that is shorter than its trace", false) {
            $0.operation = "call"
            $0.minDuration = 5_001
        },
        Case("a span shorter than its trace", true) { $0.maxDuration = 5_000 },
        Case("only a span of another service is so short", false) { $0.maxDuration = 4_999 },
        Case("between two spans", false) {
            $0.minDuration = 5_001
            $0.maxDuration = 9_999
        },
        Case("longer than the trace", false) { $0.minDuration = 10_001 },
        Case("tag of another service", false) { $0.tags = [.init("y", "2")] },
        Case("tag and length of one span", true) {
            $0.tags = [.init("http.status", "500"), .init("error", "true")]
            $0.minDuration = 10_000
        },
        Case("tag and length of two", false) {
            $0.tags = [.init("x", "1")]
            $0.minDuration = 6_000
        },
        Case("tags of two spans", false) {
            $0.tags = [.init("x", "1"), .init("http.status", "500")]
        },
    ]

    @Test(arguments: cases) func `one span of the service has it all`(_ one: Case) throws {
        let found = try harness().ids {
            $0.service = "front"
            one.change(&$0.span)
        }
        #expect(found == (one.isFound ? [1] : []))
    }

    @Test func `the trace's own duration is asked for apart`() throws {
        let harness = try harness()
        #expect(try harness.ids { $0.maxDuration = 9_999 } == [])
        #expect(try harness.ids { $0.minDuration = 10_000 } == [1])
    }

    /// A trace that goes on for long is stored part by part.
    private func longTrace() throws -> StoreHarness {
        let harness = try StoreHarness()
        for number in UInt64(1)...3 {
            harness.put([
                TestSpan(
                    trace: 1, id: number, parent: number - 1, duration: number * 100,
                    attributes: [("part", "\(number)"), ("note", noise(3_000))])
            ])
            harness.store.flush()
        }
        return harness
    }

    @Test(arguments: 1...3) func `the span may be in any part of the trace`(_ part: UInt64) throws {
        let harness = try longTrace()
        var query = TraceQuery()
        query.span.tags = [.init("part", "\(part)")]
        query.span.minDuration = part * 100
        var asked: [Int] = []
        let found = try harness.store.traces(query) {
            asked.append($0)
            return true
        }
        #expect(found.traces.map(\.traceIDLow) == [1])
        // One part at a time, and none behind the span.
        #expect(asked.count == Int(part) && asked.allSatisfy { 3_000...4_000 ~= $0 })
        query.span.minDuration = part * 100 + 1
        #expect(try harness.store.traces(query).traces.isEmpty)
    }

    @Test func `a part that nobody has room for is not passed over`() throws {
        let harness = try longTrace()
        var query = TraceQuery()
        query.span.tags = [.init("part", "2")]
        var parts = 0
        #expect(throws: StoreQueryError.noRoom) {
            try harness.store.traces(query) { _ in
                parts += 1
                return parts < 2
            }
        }
        #expect(parts == 2)
    }

    @Test func `of a trace as much may be read as there is room for`() throws {
        let harness = try longTrace()
        func read(_ most: Int) throws -> (spans: Int, omitted: Int, asked: Int) {
            var asked = 0
            let trace = try harness.store.trace(
                high: traceHigh, low: 1, withLogs: false, mostSpanBytes: most
            ) {
                asked = $0
                return true
            }
            let stored = try #require(trace)
            return (spanCount(stored.spans), stored.omitted, asked)
        }
        let all = try read(.max)
        #expect(all.spans == 3 && all.omitted == 0)
        let some = try read(7_000)
        #expect(some.spans == 2 && some.omitted == 1 && some.asked < all.asked)
        // What came first is read in any case.
        let first = try read(2_000)
        #expect(first.spans == 1 && first.omitted == 2 && first.asked > 2_000)
    }
}
