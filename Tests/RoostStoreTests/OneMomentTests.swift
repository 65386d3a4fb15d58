import RoostCore
import Testing

@testable import RoostStore

/// What a question sees of a store that is written to, and what it may cost.
@Suite struct OneMomentTests {
    @Test func `what a question reads is of one moment`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1), TestSpan(trace: 2)])
        harness.store.flush()
        let reader = try ReaderDatabase(path: harness.path, generation: 0)
        try reader.hold()
        let first = try reader.find(TraceKey(high: traceHigh, low: 1))
        #expect(first?.summary.spans == 1)
        harness.put([TestSpan(trace: 2, id: 2), TestSpan(trace: 3)])
        harness.store.flush()
        #expect(try reader.find(TraceKey(high: traceHigh, low: 2))?.summary.spans == 1)
        #expect(try reader.find(TraceKey(high: traceHigh, low: 3)) == nil)
        reader.reset()
        #expect(try reader.find(TraceKey(high: traceHigh, low: 2))?.summary.spans == 2)
        #expect(try reader.find(TraceKey(high: traceHigh, low: 3)) != nil)
        // A question leaves nothing behind that keeps the log of changes from being moved.
        reader.reset()
        #expect(try harness.ids().count == 3)
        let other = try SQLiteConnection(path: harness.path, mode: .write)
        #expect(try other.checkpoint(.truncate))
    }

    @Test func `rows that are not meant are no free reading`() throws {
        // A trace without its root is in the index as one that runs, and over a nanosecond later.
        let harness = try StoreHarness { $0.hold = 1 }
        harness.put((1...200).map { TestSpan(trace: $0, parent: 7, start: $0) })
        harness.store.flush()
        #expect(try harness.ids { $0.status = .running }.isEmpty)
        #expect(throws: StoreQueryError.self) {
            try harness.ids {
                $0.status = .running
                $0.mostSteps = 20
            }
        }
        #expect(
            try harness.ids {
                $0.limit = 1
                $0.mostSteps = 20
            } == [200])
    }

    @Test func `a large trace that is looked into costs as much as there is to read`() throws {
        let harness = try StoreHarness()
        for trace in UInt64(1)...3 {
            harness.put([TestSpan(trace: trace, attributes: [("note", noise(2 << 20))])])
        }
        harness.store.flush()
        func ids(steps: Int) throws -> [UInt64] {
            try harness.ids {
                $0.span.tags = [SpanQuery.Tag("is", "none")]
                $0.mostSteps = steps
            }
        }
        #expect(try ids(steps: 160).isEmpty)
        #expect(throws: StoreQueryError.self) { try ids(steps: 100) }
    }

    /// Ids of 64 bits have no upper half.
    @Test func `log records of a trace with a short id are its own`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 5, high: 0)])
        harness.put(logs: [
            TestLog(trace: 5, body: "mine", high: 0), TestLog(trace: 5, body: "another's"),
            TestLog(trace: 5, session: "s", high: 0), TestLog(trace: 6, high: 0), TestLog(),
        ])
        harness.store.flush()
        var query = LogQuery()
        query.traceIDHigh = 0
        query.traceIDLow = 5
        #expect(try harness.store.logs(query).records == 2)
        query.session = "s"
        #expect(try harness.store.logs(query).records == 1)
        #expect(try harness.store.trace(high: 0, low: 5)?.logs.count == 2)
    }

    @Test func `a page of log records ends where many rows were passed over`() throws {
        let harness = try StoreHarness()
        for number in UInt64(0)..<30 {
            harness.put(logs: [TestLog(trace: number % 10 == 0 ? 5 : 6, high: 0)])
            harness.store.flush()
        }
        for high in [0, traceHigh] {
            var query = LogQuery()
            (query.traceIDHigh, query.traceIDLow) = (high, 5)
            query.mostRowsPassed = 4
            var records: [Int] = []
            repeat {
                let page = try harness.store.logs(query)
                records.append(page.records)
                query.cursor = page.cursor
            } while query.cursor != nil
            #expect(records.reduce(0, +) == (high == 0 ? 3 : 0))
            #expect(records.count == (high == 0 ? 7 : 1))
        }
    }

    /// Of which only so many can be searched for.
    @Test func `a trace with many operations is found by what it is`() throws {
        let harness = try StoreHarness()
        for part in 0..<3 as Range<UInt64> {
            harness.put(
                (0..<150 as Range<UInt64>).map {
                    let id = part * 1000 + $0 + 1
                    return TestSpan(
                        trace: 1, id: id, parent: id == 1 ? 0 : 1, name: "step \(id)",
                        isError: id == 1)
                })
            harness.store.flush()
        }
        #expect(try harness.ids { $0.service = "svc" } == [1])
        #expect(try harness.ids { $0.status = .error } == [1])
        #expect(try harness.ids { $0.workflow = "step 1" } == [1])
    }

    @Test func `starts that no clock tells are listed in order`() throws {
        let harness = try StoreHarness()
        let far = UInt64(1) << 63
        for (trace, start) in [(1, far + 20), (2, far + 10), (3, 5)] as [(UInt64, UInt64)] {
            // Each in a block of its own.
            harness.put([TestSpan(trace: trace, start: start, duration: 1)])
            harness.put(
                (0..<600).map { TestSpan(trace: trace * 1000 + $0, start: 1, duration: 1) })
            harness.store.flush()
        }
        let seen = try harness.idsOfAllPages {
            $0.limit = 1
            $0.since = 2
        }
        #expect(seen.sorted() == [1, 2, 3])
        #expect(seen.last == 3)
    }
}
