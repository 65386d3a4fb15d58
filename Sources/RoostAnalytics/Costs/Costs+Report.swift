public import RoostIngest

extension Costs {
    /// What is known of a period.
    ///
    /// - Parameters:
    ///   - limit: of names for each dimension.
    ///   - rates: the price of a model of a provider, now.
    public func report(
        _ period: CostPeriod, limit: Int = 5, now: UInt64,
        rates: (_ model: String, _ provider: String) -> PriceRates? = { _, _ in nil }
    ) -> CostReport {
        let range = days(of: period)
        let total = sum(all, period, range)
        let models = tables[CostDimension.model.rawValue].rows.map { row in
            CostModel(row, sum(row, period, range), rates(row.name, row.provider))
        }
        var report = CostReport(
            period: period, time: now, from: from(period, range, now: now),
            total: CostFigures(total), lifetime: CostFigures(lifetime), since: since,
            cache: cacheFigures(total, models))
        report.dayTrend = dayTrend(all, now: now)
        report.weekTrend = weekTrend(now: now)
        for dimension in CostDimension.allCases {
            let spenders = tables[dimension.rawValue].rows.map { ($0, sum($0, period, range)) }
                .filter { !$0.1.isEmpty }
                .sorted {
                    ($1.1.cost, $1.1.tokens.total, $0.0.name)
                        < ($0.1.cost, $0.1.tokens.total, $1.0.name)
                }
            report.counts[dimension] = spenders.count
            report.groups[dimension] = spenders.prefix(max(0, limit)).map { row, tally in
                CostShare(
                    name: row.name, figures: CostFigures(tally),
                    share: total.cost > 0 ? tally.cost / total.cost : nil,
                    trend: dayTrend(row, now: now))
            }
        }
        report.unpriced = models.filter { $0.tally.unpriced > 0 }.map {
            UnpricedModel(
                model: $0.name, provider: $0.provider, calls: UInt64($0.tally.unpriced),
                tokens: $0.tally.tokens.total)
        }.sorted { ($1.calls, $0.model) < ($0.calls, $1.model) }
        let known = completeDays
        report.completeDays = known.count
        report.forecast = forecast(known, now: now)
        report.advice = CostAdvice.all(
            total: total, models: models,
            agents: tables[CostDimension.agent.rawValue].rows.map {
                ($0.name, sum($0, period, range))
            }, monthly: monthly(from: report.from, now: now))
        report.days = dayFigures
        return report
    }

    // MARK: Stretches of time

    private var today: UInt32 { hour / 24 }

    private func days(of period: CostPeriod) -> ClosedRange<UInt32> {
        switch period {
        case .day: today...today
        case .week: (today &- min(today, 6))...today
        case .month: (today &- min(today, 29))...today
        case .calendarMonth: CostCalendar.month(of: today).first...today
        }
    }

    private func from(
        _ period: CostPeriod, _ range: ClosedRange<UInt32>, now: UInt64
    ) -> UInt64 {
        let first =
            period == .day
            ? UInt64(hour &- min(hour, 23)) * Costs.hourLength
            : UInt64(range.lowerBound) * 24 * Costs.hourLength
        return max(since, first)
    }

    private func sum(
        _ row: CostTable.Row, _ period: CostPeriod, _ range: ClosedRange<UInt32>
    ) -> CostTally {
        var sum =
            period == .day
            ? row.history.sum(hours: (hour &- min(hour, 23))...hour)
            : row.history.sum(days: range)
        sum.add(row.live)
        return sum
    }

    /// By how much to multiply what a period cost to have it for 30 days.
    private func monthly(from: UInt64, now: UInt64) -> Double {
        let day = 24 * Costs.hourLength
        return 30 * Double(day) / Double(max(day, now > from ? now - from : 0))
    }

    /// The last 24 hours to the minute against the 24 before: of the hours at either end, the
    /// share that belongs to it.
    private func dayTrend(_ row: CostTable.Row, now: UInt64) -> CostTrend? {
        let known = now > since ? now - since : 0
        guard since > 0, known >= 48 * Costs.hourLength, hour > 48 else { return nil }
        let begun = UInt64(hour) * Costs.hourLength
        let passed = now > begun ? min(1, Double(now - begun) / Double(Costs.hourLength)) : 0
        let edge = row.history.cost(hour: hour - 24)
        var current = row.live.cost + row.history.sum(hours: (hour - 23)...hour).cost
        current += (1 - passed) * edge
        var before = row.history.sum(hours: (hour - 47)...(hour - 25)).cost + passed * edge
        before += (1 - passed) * row.history.cost(hour: hour - 48)
        return CostTrend(current: current, before: before)
    }

    /// The last seven complete days against the seven before.
    private func weekTrend(now: UInt64) -> CostTrend? {
        let first = UInt32(since / Costs.hourLength / 24)
        guard since > 0, today > 14, first < today - 14 else { return nil }
        return CostTrend(
            current: all.history.sum(days: (today - 7)...(today - 1)).cost,
            before: all.history.sum(days: (today - 14)...(today - 8)).cost)
    }

    /// Days on which time passed here from midnight to midnight, as far as can be told.
    private var completeDays: [(day: UInt32, cost: Double)] {
        let first = UInt32(since / Costs.hourLength / 24)
        return all.history.days.filter { $0.index > first && $0.index < today }
            .map { ($0.index, $0.tally.cost) }
    }

    private func forecast(_ known: [(day: UInt32, cost: Double)], now: UInt64) -> CostForecast? {
        let month = CostCalendar.month(of: today)
        let midnight = UInt64(today) * 24 * Costs.hourLength
        let passed = now > midnight ? Double(now - midnight) / Double(24 * Costs.hourLength) : 0
        return CostForecast(
            totals: known, today: today, passed: min(1, passed),
            remaining: Int(month.next) - Int(today) - 1,
            monthToDate: sum(all, .calendarMonth, month.first...today).cost)
    }

    private var dayFigures: [(day: UInt32, figures: CostFigures)] {
        let from = today &- min(today, 30)
        var days = all.history.days.filter { $0.index >= from && $0.index <= today }
            .map { ($0.index, $0.tally) }
        if days.last?.0 != today { days.append((today, CostTally())) }
        days[days.count - 1].1.add(all.live)
        return days.map { (day: $0.0, figures: CostFigures($0.1)) }
    }

    private func cacheFigures(_ total: CostTally, _ models: [CostModel]) -> CacheFigures {
        let savings = models.compactMap(\.cacheSavings)
        return CacheFigures(
            readTokens: total.tokens.cacheRead,
            share: total.inputTokens > 0
                ? Double(total.tokens.cacheRead) / Double(total.inputTokens) : nil,
            savings: savings.isEmpty ? nil : savings.reduce(0, +))
    }
}

/// What a model cost, with its price.
struct CostModel {
    let name: String
    let provider: String
    let tally: CostTally
    let rates: PriceRates?

    init(_ row: CostTable.Row, _ tally: CostTally, _ rates: PriceRates?) {
        name = row.name
        provider = row.provider
        self.tally = tally
        self.rates = rates
    }

    /// USD that the cache saved: its tokens at the price of plain input, less what they cost.
    var cacheSavings: Double? {
        guard let rates, rates.input != nil else { return nil }
        var cached = ActivityTokens()
        cached.cacheRead = tally.tokens.cacheRead
        cached.cacheWrite = tally.tokens.cacheWrite
        if cached.isEmpty { return nil }
        var plain = ActivityTokens()
        plain.input = cached.cacheRead &+ cached.cacheWrite
        return rates.cost(plain) - rates.cost(cached)
    }
}
