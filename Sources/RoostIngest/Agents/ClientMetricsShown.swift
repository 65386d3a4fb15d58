import RoostCore

/// Something about each table of the computed client metrics.
struct ClientTables<Value> {
    /// By operation, as the next two.
    var durations: [Value]
    var inputTokens: [Value]
    var outputTokens: [Value]
    /// By detail within.
    var details: [[Value]]
}

extension ClientTables: Sendable where Value: Sendable {}

extension ClientMetrics {
    func tables<Value>(
        _ histogram: (AgentHistogram) -> Value, _ counter: (AgentCounter) -> Value
    ) -> ClientTables<Value> {
        ClientTables(
            durations: durations.map(histogram), inputTokens: inputTokens.map(histogram),
            outputTokens: outputTokens.map(histogram),
            details: detailTokens.map { $0.map(counter) })
    }
}

/// What has been made of the computed client metrics for those who look at the page.
public struct ClientMetricsShown: Sendable {
    /// Services whose series have been taken off, since they send their own.
    private var withdrawn: Set<Int32> = []
    /// How many series of each table Prometheus has been shown as nothing.
    private var introduced: ClientTables<Int>?
    /// Empty without an expiry.
    private var quiet: ClientTables<QuietSeries>?
    /// In nanoseconds; nil is never.
    private var expiry: UInt64?
    private var now: UInt64 = 0
    /// Prometheus has asked.
    private var servesPrometheus = false

    /// How a series is told.
    enum Presence {
        case shown
        /// It has counted nothing for longer than the expiry, and is to be told so.
        case leaving
        /// That has been told.
        case gone
    }

    /// What has counted nothing for long in one table.
    private struct QuietSeries {
        var activity = SeriesActivity()
        var told: Set<Int> = []

        /// Prometheus is shown the series below `shown` as they are, if they are not quiet.
        mutating func look(
            count: Int, shown: Int, now: UInt64, expiry: UInt64, afterShown: Bool,
            mark: (_ number: Int) -> UInt64
        ) -> [Presence] {
            activity.note(count: count, now: now, mark: mark)
            return (0..<count).map { number in
                let isQuiet = activity.isQuiet(
                    number, now: now, expiry: expiry, afterShown: afterShown)
                guard isQuiet else {
                    told.remove(number)
                    if number < shown { activity.noteShown(number) }
                    return .shown
                }
                return told.insert(number).inserted ? .leaving : .gone
            }
        }
    }

    public init() {}

    /// A series that has counted nothing for longer than `expiry` is left out by the request that is
    /// made next, and is back with all that it ever counted once it counts again. What Prometheus, if
    /// it ever asks, has not been shown of it comes first.
    ///
    /// `now` in nanoseconds of any clock that does not run backwards.
    public mutating func use(expiry: Duration?, now: UInt64) {
        self.expiry = expiry?.nanoseconds
        self.now = now
        if expiry == nil { quiet = nil }
    }

    /// False when that was done before.
    mutating func withdraw(_ service: Int32) -> Bool { withdrawn.insert(service).inserted }

    /// From which series on those of each table are to be shown as nothing.
    mutating func introduce(
        _ metrics: ClientMetrics, isForPrometheus: Bool
    ) -> ClientTables<Int> {
        let all = metrics.tables({ $0.index.count }, { $0.index.count })
        guard isForPrometheus else { return all }
        servesPrometheus = true
        defer { introduced = all }
        // A table that has begun anew is new as a whole.
        func known(_ before: [Int]?, _ now: [Int]) -> [Int] {
            now.enumerated().map { place, count in
                guard let before, place < before.count, before[place] <= count else { return 0 }
                return before[place]
            }
        }
        return ClientTables(
            durations: known(introduced?.durations, all.durations),
            inputTokens: known(introduced?.inputTokens, all.inputTokens),
            outputTokens: known(introduced?.outputTokens, all.outputTokens),
            details: all.details.enumerated().map { operation, counts in
                known(introduced?.details[operation], counts)
            })
    }

    /// How each series of each table is told. `toPrometheus`: from which series on it is shown those
    /// of each table as nothing; nil when somebody else asks.
    mutating func look(
        _ metrics: ClientMetrics, toPrometheus: ClientTables<Int>?
    ) -> ClientTables<[Presence]> {
        guard let expiry else {
            func shown(_ index: AgentSeriesIndex) -> [Presence] {
                [Presence](repeating: .shown, count: index.count)
            }
            return metrics.tables({ shown($0.index) }, { shown($0.index) })
        }
        var all = quiet ?? metrics.tables({ _ in QuietSeries() }, { _ in QuietSeries() })
        let shown = toPrometheus ?? metrics.tables({ _ in 0 }, { _ in 0 })
        let (now, afterShown) = (now, servesPrometheus)
        func look(
            _ index: AgentSeriesIndex, _ shown: Int, _ quiet: inout QuietSeries,
            _ mark: (_ number: Int) -> UInt64
        ) -> [Presence] {
            quiet.look(
                count: index.count, shown: shown, now: now, expiry: expiry, afterShown: afterShown,
                mark: mark)
        }
        func each(
            _ tables: [AgentHistogram], _ shown: [Int], _ quiet: inout [QuietSeries]
        ) -> [[Presence]] {
            tables.indices.map { look(tables[$0].index, shown[$0], &quiet[$0], tables[$0].mark) }
        }
        let presence = ClientTables(
            durations: each(metrics.durations, shown.durations, &all.durations),
            inputTokens: each(metrics.inputTokens, shown.inputTokens, &all.inputTokens),
            outputTokens: each(metrics.outputTokens, shown.outputTokens, &all.outputTokens),
            details: metrics.detailTokens.indices.map { operation in
                metrics.detailTokens[operation].indices.map { place in
                    let table = metrics.detailTokens[operation][place]
                    return look(
                        table.index, shown.details[operation][place],
                        &all.details[operation][place], table.mark)
                }
            })
        quiet = all
        return presence
    }
}
