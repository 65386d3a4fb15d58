import RoostAnalytics
import RoostCore
import Testing

@testable import RoostStore

@Suite struct TraceFilterTests {
    /// Traces 1 to 6, a second apart, the last newest.
    static func harness() throws -> StoreHarness {
        let harness = try StoreHarness()
        let second: UInt64 = 1_000_000_000
        for number in UInt64(1)...6 {
            harness.put([
                TestSpan(
                    trace: number, id: 1, name: "root\(number)",
                    service: number % 2 == 0 ? "even" : "odd", start: number * second,
                    duration: number * 100, isError: number == 3,
                    attributes: [
                        ("agent", number <= 2 ? "planner" : "writer"),
                        ("workflow", number <= 4 ? "first" : "second"),
                        ("session", "s\(number)"), ("http.status", number == 5 ? "500" : "200"),
                    ]),
                TestSpan(
                    trace: number, id: 2, parent: 1, name: "call", service: "backend",
                    start: number * second, duration: number * 100 / 2),
            ])
            harness.store.flush()
        }
        return harness
    }

    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let expected: [UInt64]
        let change: @Sendable (inout TraceQuery) -> Void

        init(
            _ description: String, _ expected: [UInt64],
            _ change: @escaping @Sendable (inout TraceQuery) -> Void
        ) {
            self.description = description
            self.expected = expected
            self.change = change
        }
    }

    private static let third = "000000000000000a0000000000000003"

    static let cases = [
        Case("nothing", [6, 5, 4, 3, 2, 1]) { _ in },
        Case("limit", [6, 5]) { $0.limit = 2 },
        Case("service of the root", [6, 4, 2]) { $0.service = "even" },
        Case("service of a child", [6, 5, 4, 3, 2, 1]) { $0.service = "backend" },
        Case("unknown service", []) { $0.service = "nowhere" },
        Case("operation", [4]) {
            $0.service = "even"
            $0.span.operation = "root4"
        },
        Case("operation of another service", []) {
            $0.service = "odd"
            $0.span.operation = "root4"
        },
        Case("workflow", [6, 5]) { $0.workflow = "second" },
        Case("workflow as a trace id", [3]) {
            $0.workflow = third
        },
        Case("a trace id, in capitals", [3]) {
            $0.workflow = "000000000000000A0000000000000003"
        },
        Case("a trace id and all that it has", [3]) {
            $0.workflow = third
            $0.service = "backend"
            $0.agent = "writer"
            $0.session = "s3"
            $0.status = .error
            $0.minDuration = 300
            $0.maxDuration = 300
            $0.since = 3_000_000_000
            $0.until = 3_000_000_000
            $0.span.operation = "call"
            $0.span.tags = [.init("error", "false")]
        },
        Case("a trace id of another service", []) {
            $0.workflow = third
            $0.service = "even"
        },
        Case("a trace id of another agent", []) {
            $0.workflow = third
            $0.agent = "planner"
        },
        Case("a trace id of another session", []) {
            $0.workflow = third
            $0.session = "s4"
        },
        Case("a trace id of another status", []) {
            $0.workflow = third
            $0.status = .ok
        },
        Case("a trace id and longer", []) {
            $0.workflow = third
            $0.minDuration = 301
        },
        Case("a trace id and shorter", []) {
            $0.workflow = third
            $0.maxDuration = 299
        },
        Case("a trace id and later", []) {
            $0.workflow = third
            $0.since = 3_000_000_001
        },
        Case("a trace id and before", []) {
            $0.workflow = third
            $0.until = 2_999_999_999
        },
        Case("a trace id without such a span", []) {
            $0.workflow = third
            $0.span.tags = [.init("no.such", "thing")]
        },
        Case("a trace id that nobody has", []) { $0.workflow = String(repeating: "f", count: 32) },
        Case("agent", [2, 1]) { $0.agent = "planner" },
        Case("session", [4]) { $0.session = "s4" },
        Case("status error", [3]) { $0.status = .error },
        Case("status ok", [6, 5, 4, 2, 1]) { $0.status = .ok },
        Case("status running", []) { $0.status = .running },
        Case("shortest", [6, 5]) { $0.minDuration = 500 },
        Case("longest", [2, 1]) { $0.maxDuration = 200 },
        Case("between", [4, 3]) {
            $0.minDuration = 300
            $0.maxDuration = 400
        },
        Case("since", [6, 5]) { $0.since = 5_000_000_000 },
        Case("until", [2, 1]) { $0.until = 2_000_000_000 },
        Case("since and until", [4, 3]) {
            $0.since = 3_000_000_000
            $0.until = 4_999_999_999
        },
        Case("agent and service", [4]) {
            $0.agent = "writer"
            $0.service = "even"
            $0.until = 5_000_000_000
        },
        Case("workflow, status and duration", [4]) {
            $0.workflow = "first"
            $0.status = .ok
            $0.minDuration = 250
        },
        Case("tag", [5]) { $0.span.tags = [.init("http.status", "500")] },
        Case("tags of one span", [2]) {
            $0.span.tags = [.init("http.status", "200"), .init("session", "s2")]
        },
        Case("tag of the resource", [6, 4, 2]) { $0.span.tags = [.init("service.name", "even")] },
        Case("tag error", [3]) { $0.span.tags = [.init("error", "true")] },
        Case("tag of the status", [3]) { $0.span.tags = [.init("otel.status_code", "ERROR")] },
        Case("tag of the kind", [2]) {
            $0.span.tags = [.init("span.kind", "client"), .init("session", "s2")]
        },
        Case("tag of another kind", []) { $0.span.tags = [.init("span.kind", "server")] },
        Case("tag of the scope", [4]) {
            $0.span.tags = [.init("otel.scope.name", "tests"), .init("session", "s4")]
        },
    ]

    @Test(arguments: cases) func `finds`(_ one: Case) throws {
        let harness = try Self.harness()
        #expect(try harness.ids(one.change) == one.expected)
    }

    @Test func `a workflow whose name could be a trace id is found by it, page after page`() throws
    {
        let harness = try StoreHarness()
        let name = "000000000000000a0000000000000009"
        harness.put(
            (1...5).map {
                TestSpan(trace: $0, start: $0 * 1_000, attributes: [("workflow", name)])
            })
        harness.store.flush()
        func pages() throws -> [UInt64] {
            try harness.idsOfAllPages {
                $0.workflow = name
                $0.limit = 2
            }
        }
        #expect(try pages() == [5, 4, 3, 2, 1])
        // Then the trace with this id is meant, unless another filter says otherwise.
        harness.put([TestSpan(trace: 9, start: 9_000)])
        harness.store.flush()
        #expect(try pages() == [9])
        #expect(
            try harness.ids {
                $0.workflow = name
                $0.until = 3_000
            } == [3, 2, 1])
    }

    @Test func `pages go on where they ended, whatever is written meanwhile`() throws {
        let harness = try StoreHarness()
        let second: UInt64 = 1_000_000_000
        for number in UInt64(1)...30 {
            // Three at a time have the same start.
            harness.put([TestSpan(trace: number, start: (number / 3 + 100) * second)])
        }
        harness.store.flush()
        let all = try harness.ids()
        #expect(all.count == 30)
        var query = TraceQuery()
        query.limit = 7
        var seen: [UInt64] = []
        var late: UInt64 = 1000
        repeat {
            let page = try harness.store.traces(query)
            seen += page.traces.map(\.traceIDLow)
            query.cursor = page.cursor
            // Newer ones, and one that is stored again.
            harness.put([
                TestSpan(trace: late, start: 1_000_000 * second),
                TestSpan(trace: all[29], id: late, parent: 1, start: 200 * second),
            ])
            late += 1
            harness.store.flush()
        } while query.cursor != nil
        #expect(seen == all)
    }

    @Test(arguments: ["", "-", "zz-1", "1", "1-2-3", "1-", "-1", "1--1"])
    func `a cursor that is none is refused`(_ cursor: String) throws {
        let harness = try StoreHarness()
        #expect(throws: StoreQueryError.badCursor) { try harness.ids { $0.cursor = cursor } }
    }

    @Test func `more traces than a block holds are found, the newest first`() throws {
        let harness = try StoreHarness()
        let count: UInt64 = 1300
        var spans: [TestSpan] = []
        for number in 1...count {
            // In an order that is not that of their starts.
            let place = number * 7919 % count
            spans.append(
                TestSpan(
                    trace: number, service: place % 100 == 0 ? "rare" : "usual",
                    start: 1_000_000_000 + place * 1000))
        }
        harness.put(spans)
        harness.store.flush()
        var query = TraceQuery()
        query.limit = 1000
        let first = try harness.store.traces(query)
        query.cursor = first.cursor
        let second = try harness.store.traces(query)
        let starts = (first.traces + second.traces).map(\.start)
        #expect(starts.count == Int(count))
        #expect(starts == starts.sorted(by: >))
        #expect(second.cursor == nil)
        let rare = try harness.ids { $0.service = "rare" }
        #expect(rare.count == 13)
        #expect(
            try harness.ids {
                $0.service = "rare"; $0.limit = 3
            } == Array(rare.prefix(3)))
    }

    @Test func `the first and the last trace are found without reading those between`() throws {
        let harness = try StoreHarness()
        let connection = try SQLiteConnection(path: harness.path, mode: .read)
        let plan = try connection.prepare("EXPLAIN QUERY PLAN " + ReaderDatabase.SQL.segments)
        var steps: [String] = []
        while try plan.step() { steps.append(plan.text(3)) }
        #expect(!steps.contains { $0.hasPrefix("SCAN traces") })
    }

    @Test(arguments: [
        (ReaderDatabase.SQL.heads, "PRIMARY KEY (max_start>?)"),
        (ReaderDatabase.SQL.block, "INTEGER PRIMARY KEY"),
        (ReaderDatabase.SQL.traceByID, "INTEGER PRIMARY KEY"),
        (ReaderDatabase.SQL.traceIDs, "PRIMARY KEY (segment=? AND key=?)"),
        (ReaderDatabase.SQL.traceByNumber, "INTEGER PRIMARY KEY"),
        (ReaderDatabase.SQL.chunks, "INTEGER PRIMARY KEY"),
        (ReaderDatabase.SQL.logsOfTrace, "logs_by_trace"),
        (ReaderDatabase.SQL.logsOfSession, "logs_by_session"),
        (ReaderDatabase.SQL.operations, "PRIMARY KEY"),
    ])
    func `each question uses its index and sorts nothing`(_ sql: String, _ index: String) throws {
        let harness = try StoreHarness()
        let connection = try SQLiteConnection(path: harness.path, mode: .read)
        let plan = try connection.prepare("EXPLAIN QUERY PLAN " + sql)
        var steps: [String] = []
        while try plan.step() { steps.append(plan.text(3)) }
        #expect(steps.count == 1)
        #expect(steps.first?.hasPrefix("SEARCH") == true)
        #expect(steps.first?.contains(index) == true)
    }
}
