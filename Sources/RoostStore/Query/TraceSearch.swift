import RoostAnalytics
import RoostCore
import RoostIngest

/// Answers one `TraceQuery`: walks the heads of the index from the newest start on, reads the blocks
/// that may have what is meant, and looks at the row of each trace that may be meant, in order.
///
/// An entry of the index may be out of date: the row says in which block the right one is, and what
/// is shown has been compared with the query. A trace is sure to be next when no block that has not
/// been read has a start as late as its.
///
/// Where more traces may be next than are kept in mind, as when all have one start, the index is
/// walked again for those behind the last of them.
struct TraceSearch {
    private let query: TraceQuery
    private let reader: ReaderDatabase
    private let admits: ReaderDatabase.Admission
    private let terms: [Term]
    /// The service as it is listed, and as summaries have it.
    private let service: (listed: String, inSummaries: String)?
    private let limit: Int
    private var after: Place?
    /// Nanoseconds after which a trace without its root is over, and Unix nanoseconds.
    private let hold: UInt64
    private let now = unixNanoseconds()
    /// The trace that is looked for, when it is only one.
    private var only: Int?
    private var waiting: CandidateHeap
    private var found: [(summary: TraceSummary, place: Place)] = []
    private var steps = 0
    private var unmeant = 0

    /// Where a trace stands in the order: by start, then by number, both descending.
    struct Place: Equatable {
        var start: UInt64
        var trace: Int

        func isBefore(_ other: Place) -> Bool {
            start != other.start ? start > other.start : trace > other.trace
        }

        var cursor: String { String(start, radix: 16) + "-" + String(trace, radix: 16) }

        init(start: UInt64, trace: Int) {
            self.start = start
            self.trace = trace
        }

        init?(cursor: String) {
            let parts = cursor.split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let start = UInt64(parts[0], radix: 16),
                let trace = Int(parts[1], radix: 16), trace >= 0
            else { return nil }
            self.init(start: start, trace: trace)
        }
    }

    /// A block costs one step, and so do eight rows that turn out not to be meant; a trace whose
    /// attributes are looked into costs sixteen, and one for each 64 KiB of it.
    private static let rowsOfStep = 8
    private static let stepsOfAttributes = 16
    private static let bitsOfStep = 16
    /// In a trace of fewer spans each is looked at when its row is made.
    private static let wholeSpans = 20_000

    /// `admits` is told the bytes of each part of a trace before it is looked through, and may refuse
    /// them; there is one at a time.
    init(
        _ query: TraceQuery, _ reader: ReaderDatabase, hold: UInt64,
        admits: @escaping ReaderDatabase.Admission = { _ in true }
    ) throws(QueryFailure) {
        self.query = query
        self.hold = hold
        self.reader = reader
        self.admits = admits
        waiting = CandidateHeap(kept: query.mostWaiting)
        limit = min(max(query.limit, 1), TraceQuery.mostTraces)
        if let cursor = query.cursor {
            guard let place = Place(cursor: cursor) else { throw .query(.badCursor) }
            after = place
        } else {
            after = nil
        }
        service = query.service.map {
            (ListedName.cut($0), ListedName.cut($0, to: ActivityBatch.longestText))
        }
        var terms: [Term] = []
        if let service {
            terms.append(Term(.service, service.listed))
            if let operation = query.span.operation {
                terms.append(Term(operation: ListedName.cut(operation), of: service.listed))
            }
        }
        if let workflow = query.workflow { terms.append(Term(.workflow, workflow)) }
        if let agent = query.agent { terms.append(Term(.agent, agent)) }
        if let session = query.session { terms.append(Term(.session, session)) }
        if let status = query.status { terms.append(Term(.status, status.rawValue)) }
        self.terms = terms
    }

    mutating func run() throws(QueryFailure) -> TracePage {
        if let page = try pageByID() { return page }
        repeat {
            waiting = CandidateHeap(kept: query.mostWaiting)
            try walk()
            after = waiting.last
        } while after != nil && found.count <= limit
        var page = TracePage()
        page.traces = found.prefix(limit).map(\.summary)
        if found.count > limit { page.cursor = found[limit - 1].place.cursor }
        return page
    }

