/// Which signal the work of each service is taken from, so that what is told by several counts once.
///
/// Spans are believed before log events and those before metrics: they say most. Where sessions are
/// told, each is judged by itself, since every user of a tool sends under one service name. What has
/// been silent in the better signal for `freshness` is believed in the next one. What spans tell that
/// events have told shortly before is known by its end and its name, so nothing counts twice while a
/// service changes over.
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

    enum Signal: Int { case metrics, logs, traces }

    /// A service, or one session of it.
    struct Source: Hashable, Sendable {
        var service: Int32
        /// A hash of the session; 0 where none is told.
        var session: UInt64
    }

    /// What was heard from one source.
    private struct Record: Sendable {
        let source: Source
        /// Monotonic nanoseconds of the last word, by fact and signal; 0 is never.
        var heard = [UInt64](repeating: 0, count: 9)
        /// What events have told lately, by fact.
        var told: [[Told]] = []

        func isFresh(_ fact: Fact, _ signal: Signal, _ now: UInt64) -> Bool {
            let last = heard[fact.rawValue * 3 + signal.rawValue]
            return last != 0 && now &- last < AgentSignals.freshness
        }
    }

    private struct Told: Sendable {
        var name: Int32
        /// Unix nanoseconds.
        var end: UInt64
    }

    private var records: [Record] = []
    private var places: [Source: Int] = [:]
    /// The source asked for last.
    private var latest: (source: Source, place: Int) = (Source(service: -1, session: 0), -1)

    /// Whether events have told anything without a session.
    private var areSomeWithoutSession = false

    /// Stands for all sessions of a service together.
    private static let everySession = UInt64.max

    /// Nanoseconds.
    private static let freshness: UInt64 = 600_000_000_000
    private static let mostRecords = 10_000
    private static let mostTold = 64
    /// The clocks and moments of a span and of an event of one thing differ by less.
    private static let tolerance: UInt64 = 3_000_000_000

    /// Takes in what a span tells; true when an event has told and counted it before. `name` is the
    /// number of its model, tool or agent.
    mutating func span(
        _ fact: Fact, _ source: Source, name: Int32, end: UInt64, now: UInt64
    ) -> Bool {
        hear(fact, .traces, source, now)
        if let place = place(of: source), !records[place].told.isEmpty,
            wasTold(place, fact, name: name, end: end)
        {
            return true
        }
        guard areSomeWithoutSession, source.session != 0,
            let place = places[Source(service: source.service, session: 0)],
            !records[place].told.isEmpty
        else { return false }
        return wasTold(place, fact, name: name, end: end)
    }

    /// Whether spans tell what an event does; `fact` is nil for what only explains other events.
    mutating func leavesOutEvent(_ fact: Fact?, _ source: Source, now: UInt64) -> Bool {
        guard let fact else {
            return Fact.allCases.contains { hasFresh($0, .traces, for: source, now) }
        }
        hear(fact, .logs, source, now)
        return hasFresh(fact, .traces, for: source, now)
    }

    /// Remembers what an event has told for the first time, should a span tell it again.
    mutating func event(_ fact: Fact, _ source: Source, name: Int32, end: UInt64) {
        guard let place = place(of: source) else { return }
        if source.session == 0 { areSomeWithoutSession = true }
        if records[place].told.isEmpty {
            records[place].told = [[Told]](repeating: [], count: Fact.allCases.count)
        }
        if records[place].told[fact.rawValue].count >= Self.mostTold {
            records[place].told[fact.rawValue].removeFirst()
        }
        records[place].told[fact.rawValue].append(Told(name: name, end: end))
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

    /// By service and fact, which signal is believed and which others are heard; of `most` at most.
    func beliefs(
        now: UInt64, most: Int
    ) -> [(service: Int32, fact: Fact, signal: Signal, others: [Signal])] {
        var found: [(Int32, Fact, Signal, [Signal])] = []
        for record in records where record.source.session == Self.everySession {
            for fact in Fact.allCases {
                let heard = [Signal.traces, .logs, .metrics].filter {
                    record.isFresh(fact, $0, now)
                }
                guard let first = heard.first else { continue }
                found.append((record.source.service, fact, first, Array(heard.dropFirst())))
                if found.count >= most { return found }
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
            guard let place = places[Source(service: source.service, session: session)] else {
                return false
            }
            return records[place].isFresh(fact, signal, now)
        }
        if source.session == 0 { return isFresh(Self.everySession) }
        return isFresh(source.session) || isFresh(0)
    }

    @inline(__always)
    private mutating func hear(_ fact: Fact, _ signal: Signal, _ source: Source, _ now: UInt64) {
        let slot = fact.rawValue * 3 + signal.rawValue
        if source == latest.source {
            // The whole service was told with it.
            let last = records[latest.place].heard[slot]
            if last != 0, now &- last < 1_000_000_000 { return }
        }
        if let every = place(of: Source(service: source.service, session: Self.everySession)) {
            records[every].heard[slot] = now
        }
        if let place = place(of: source) { records[place].heard[slot] = now }
    }

    private mutating func wasTold(_ place: Int, _ fact: Fact, name: Int32, end: UInt64) -> Bool {
        let told = records[place].told[fact.rawValue]
        let found = told.firstIndex {
            $0.name == name && max($0.end, end) - min($0.end, end) <= Self.tolerance
        }
        guard let found else { return false }
        records[place].told[fact.rawValue].remove(at: found)
        return true
    }

    @inline(__always)
    private mutating func place(of source: Source) -> Int? {
        source == latest.source ? latest.place : find(source)
    }

    @inline(never)
    private mutating func find(_ source: Source) -> Int? {
        guard source.service >= 0 else { return nil }
        if let known = places[source] {
            latest = (source, known)
            return known
        }
        if records.count >= Self.mostRecords { forgetHalf() }
        let place = records.count
        records.append(Record(source: source))
        places[source] = place
        latest = (source, place)
        return place
    }

    /// The half that has been silent for longest goes.
    private mutating func forgetHalf() {
        let kept = records.sorted { ($0.heard.max() ?? 0) > ($1.heard.max() ?? 0) }
            .prefix(Self.mostRecords / 2)
        records = Array(kept)
        places = [:]
        for (place, record) in records.enumerated() { places[record.source] = place }
        latest = (Source(service: -1, session: 0), -1)
    }
}
