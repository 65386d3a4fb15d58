import RoostAnalytics
import RoostCore
import Testing

@testable import RoostStore

@Suite struct FormatTests {
    static let summary: TraceSummary = {
        var summary = TraceSummary()
        summary.traceIDHigh = 1
        summary.traceIDLow = .max
        summary.service = "desk"
        summary.services = ["desk", "bücher"]
        summary.name = "run"
        summary.workflow = "nightly"
        summary.status = .error
        summary.agents = ["a", "b"]
        summary.models = ["m"]
        summary.session = "s"
        summary.user = "u"
        summary.start = 1_790_000_000_000_000_000
        summary.end = 1_790_000_001_000_000_000
        summary.spans = 300
        summary.errors = 2
        summary.calls = 7
        summary.toolCalls = 4
        summary.tokens = 123_456
        summary.cost = 0.25
        return summary
    }()

    /// Of a trace that may still go on, and whose clocks disagree.
    static let running: TraceSummary = {
        var running = summary
        running.status = .running
        running.outcome = .error
        running.hasAnnounced = true
        running.heard = 1_790_000_002_000_000_000
        running.clockSkew = 3_600_000_000_000
        return running
    }()

    @Test(arguments: [summary, running, TraceSummary()])
    func `a summary comes back as it was`(_ summary: TraceSummary) {
        let bytes = SummaryCoding.encode(summary)
        let again = unsafe bytes.withUnsafeBytes {
            unsafe SummaryCoding.decode(
                $0, high: summary.traceIDHigh, low: summary.traceIDLow)
        }
        #expect(again == summary)
    }

    @Test func `a summary that is cut off reads as far as it goes`() {
        let bytes = SummaryCoding.encode(Self.summary)
        for count in 0..<bytes.count {
            let summary = unsafe bytes.prefix(count).withUnsafeBytes {
                unsafe SummaryCoding.decode($0, high: 0, low: 0)
            }
            #expect(summary.services.count <= 2)
        }
    }

    @Test func `any bytes read as some summary`() {
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...80)).map { _ in UInt8.random(in: 0...255) }
            _ = unsafe bytes.withUnsafeBytes { unsafe SummaryCoding.decode($0, high: 0, low: 0) }
        }
    }

    @Test func `a term is the same in every process`() {
        // Kept in databases: these numbers must not change.
        #expect(Term(.service, "desk").hash == 15_779_400_794_805_631_480)
        #expect(Term(operation: "b", of: "a") != Term(operation: "", of: "ab"))
        #expect(Term(.service, "x") != Term(.agent, "x"))
    }

    @Test func `a block knows who has which term`() {
        var block = OpenIndexBlock(number: 1)
        for trace in 1...300 {
            block.put(
                IndexEntry(
                    trace: trace, start: UInt64(trace), duration: 1,
                    terms: [
                        Term(.service, "all"), Term(.agent, "\(trace % 7)"),
                        Term(.session, "\(trace)"),
                    ]), isNew: false)
        }
        let encoded = block.encoded()
        #expect(encoded.firstTrace == 1)
        #expect(encoded.lastTrace == 300)
        #expect(encoded.head.minStart == 1)
        #expect(encoded.head.maxStart == 300)
        #expect(encoded.head.minDuration == 1)
        unsafe encoded.dictionary.withUnsafeBytes { dictionary in
            unsafe encoded.lists.withUnsafeBytes { lists in
                func list(_ term: Term) -> [UInt16]? {
                    unsafe IndexBlockReading.find(term, in: dictionary).map {
                        unsafe IndexBlockReading.list($0, of: dictionary.count / 8, in: lists)
                    }
                }
                #expect(list(Term(.service, "all")) == Array(0..<300))
                #expect(list(Term(.agent, "3")) == Array(stride(from: 2, to: 300, by: 7)))
                #expect(list(Term(.session, "300")) == [299])
                #expect(list(Term(.session, "301")) == nil)
                let terms = unsafe encoded.fixed.withUnsafeBytes { fixed in
                    unsafe IndexBlockReading.terms(
                        of: 17, dictionary: dictionary, fixed: fixed, lists: lists)
                }
                #expect(Set(terms) == Set(block.terms(of: 17)))
            }
        }
    }

    @Test func `terms are listed once for each entry, however many there are`() {
        var lists = TermLists(expecting: 0)
        for entry in UInt16(0)..<500 {
            for _ in 0..<2 { for term in UInt64(0)..<10 { lists.add(term << 60, to: entry) } }
            for term in UInt64(0)..<20 {
                lists.add(UInt64(entry) << 20 | term << 10 | 1, to: entry)
            }
        }
        let ordered = lists.ordered()
        #expect(ordered.terms.count == 10_010)
        #expect(ordered.terms.map(\.hash) == ordered.terms.map(\.hash).sorted())
        var start = 0
        for (hash, end) in ordered.terms {
            let entries = Array(ordered.entries[start..<end])
            if hash & 1 == 1 {
                #expect(entries == [UInt16(hash >> 20)])
            } else {
                #expect(entries == Array(0..<500))
            }
            start = end
        }
        #expect(start == ordered.entries.count)
    }

    @Test(arguments: [
        (2_000, 2_000, TraceSummary.Status.ok), (0, 0, .ok), (1, 0, .error),
    ])
    func `parts of a large trace add up`(
        _ errors: Int, _ more: Int, _ status: TraceSummary.Status
    ) {
        var old = Self.summary
        old.status = .running
        old.errors = errors
        old.start = 50
        old.end = 60
        var new = TraceSummary()
        new.status = errors == 1 ? .error : .ok
        new.errors = more
        new.start = 40
        new.end = 55
        new.spans = 10
        new.name = "root"
        new.agents = ["b", "c"]
        let sum = merged(old, new)
        #expect(sum.spans == 310)
        #expect(sum.start == 40)
        #expect(sum.end == 60)
        #expect(sum.name == "root")
        #expect(sum.agents.sorted() == ["a", "b", "c"])
        #expect(sum.session == "s")
        #expect(sum.cost == 0.25)
        #expect(sum.status == status)
    }
}
