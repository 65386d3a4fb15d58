/// Which signal the work of each service is taken from, so that what is told by several counts once.
///
/// Spans are believed before log events and those before metrics: they say most. Where sessions are
/// told, each is judged by itself, since every user of a tool sends under one service name. What has
/// been silent in the better signal for `freshness` is believed in the next one. What spans tell that
/// events have told shortly before is known by its ids, else by its end and its name unless tokens or
/// outcome contradict, so nothing counts twice while a service changes over.
struct AgentSignals: Sendable {
    /// What a signal tells of.
    enum Fact: Int, CaseIterable {
        case calls, tools, runs

        init?(_ kind: ActivityKind) {
            switch kind {
            case .llm, .embedding: self = .calls
            case .tool: self = .tools
            case .agent: self = .runs
            default: return nil
            }
        }
    }

    /// From the best to the least.
    enum Signal: Int, CaseIterable { case traces, logs, metrics }

    /// A service, or one session of it.
    struct Source: Hashable, Sendable {
        var service: Int32
        /// A hash of the session; 0 where none is told.
        var session: UInt64
    }

    /// What was heard from one source.
    private struct Record: Sendable {
        let source: Source
        /// The place of the record of its whole service.
        var whole: Int
        /// Monotonic nanoseconds of the last word, by fact and signal; 0 is never.
        var heard = InlineArray<9, UInt64>(repeating: 0)
        /// Of a whole service: monotonic nanoseconds at which an event was last counted.
        var toldAt: UInt64 = 0

        func hasHeard(_ fact: Fact, _ signal: Signal) -> Bool {
            heard[fact.rawValue * 3 + signal.rawValue] != 0
        }

        func isFresh(_ fact: Fact, _ signal: Signal, _ now: UInt64) -> Bool {
            let last = heard[fact.rawValue * 3 + signal.rawValue]
            return last != 0 && now &- last < AgentSignals.freshness
        }

        var lastWord: UInt64 { heard.indices.reduce(0) { max($0, heard[$1]) } }
    }

    private var records: [Record] = []
    private var places = IdIndex()
    /// The source asked for last.
    private var latest: (source: Source, place: Int) = (Source(service: -1, session: 0), -1)
    private var told = ToldEvents()

    /// Stands for all sessions of a service together.
    private static let everySession = UInt64.max

    /// Nanoseconds.
    private static let freshness: UInt64 = 600_000_000_000
    private static let mostRecords = 10_000

    /// Takes in that a span tells something; true when events of its service have been counted
    /// lately, so that one may have told it before.
    mutating func span(_ fact: Fact, _ source: Source, now: UInt64) -> Bool {
        hear(fact, .traces, source, now)
        guard let place = place(of: source) else { return false }
        let toldAt = records[records[place].whole].toldAt
        return toldAt != 0 && now &- toldAt < Self.freshness
    }

    /// Whether an event has told and counted before what a span tells. `name` is the number of its
    /// model, tool or agent.
    mutating func wasTold(
        _ fact: Fact, _ source: Source, name: Int32, end: UInt64, _ account: ToldAccount
    ) -> Bool {
        told.take(fact, source, name: name, end: end, account)
    }

    /// Whether spans tell what an event does; `fact` is nil for what only explains other events.
    mutating func leavesOutEvent(_ fact: Fact?, _ source: Source, now: UInt64) -> Bool {
        guard let fact else { return isTraced(source, now: now) }
        hear(fact, .logs, source, now)
        return hasFresh(fact, .traces, for: source, now)
    }

    /// Remembers what an event has told for the first time, should a span tell it again.
    mutating func event(
        _ fact: Fact, _ source: Source, name: Int32, end: UInt64, _ account: ToldAccount,
        now: UInt64
    ) {
        guard let place = place(of: source) else { return }
        records[records[place].whole].toldAt = max(now, 1)
        told.note(fact, source, name: name, end: end, account)
    }

    /// Whether spans or events tell what a metric does.
    mutating func leavesOutMetric(_ fact: Fact, _ source: Source, now: UInt64) -> Bool {
        hear(fact, .metrics, source, now)
        return hasFresh(fact, .traces, for: source, now) || hasFresh(fact, .logs, for: source, now)
    }

    /// Whether any work of a source is taken from its spans.
    func isTraced(_ source: Source, now: UInt64) -> Bool {
        Fact.allCases.contains { hasFresh($0, .traces, for: source, now) }
    }

    // MARK: who is believed