    /// The one trace whose id the workflow's name is; nil when the name is none, there is no such
    /// trace, or it is not meant by the rest of the query.
    private func pageByID() throws(QueryFailure) -> TracePage? {
        guard query.cursor == nil, let key = query.workflow.flatMap(TraceKey.init(hex:)) else {
            return nil
        }
        var rest = query
        rest.workflow = nil
        var search = try TraceSearch(rest, reader, hold: hold, admits: admits)
        return try search.page(of: key)
    }

    private mutating func page(of key: TraceKey) throws(QueryFailure) -> TracePage? {
        let row = try reading { () throws(SQLiteError) in try reader.find(key) }
        guard let row, let block = try block(of: row.id) else { return nil }
        only = row.id
        try collect(block)
        _ = try emit(laterThan: nil)
        guard let summary = found.first?.summary else { return nil }
        var page = TracePage()
        page.traces = [summary]
        return page
    }

    /// The block in which the index has a trace.
    private func block(of trace: Int) throws(QueryFailure) -> Int? {
        try reading { () throws(SQLiteError) in
            reader.traceByNumber.bind(1, trace)
            defer { reader.traceByNumber.reset() }
            return try reader.traceByNumber.step() ? reader.traceByNumber.int(2) : nil
        }
    }

    /// Until enough was found, or everything that was kept in mind was looked at.
    private mutating func walk() throws(QueryFailure) {
        reader.heads.bind(1, Int(clamping: query.since ?? 0))
        let latest = min(query.until ?? .max, after?.start ?? .max)
        reader.heads.bind(2, Int(clamping: latest))
        reader.heads.bind(3, Int(clamping: shortest))
        reader.heads.bind(4, Int(clamping: query.maxDuration ?? .max))
        defer { reader.heads.reset() }
        while try reading({ () throws(SQLiteError) in try reader.heads.step() }) {
            guard unsafe reader.heads.withBytes(2, mayHaveTerms) else { continue }
            if try emit(laterThan: reader.heads.bits(1)) || waiting.isSpent { return }
            try spend(1)
            try collect(reader.heads.int(0))
        }
        _ = try emit(laterThan: nil)
    }

    // MARK: the index

    /// Of a trace that may be meant: it lasts as long as each of its spans.
    private var shortest: UInt64 { max(query.minDuration ?? 0, query.span.minDuration ?? 0) }

    private func mayHaveTerms(_ marks: UnsafeRawBufferPointer) -> Bool {
        terms.allSatisfy { unsafe IndexHead.mayHave($0, in: marks) }
    }

    private mutating func collect(_ number: Int) throws(QueryFailure) {
        reader.block.bind(1, number)
        guard try reading({ () throws(SQLiteError) in try reader.block.step() }) else { return }
        collect(number, reader.block)
        reader.block.reset()
    }

    /// Adds the entries of a block that have every term and lie within the bounds.
    private mutating func collect(_ number: Int, _ block: borrowing SQLiteStatement) {
        let places = unsafe block.withBytes(0) { dictionary -> [Int]? in
            var places: [Int] = []
            for term in terms {
                guard let place = unsafe IndexBlockReading.find(term, in: dictionary) else {
                    return nil
                }
                places.append(place)
            }
            return places
        }
        guard let places else { return }
        let dictionaryTerms = unsafe block.withBytes(0) { $0.count / 8 }
        let lists = places.isEmpty ? [] : entries(places, of: dictionaryTerms, block)
        unsafe block.withBytes(1) { fixed in
            let count = fixed.count / 24
            if terms.isEmpty {
                for entry in 0..<count { unsafe consider(entry, fixed, block: number) }
            } else {
                for entry in lists where entry < count {
                    unsafe consider(Int(entry), fixed, block: number)
                }
            }
        }
    }

    /// What the lists at all of these places have in common.
    private func entries(
        _ places: [Int], of terms: Int, _ block: borrowing SQLiteStatement
    ) -> [UInt16] {
        unsafe block.withBytes(2) { bytes in
            var lists = places.map { unsafe IndexBlockReading.list($0, of: terms, in: bytes) }
            lists.sort { $0.count < $1.count }
            var common = lists[0]
            for list in lists.dropFirst() {
                let others = Set(list)
                common.removeAll { !others.contains($0) }
            }
            return common
        }
    }

