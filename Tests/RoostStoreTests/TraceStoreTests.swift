import RoostAnalytics
import RoostCore
import RoostWire
import Testing

@testable import RoostStore

@Suite struct TraceStoreTests {
    @Test func `a trace comes back as it went in`() throws {
        let harness = try StoreHarness()
        let spans = [
            TestSpan(trace: 7, id: 1, name: "root", attributes: [("agent", "a")]),
            TestSpan(trace: 7, id: 2, parent: 1, name: "child", service: "other"),
        ]
        harness.put(spans)
        harness.store.flush()
        let trace = try #require(try harness.store.trace(high: traceHigh, low: 7))
        #expect(trace.summary.name == "root")
        #expect(trace.summary.services == ["svc", "other"])
        #expect(trace.summary.spans == 2)
        #expect(trace.activities == [2])
        #expect(trace.request.array == request(spans))
        #expect(harness.counts[.traces, .stored] == 2)
        #expect(try harness.store.trace(high: traceHigh, low: 8) == nil)
    }

    @Test func `a question about one trace does not wait for it to be quiet`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1)])
        #expect(try harness.store.trace(high: traceHigh, low: 1)?.summary.spans == 1)
        #expect(try harness.store.traces(TraceQuery()).traces.count == 1)
    }

    @Test func `what comes later is added to a trace`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1, id: 2, parent: 1, start: 5_000_000_000)])
        harness.store.flush()
        #expect(try harness.ids { $0.status = .running } == [1])
        harness.put([
            TestSpan(trace: 1, id: 1, name: "root", start: 4_000_000_000, isError: true)
        ])
        harness.store.flush()
        #expect(try harness.ids { $0.status = .running } == [])
        #expect(try harness.ids { $0.status = .error } == [1])
        #expect(try harness.ids { $0.since = 4_500_000_000 } == [])
        #expect(try harness.ids() == [1])
        let trace = try #require(try harness.store.trace(high: traceHigh, low: 1))
        #expect(trace.spans.count == 2)
        #expect(trace.summary.spans == 2)
        #expect(trace.summary.name == "root")
    }

    @Test func `a span that comes twice is stored once`() throws {
        let harness = try StoreHarness()
        let spans = [TestSpan(trace: 1), TestSpan(trace: 1, id: 2, parent: 1)]
        harness.put(spans + [spans[1]])
        harness.store.flush()
        harness.put(spans)
        harness.put([TestSpan(trace: 1, id: 3, parent: 1)] + spans)
        harness.store.flush()
        let trace = try #require(try harness.store.trace(high: traceHigh, low: 1))
        #expect(spanCount(trace.spans) == 3)
        #expect(trace.summary.spans == 3)
        #expect(harness.store.status.spansStored == 3)
        #expect(harness.store.status.duplicateSpans == 5)
        #expect(harness.counts[.traces, .stored] == 8)
    }

    @Test func `operations and services are listed in order`() throws {
        let harness = try StoreHarness()
        harness.put([
            TestSpan(trace: 1, id: 1, name: "b"), TestSpan(trace: 1, id: 2, parent: 1, name: "a"),
            TestSpan(trace: 2, id: 3, name: "a", service: "another"),
        ])
        harness.store.flush()
        #expect(try harness.store.services() == ["another", "svc"])
        #expect(
            try harness.store.operations(service: "svc") == [
                StoredOperation(name: "a", spanKind: 3), StoredOperation(name: "b", spanKind: 3),
            ])
        #expect(try harness.store.operations(service: "none") == [])
    }

    @Test func `log records are found by trace and by session`() throws {
        let harness = try StoreHarness()
        harness.put(logs: [
            TestLog(trace: 5, body: "one"), TestLog(session: "s1", body: "two"),
            TestLog(trace: 5, session: "s1", body: "three"), TestLog(body: "four"),
        ])
        harness.store.flush()
        var query = LogQuery()
        #expect(try harness.store.logs(query).records == 4)
        query.session = "s1"
        #expect(try harness.store.logs(query).records == 2)
        query.traceIDHigh = traceHigh
        query.traceIDLow = 5
        #expect(try harness.store.logs(query).records == 1)
        query.session = nil
        #expect(try harness.store.logs(query).records == 2)
        #expect(harness.counts[.logs, .stored] == 4)
        // Log records alone are no trace.
        #expect(try harness.ids() == [])
    }

    @Test func `log records come in pages`() throws {
        let harness = try StoreHarness()
        for number in 0..<5 {
            harness.put(logs: [TestLog(session: "s", body: "\(number)")])
            harness.store.flush()
        }
        var query = LogQuery()
        query.session = "s"
        query.limit = 2
        var records: [Int] = []
        repeat {
            let page = try harness.store.logs(query)
            records.append(page.records)
            query.cursor = page.cursor
        } while query.cursor != nil
        #expect(records == [2, 2, 1])
    }

    /// However many were stored together.
    @Test func `a page of log records has no more of them than was asked for`() throws {
        let harness = try StoreHarness()
        harness.put(logs: (0..<10).map { TestLog(session: "s", body: "old \($0)") })
        harness.store.flush()
        harness.put(logs: (0..<5).map { TestLog(session: "s", body: "new \($0)") })
        harness.store.flush()
        for limit in [1, 3, 4, 5, 7, 14, 15, 100] {
            var query = LogQuery()
            query.session = "s"
            query.limit = limit
            var pages: [[String]] = []
            repeat {
                let page = try harness.store.logs(query)
                pages.append(page.requests.flatMap(bodies))
                #expect(pages.last?.count == page.records)
                query.cursor = page.cursor
            } while query.cursor != nil
            #expect(pages.dropLast().allSatisfy { $0.count == limit })
            let all = pages.flatMap { $0 }
            #expect(all.count == 15 && Set(all).count == 15)
            #expect(all.prefix(5).allSatisfy { $0.hasPrefix("new") })
            if limit == 1 { #expect(all.prefix(2) == ["new 4", "new 3"]) }
        }
        for cursor in ["", ".", "1.", ".1", "1.0", "1.-1", "x", "1.2.3", "-1", "7fffffffffffffff"] {
            var query = LogQuery()
            query.cursor = cursor
            #expect(throws: StoreQueryError.badCursor) { try harness.store.logs(query) }
        }
    }

    @Test func `events of a session without spans are a trace`() throws {
        let harness = try StoreHarness()
        harness.put(logs: [
            TestLog(
                session: "s9", event: "api_request", body: "claude_code.api_request",
                service: "claude-code", attributes: [("model", "m"), ("input_tokens", "5")])
        ])
        harness.store.flush()
        let page = try harness.store.traces(TraceQuery())
        let summary = try #require(page.traces.first)
        #expect(summary.session == "s9")
        let trace = try #require(
            try harness.store.trace(high: summary.traceIDHigh, low: summary.traceIDLow))
        #expect(trace.spans.isEmpty)
        #expect(trace.logs.count == 1)
        #expect(try harness.ids { $0.session = "s9" } == [summary.traceIDLow])
    }

    @Test func `a trace that is too large to be held is stored in parts`() throws {
        let harness = try StoreHarness { $0.mostTraceBytes = 50_000 }
        var spans = [TestSpan(trace: 1, id: 1, name: "root", isError: true)]
        for id in UInt64(2)...4000 {
            spans.append(TestSpan(trace: 1, id: id, parent: 1, attributes: [("note", noise(300))]))
        }
        harness.put(spans)
        // Longer than a question waits, where the machine is busy.
        harness.store.flush()
        let trace = try #require(try harness.store.trace(high: traceHigh, low: 1))
        #expect(trace.spans.count > 20)
        #expect(trace.spans.allSatisfy { $0.count < 60_000 })
        #expect(spanCount(trace.spans) == 4000)
        #expect(trace.summary.spans == 4000)
        #expect(trace.summary.status == .error)
        // By then it is too large to be read again, but not to be shown.
        harness.put(Array(spans.suffix(10)))
        harness.store.flush()
        let again = try #require(try harness.store.trace(high: traceHigh, low: 1))
        #expect(spanCount(again.spans) == 4000)
        #expect(harness.counts[.traces, .stored] == 4010)
    }

    @Test func `a trace of many small parts is made one of few`() throws {
        let harness = try StoreHarness()
        for id in UInt64(1)...200 {
            harness.put([TestSpan(trace: 1, id: id, parent: id - 1)])
            harness.store.flush()
        }
        let trace = try #require(try harness.store.trace(high: traceHigh, low: 1))
        #expect(trace.spans.count <= 64)
        #expect(spanCount(trace.spans) == 200 && trace.summary.spans == 200)
        let connection = try SQLiteConnection(path: harness.path, mode: .read)
        #expect(try connection.number("SELECT chunks FROM traces") == trace.spans.count)
        #expect(try connection.number("SELECT bytes FROM traces") == trace.request.count)
    }

    @Test func `a trace without room for another part disturbs no other`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1)])
        harness.store.flush()
        let connection = try SQLiteConnection(path: harness.path, mode: .write)
        try connection.run("UPDATE traces SET chunks = 4096, bytes = \(4 << 20)")
        harness.put([TestSpan(trace: 1, id: 2, parent: 1), TestSpan(trace: 2, id: 3)])
        harness.store.flush()
        #expect(harness.counts[.traces, .dropped(.disk)] == 1)
        #expect(harness.counts[.traces, .stored] == 2)
        #expect(harness.store.status.failedWrites == 0)
        #expect(try harness.ids().sorted() == [1, 2])
    }

    /// The rest waits as long as the whole would have, though its root is stored already.
    @Test func `the rest of a large trace whose root is stored does not wait for it`() throws {
        var settings = StoreSettings()
        settings.mostTraceBytes = 50_000
        let traces = OpenTraces(settings)
        var early: [OpenTrace] = []
        traces.store = { early += $0 }
        var spans = [TestSpan(trace: 1, id: 1, name: "root")]
        for id in UInt64(2)...200 {
            spans.append(TestSpan(trace: 1, id: id, parent: 1, attributes: [("note", noise(300))]))
        }
        let bytes = request(spans)
        unsafe bytes.withUnsafeBytes { unsafe traces.add($0, now: 0) }
        #expect(!early.isEmpty && traces.count == 1)
        #expect(traces.takeDue(now: settings.quietAfterRoot - 1).isEmpty)
        #expect(traces.takeDue(now: settings.quietAfterRoot).count == 1)
    }

    @Test func `log records that are too many to be held are stored in parts`() throws {
        let harness = try StoreHarness { $0.mostTraceBytes = 50_000 }
        harness.put(logs: (0..<1000).map { _ in TestLog(body: noise(200)) })
        harness.store.flush()
        var query = LogQuery()
        query.limit = 1000
        let page = try harness.store.logs(query)
        #expect(page.requests.count > 4)
        #expect(page.records == 1000)
    }

    @Test func `a store that is closed says so`() throws {
        let harness = try StoreHarness()
        harness.put([TestSpan(trace: 1)])
        harness.store.close(deadline: .max)
        #expect(harness.counts[.traces, .stored] == 1)
        #expect(throws: StoreQueryError.unavailable("the store is not open")) {
            try harness.store.traces(TraceQuery())
        }
        harness.put([TestSpan(trace: 2)])
        #expect(harness.counts[.traces, .dropped(.shutdown)] == 1)
    }

    @Test func `an end that leaves no time counts what it leaves`() throws {
        let harness = try StoreHarness()
        harness.put((1...50).map { TestSpan(trace: $0, parent: 1) })
        harness.put(logs: [TestLog(session: "s")])
        harness.store.close(deadline: 1)
        #expect(harness.counts[.traces, .dropped(.shutdown)] == 50)
        #expect(harness.counts[.logs, .dropped(.shutdown)] == 1)
    }

    /// Neither because somebody asks nor because it is more than may be held.
    @Test func `what waits at an end that leaves no time is not stored`() throws {
        var settings = StoreSettings()
        settings.path = StoreHarness.newFolder()
        settings.mostOpenBytes = 20_000
        defer { StoreHarness.remove(settings.path) }
        let counts = StoreHarness.Counts()
        let shared = StoreShared(
            settings: settings, names: StoreHarness.names, understanding: TestUnderstanding(),
            memory: nil, log: Log { _ in }, count: { counts.add($0, $1, $2) })
        #expect(shared.files.makeFolder())
        let writer = StoreWriter(shared)
        try writer.open()
        let body = ByteBlock(request((1...200).map { TestSpan(trace: $0) }))
        #expect(shared.inbox.reserve(body.count))
        #expect(shared.inbox.put(StoreInbox.Item(signal: .traces, items: 200, body: body)))
        _ = shared.inbox.wish(.all)
        writer.run { 1 }
        #expect(counts[.traces, .dropped(.shutdown)] == 200)
        #expect(counts[.traces, .stored] == 0)
    }

    @Test func `a full queue takes nothing more`() throws {
        let harness = try StoreHarness { $0.queueBytes = 1000 }
        #expect(harness.store.reserve(bytes: 900))
        #expect(!harness.store.reserve(bytes: 200))
        harness.store.giveBack(bytes: 900)
        // Alone, a request may be larger than the queue.
        #expect(harness.store.reserve(bytes: 2000))
        harness.store.giveBack(bytes: 2000)
    }

    @Test func `the queue takes as much as it may hold by now`() throws {
        let harness = try StoreHarness { $0.queueBytes = 10_000 }
        #expect(harness.store.reserve(bytes: 900))
        harness.store.use(queueBytes: 1_000, openBytes: 1 << 20)
        #expect(harness.store.status.queueCapacityBytes == 1_000)
        #expect(!harness.store.reserve(bytes: 200))
        harness.store.use(queueBytes: 2_000, openBytes: 1 << 20)
        #expect(harness.store.reserve(bytes: 200))
        harness.store.giveBack(bytes: 1_100)
    }

    @Test func `a buffer that may hold less by now is stored before its time`() throws {
        let harness = try StoreHarness()
        harness.store.use(queueBytes: 1 << 20, openBytes: 20_000)
        for number in 1...200 { harness.put([TestSpan(trace: UInt64(number))]) }
        // Asked about the last, the writer has read all of them.
        while try harness.store.trace(high: traceHigh, low: 200) == nil {}
        #expect(harness.store.status.openBytes <= 20_000)
        #expect(try harness.ids { $0.limit = 1000 }.count > 150)
    }

    @Test func `a full buffer is stored before its time`() throws {
        let harness = try StoreHarness { $0.mostOpenBytes = 20_000 }
        for number in 1...200 { harness.put([TestSpan(trace: UInt64(number))]) }
        // Asked about the last, the writer has read all of them.
        while try harness.store.trace(high: traceHigh, low: 200) == nil {}
        #expect(harness.store.status.openBytes <= 20_000)
        #expect(try harness.ids { $0.limit = 1000 }.count > 150)
    }
}

/// What records say, in the order of a request.
private func bodies(_ request: ByteBlock) -> [String] {
    struct Visitor: LogsVisitor {
        var bodies: [String] = []

        mutating func logRecord(_ record: LogRecordView) {
            bodies.append(record.body.stringBytes.string)
        }
    }
    var visitor = Visitor()
    var rejections = Rejections()
    _ = unsafe request.withBytes {
        try? unsafe readLogs($0, visitor: &visitor, rejections: &rejections)
    }
    return visitor.bodies
}