    struct Belief {
        let service: Int32
        let fact: Fact
        let signal: Signal
        /// Heard besides; left out wherever the same session tells the better one.
        let others: [Signal]
        /// Better signals that have told it once and fallen silent.
        let silent: [Signal]
        /// How many sessions are taken from each signal.
        var sessions = InlineArray<3, Int>(repeating: 0)
    }

    /// By service and fact; of `most` services at most.
    func beliefs(now: UInt64, most: Int) -> [Belief] {
        var found: [Belief] = []
        var places: [Int: Int] = [:]
        var services = 0
        for (place, record) in records.enumerated() where place == record.whole {
            services += 1
            if services > most { break }
            for fact in Fact.allCases {
                let fresh = Signal.allCases.filter { record.isFresh(fact, $0, now) }
                guard let best = fresh.first else { continue }
                let silent = Signal.allCases.prefix(best.rawValue).filter {
                    record.hasHeard(fact, $0)
                }
                places[place * 3 + fact.rawValue] = found.count
                found.append(
                    Belief(
                        service: record.source.service, fact: fact, signal: best,
                        others: Array(fresh.dropFirst()), silent: silent))
            }
        }
        for (place, record) in records.enumerated()
        where place != record.whole && record.source.session != 0 {
            for fact in Fact.allCases {
                guard let index = places[record.whole * 3 + fact.rawValue],
                    Signal.allCases.contains(where: { record.isFresh(fact, $0, now) }),
                    let signal = Signal.allCases.first(where: {
                        hasFresh(fact, $0, for: record.source, now)
                    })
                else { continue }
                found[index].sessions[signal.rawValue] += 1
            }
        }
        return found
    }

    // MARK: what was heard

    /// A source without a session is told by any span of its service, one with a session by spans of
    /// that session and by those that tell none.
    private func hasFresh(
        _ fact: Fact, _ signal: Signal, for source: Source, _ now: UInt64
    ) -> Bool {
        func isFresh(_ session: UInt64) -> Bool {
            place(of: Source(service: source.service, session: session), in: records)
                .map { records[$0].isFresh(fact, signal, now) } ?? false
        }
        if source.session == 0 { return isFresh(Self.everySession) }
        return isFresh(source.session) || isFresh(0)
    }

    @inline(__always)
    private mutating func hear(_ fact: Fact, _ signal: Signal, _ source: Source, _ now: UInt64) {
        let slot = fact.rawValue * 3 + signal.rawValue
        guard let place = place(of: source) else { return }
        let last = records[place].heard[slot]
        if last != 0, now &- last < 1_000_000_000 { return }
        records[place].heard[slot] = now
        records[records[place].whole].heard[slot] = now
    }

    @inline(__always)
    private mutating func place(of source: Source) -> Int? {
        source == latest.source ? latest.place : find(source)
    }

    @inline(never)
    private mutating func find(_ source: Source) -> Int? {
        guard source.service >= 0 else { return nil }
        if let known = place(of: source, in: records) {
            latest = (source, known)
            return known
        }
        if records.count >= Self.mostRecords { forgetHalf() }
        let place = add(source)
        latest = (source, place)
        return place
    }

    private func place(of source: Source, in records: [Record]) -> Int? {
        places.find(hash(source)) { records[Int($0)].source == source }.map(Int.init)
    }

    private func hash(_ source: Source) -> UInt64 {
        IdIndex.mix(source.session, UInt64(UInt32(bitPattern: source.service)))
    }

    private mutating func add(_ source: Source) -> Int {
        let every = Source(service: source.service, session: Self.everySession)
        let whole = place(of: every, in: records) ?? records.count
        if whole == records.count {
            records.append(Record(source: every, whole: whole))
            places.insert(hash(every), Int32(whole))
        }
        places.insert(hash(source), Int32(records.count))
        records.append(Record(source: source, whole: whole))
        return records.count - 1
    }

    /// Those that have been silent for longest go, at least half.
    private mutating func forgetHalf() {
        // Each may need the record of its service besides.
        let kept = records.filter { $0.source.session != Self.everySession }
            .map { (lastWord: $0.lastWord, record: $0) }
            .sorted { $0.lastWord > $1.lastWord }.prefix(Self.mostRecords / 4).map(\.record)
        let before = records
        records = []
        places = IdIndex()
        for record in kept {
            let place = add(record.source)
            records[place].heard = record.heard
            records[records[place].whole].heard = before[record.whole].heard
            records[records[place].whole].toldAt = before[record.whole].toldAt
        }
        latest = (Source(service: -1, session: 0), -1)
    }
}