    private mutating func consider(_ entry: Int, _ fixed: UnsafeRawBufferPointer, block: Int) {
        let start = unsafe IndexBlockReading.word(fixed, entry * 3)
        let duration = unsafe IndexBlockReading.word(fixed, entry * 3 + 1)
        let trace = unsafe Int(clamping: IndexBlockReading.word(fixed, entry * 3 + 2))
        if let only, trace != only { return }
        guard start >= query.since ?? 0, start <= query.until ?? .max,
            duration >= shortest, duration <= query.maxDuration ?? .max
        else { return }
        let place = Place(start: start, trace: trace)
        if let after, !after.isBefore(place) { return }
        waiting.insert(Candidate(place: place, block: block))
    }

    // MARK: the rows

    /// Looks at the candidates that come before whatever has a start up to `start`; says whether
    /// enough was found.
    private mutating func emit(laterThan start: UInt64?) throws(QueryFailure) -> Bool {
        while found.count <= limit, let next = waiting.first {
            if let start, next.place.start <= start { return false }
            waiting.removeFirst()
            guard let summary = try row(next), try isMeant(summary, next.place.trace) else {
                unmeant += 1
                if unmeant.isMultiple(of: Self.rowsOfStep) { try spend(1) }
                continue
            }
            found.append((summary, next.place))
        }
        return found.count > limit
    }

    /// The summary of a candidate, unless its row has gone or is elsewhere in the index.
    private func row(_ candidate: Candidate) throws(QueryFailure) -> TraceSummary? {
        try reading { () throws(SQLiteError) in
            reader.traceByNumber.bind(1, candidate.place.trace)
            guard try reader.traceByNumber.step() else { return nil }
            defer { reader.traceByNumber.reset() }
            return summary(reader.traceByNumber, of: candidate)
        }
    }

    private func summary(
        _ row: borrowing SQLiteStatement, of candidate: Candidate
    ) -> TraceSummary? {
        guard row.int(2) == candidate.block else { return nil }
        let (high, low) = (row.bits(0), row.bits(1))
        var summary = unsafe row.withBytes(3) {
            unsafe SummaryCoding.decode($0, high: high, low: low)
        }
        summary.settle(now: now, hold: hold)
        return summary
    }

    private mutating func isMeant(
        _ summary: TraceSummary, _ trace: Int
    ) throws(QueryFailure) -> Bool {
        guard hasNames(summary) else { return false }
        if let status = query.status, summary.status != status { return false }
        guard query.span.isAboutSpans else { return true }
        // The commonest of these questions, answered from the row as far as it can be.
        if wantsError, summary.errors == 0, summary.spans < Self.wholeSpans { return false }
        return try hasSpan(trace)
    }

    /// Looks through one part of a trace after another.
    private mutating func hasSpan(_ trace: Int) throws(QueryFailure) -> Bool {
        try spend(Self.stepsOfAttributes)
        var isFound = false
        var bytes = 0
        let isRead = try reader.forEachChunk(of: trace, admits: admits) {
            chunk throws(QueryFailure) in
            let before = bytes >> Self.bitsOfStep
            bytes += chunk.count
            try spend(bytes >> Self.bitsOfStep - before)
            isFound = RoostStore.hasSpan(in: chunk, query.span, of: service?.listed)
            return !isFound
        }
        guard isRead else { throw .query(.noRoom) }
        return isFound
    }

    private var wantsError: Bool {
        query.span.tags.contains { $0.key == "error" && $0.value == "true" }
    }

    /// Whether a summary has the names that are meant, as far as it tells all.
    private func hasNames(_ summary: TraceSummary) -> Bool {
        if let service = service?.inSummaries, service != ListedName.unknownService,
            summary.services.count < TraceSummary.mostServices,
            !summary.services.holds(service), !summary.service.isExactly(service)
        {
            return false
        }
        if let agent = query.agent, summary.agents.count < TraceSummary.mostAgents,
            !summary.agents.holds(agent)
        {
            return false
        }
        if let workflow = query.workflow, !summary.workflow.isExactly(workflow) { return false }
        if let session = query.session, !summary.session.isExactly(session) { return false }
        return true
    }

    private mutating func spend(_ more: Int) throws(QueryFailure) {
        steps += more
        guard steps <= query.mostSteps else {
            throw .query(
                .tooMuch(
                    "this question would read too much; narrow it with since and until, or with "
                        + "a filter that fewer traces meet"))
        }
    }
}
