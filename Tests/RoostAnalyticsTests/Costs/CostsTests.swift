import RoostCore
import Testing

@testable import RoostAnalytics
@testable import RoostIngest

@Suite struct CostsTests {
    private let symbols = windowSymbols(20)
    private let oneDay = 24 * oneHour
    /// 2026-11-21 at midnight, UTC: a Saturday.
    private let midnight: UInt64 = 1_795_219_200_000_000_000

    private func call(
        agent: Int32 = 1, model: Int32 = 2, workflow: Int32 = 3, cost: Double = 1,
        failed: Bool = false, input: UInt64 = 100, output: UInt64 = 100
    ) -> AgentFact {
        endedFact(
            .llm, agent: agent, workflow: workflow, model: model, provider: 4, failed: failed,
            input: input, output: output, cost: cost)
    }

    @Test func `sums and shares are those worked out by hand`() throws {
        var costs = Costs()
        costs.take(call(agent: 1, cost: 3), symbols, now: midnight)
        costs.take(call(agent: 5, model: 6, cost: 0.5, failed: true), symbols, now: midnight)
        costs.take(call(agent: 5, model: 7, cost: .nan), symbols, now: midnight)
        costs.take(endedFact(.tool, tool: 8), symbols, now: midnight)
        for _ in 0..<2 {
            var run = AgentFact(.workflowEnded)
            run.workflow = 3
            costs.take(run, symbols, now: midnight)
        }
        var account = AgentFact(.usage)
        (account.calls, account.cost, account.agent) = (0, 0.5, 1)
        costs.take(account, symbols, now: midnight)

        let report = costs.report(.day, now: midnight + oneHour / 2)
        #expect(report.total.cost == 4)
        #expect(report.total.calls == 3)
        #expect(report.total.tokens.total == 600)
        #expect(report.total.failedCost == 0.5)
        #expect(report.total.unpricedCalls == 1)
        #expect(report.total.costPerRun == 2)
        let agents = try #require(report.groups[.agent])
        #expect(agents.map(\.name) == ["t1", "t5"])
        #expect(agents.map(\.share) == [0.875, 0.125])
        #expect(report.groups[.workflow]?.first?.figures.costPerRun == 1.75)
        let operations = try #require(report.groups[.operation]).map(\.name)
        #expect(Set(operations) == ["llm t2", "llm t6", "llm t7", "usage"])
        #expect(report.unpriced.map(\.model) == ["t7"])
        #expect(report.unpriced.first?.provider == "t4")
        let model = try #require(report.groups[.model]?.first { $0.name == "t7" })
        #expect(model.figures.cost == nil)
        #expect(report.forecast == nil)
        #expect(report.dayTrend == nil)
    }

    @Test func `runs are those of an agent, else the workflows that belong there`() throws {
        var costs = Costs()
        costs.take(call(agent: 1), symbols, now: midnight)
        for _ in 0..<3 { costs.take(endedFact(.agent, agent: 1), symbols, now: midnight) }
        costs.take(endedFact(.agent, agent: 9), symbols, now: midnight)
        for _ in 0..<2 {
            var run = AgentFact(.workflowEnded)
            (run.workflow, run.service, run.agent) = (3, 8, 1)
            costs.take(run, symbols, now: midnight)
        }
        let report = costs.report(.day, limit: 9, now: midnight)
        #expect((report.total.runs, report.total.calls) == (2, 1))
        func runs(_ dimension: CostDimension) -> [String: UInt64] {
            Dictionary(
                uniqueKeysWithValues: (report.groups[dimension] ?? []).map {
                    ($0.name, $0.figures.runs)
                })
        }
        #expect(runs(.agent) == ["t1": 3, "t9": 1])
        #expect(runs(.workflow) == ["t3": 2])
        #expect(runs(.service) == ["": 0, "t8": 2])
        #expect(runs(.session) == ["": 2] && runs(.user) == ["": 2])
        var json = JSONWriter()
        report.write(into: &json)
        let answer = try JSONValue(parsing: json.bytes)
        for dimension in CostDimension.allCases {
            let first = try #require(answer["by_\(dimension)"]?.array?.first)
            #expect((first["runs"] != nil) == dimension.hasRuns, "\(dimension)")
        }
    }

    @Test func `the five dearest are listed, and how many there are`() throws {
        var costs = Costs()
        for agent in 1...9 as ClosedRange<Int32> {
            costs.take(call(agent: agent, cost: Double(agent)), symbols, now: midnight)
        }
        let report = costs.report(.month, now: midnight)
        #expect(report.groups[.agent]?.map(\.name) == ["t9", "t8", "t7", "t6", "t5"])
        #expect(report.counts[.agent] == 9)
    }

    @Test func `a trend compares the last day with the one before`() throws {
        var costs = Costs()
        // 1 USD an hour for 30 hours, then 3 an hour for 24.
        for hour in 0..<54 as Range<UInt64> {
            costs.take(
                call(cost: hour < 30 ? 1 : 3), symbols, now: midnight + hour * oneHour)
        }
        let now = midnight + 54 * oneHour
        costs.tick(now: now)
        let trend = try #require(costs.report(.day, now: now).dayTrend)
        #expect(trend == CostTrend(current: 72, before: 24))
        #expect(trend.change == 2)
        #expect(costs.report(.day, now: now).total.cost == 69)
        #expect(costs.report(.week, now: now).total.cost == 102)
    }

    @Test func `periods begin where they say`() throws {
        var costs = Costs()
        // A USD a day for 60 days, until 2026-11-20.
        for day in 0..<60 as Range<UInt64> {
            costs.take(call(), symbols, now: midnight - (60 - day) * oneDay)
        }
        costs.take(call(cost: 10), symbols, now: midnight + oneHour)
        let now = midnight + 2 * oneHour
        #expect(costs.report(.day, now: now).total.cost == 10)
        #expect(costs.report(.week, now: now).total.cost == 16)
        #expect(costs.report(.month, now: now).total.cost == 39)
        #expect(costs.report(.calendarMonth, now: now).total.cost == 30)
        #expect(costs.report(.calendarMonth, now: now).lifetime.cost == 70)
        let week = try #require(costs.report(.day, now: now).weekTrend)
        #expect(week == CostTrend(current: 7, before: 7))
        #expect(costs.report(.month, now: now).days.count == 31)
    }

    @Test func `damaged bytes are refused, whole ones give back what there was`() throws {
        var costs = Costs()
        for step in 0..<200 as Range<UInt64> {
            costs.take(
                call(
                    agent: Int32(step % 7) + 1, cost: step % 9 == 0 ? .nan : 0.25,
                    failed: step % 5 == 0), symbols, now: midnight + step * oneHour / 3)
        }
        let now = midnight + 70 * oneHour
        let bytes = costs.encoded()
        var again = try #require(Costs(decoding: bytes))
        again.tick(now: now)
        costs.tick(now: now)
        func json(_ costs: Costs) -> String {
            var json = JSONWriter()
            costs.report(.month, now: now).write(into: &json)
            return String(decoding: json.bytes, as: UTF8.self)
        }
        #expect(json(again) == json(costs))
        #expect(json(costs).contains(#""by_agent":[{"agent":"t"#))
        // Other numbers for the same texts after a restart.
        var batch = AgentFactBatch()
        batch.newTexts = (1...20).map { Array("t\(21 - $0)".utf8) }
        var turned = Symbols()
        turned.take(batch)
        again.take(call(agent: 20), turned, now: now)
        #expect(again.report(.month, now: now).counts[.agent] == 7)

        #expect(Costs(decoding: []) == nil)
        var random = WindowRandom()
        for _ in 0..<300 {
            var damaged = bytes
            let place = Int(random.next() % UInt64(bytes.count))
            damaged[place] ^= UInt8(1 + random.next() % 255)
            #expect(Costs(decoding: damaged) == nil)
            #expect(Costs(decoding: Array(bytes.prefix(place))) == nil)
        }
    }

    @Test func `bytes with a right sum and wrong content neither trap nor grow`() {
        var random = WindowRandom()
        for _ in 0..<500 {
            var writer = CostBytesWriter(mark: "RoostCosts", version: 1)
            for _ in 0..<random.next() % 200 {
                writer.number(random.next() >> (random.next() % 64))
            }
            _ = Costs(decoding: writer.finished())
        }
    }

    @Test func `the clock may jump either way`() {
        var costs = Costs()
        for now in [
            midnight, midnight - 5 * oneHour, midnight + 400 * oneDay, midnight, 0, .max, 1,
            midnight,
        ] {
            costs.take(call(), symbols, now: now)
            costs.tick(now: now)
            _ = costs.report(.calendarMonth, now: now)
        }
        #expect(costs.report(.day, now: midnight).lifetime.cost == 8)
    }

    @Test func `names without end take bounded room, and the dearest stay`() throws {
        var costs = Costs()
        let names = windowSymbols(5_000)
        costs.take(call(agent: 1, cost: 50), names, now: midnight)
        for number in 2...5_000 as ClosedRange<Int32> {
            var fact = call(agent: number, model: number, workflow: number, cost: 0.001)
            fact.session = UInt64(number)
            fact.user = UInt64(number)
            fact.service = number
            costs.take(fact, names, now: midnight + UInt64(number) * second)
        }
        let report = costs.report(.month, now: midnight + oneHour)
        #expect(report.groups[.agent]?.first?.name == "t1")
        #expect(report.groups[.agent]?[1].name == "(other)")
        #expect(costs.byteCount < 4 << 20)
        #expect(abs((report.total.cost ?? 0) - 54.999) < 1e-6)
    }

    @Test func `room is made once a minute`() {
        var costs = Costs()
        let names = windowSymbols(600)
        for number in 1...600 as ClosedRange<Int32> {
            costs.take(call(agent: number), names, now: midnight)
        }
        func knows(_ name: String) -> Bool {
            costs.report(.day, limit: .max, now: midnight).groups[.agent]?
                .contains { $0.name == name } ?? false
        }
        #expect(!knows("t600"))
        costs.tick(now: midnight + 60 * oneSecond)
        costs.take(call(agent: 599), names, now: midnight + 60 * oneSecond)
        #expect(!knows("t599"))
        var fresh = names
        var batch = AgentFactBatch()
        batch.newTexts = [Array("new".utf8)]
        fresh.take(batch)
        costs.take(call(agent: 601), fresh, now: midnight + 60 * oneSecond)
        #expect(knows("new"))
    }

    private var second: UInt64 { oneSecond }
}

@Suite struct CostAdviceTests {
    private let symbols = windowSymbols(20)
    private var rates: PriceRates {
        var rates = PriceRates()
        (rates.input, rates.cacheRead, rates.output) = (10, 1, 30)
        return rates
    }

    @Test func `large inputs that miss the cache`() throws {
        var costs = Costs()
        for _ in 0..<50 {
            costs.take(
                endedFact(
                    .llm, agent: 1, model: 2, provider: 3, input: 10_000, output: 500, cost: 0.115),
                symbols, now: windowNoon)
        }
        let report = costs.report(.day, now: windowNoon) { model, provider in
            model == "t2" && provider == "t3" ? rates : nil
        }
        let advice = try #require(report.advice.first)
        #expect(report.advice.count == 1)
        #expect(advice.kind == .cacheInput)
        // Half of 500,000 tokens at 9 USD a million less, thirty times.
        #expect(abs(advice.savings - 67.5) < 1e-9)
        #expect(advice.confidence > 0.99)
        #expect(advice.detail.contains("10000 tokens on average and 0.0 % of them"))
        #expect(costs.report(.day, now: windowNoon).advice.isEmpty)
    }

    @Test func `short answers of a dear model, failures that were paid for`() throws {
        var costs = Costs()
        for index in 0..<40 {
            costs.take(
                endedFact(
                    .llm, agent: 1, model: 2, provider: 3, failed: index % 4 == 0, input: 100,
                    output: 10, cost: 0.1), symbols, now: windowNoon)
            costs.take(
                endedFact(
                    .llm, agent: 4, model: 5, provider: 3, input: 100, output: 10, cost: 0.01),
                symbols, now: windowNoon)
        }
        let report = costs.report(.day, now: windowNoon)
        #expect(report.advice.map(\.kind) == [.cheaperModel, .failedCalls])
        let cheaper = try #require(report.advice.first)
        // 30 calls of 0.1 that did not fail; the other model takes a tenth.
        #expect(abs(cheaper.savings - 3 * 0.9 * 30) < 1e-9)
        #expect(abs(report.advice[1].savings - 30) < 1e-9)
        #expect(report.advice.allSatisfy { $0.confidence >= 0.5 && $0.confidence <= 1 })
    }

    @Test func `what makes embeddings answers no chat`() throws {
        var costs = Costs()
        for _ in 0..<40 {
            costs.take(
                endedFact(
                    .llm, agent: 1, model: 2, provider: 3, input: 100, output: 10, cost: 0.1),
                symbols, now: windowNoon)
            costs.take(
                endedFact(.embedding, agent: 1, model: 4, provider: 3, input: 100, cost: 0.0001),
                symbols, now: windowNoon)
            costs.take(
                endedFact(
                    .llm, agent: 1, model: 5, provider: 3, input: 100, output: 10, cost: 0.01),
                symbols, now: windowNoon)
        }
        let advice = try #require(costs.report(.day, now: windowNoon).advice.first)
        #expect(advice.kind == .cheaperModel && advice.name == "t2")
        #expect(advice.title.contains("t5"))
    }

    @Test func `a name that is a part of other words changes none of them`() throws {
        let symbols = namedSymbols(["e", "model `x`"])
        var costs = Costs()
        for index in 0..<40 {
            costs.take(
                endedFact(
                    .llm, agent: 1, model: 2, failed: index % 4 == 0, input: 100, output: 10,
                    cost: 0.1), symbols, now: windowNoon)
        }
        let advice = try #require(costs.report(.day, now: windowNoon).advice.first)
        #expect(advice.title == "Find out why calls of e fail after they were paid for")
        let insight = Insight(advice)
        #expect(insight.title == "Find out why calls of `e` fail after they were paid for")
        #expect(insight.text.hasSuffix(" of what calls of `e` cost."))
        #expect(insight.text.hasPrefix("10 of 40 calls failed and were paid for all the same: "))
    }

    @Test func `names of models are quoted, both of them`() {
        let text: NamedText = "Try \(name: "a`b") for \(name: "Try")"
        #expect(text.plain == "Try a`b for Try")
        #expect(text.quoted == "Try `a'b` for `Try`")
    }

    @Test func `what the cache saved`() throws {
        var costs = Costs()
        var fact = endedFact(.llm, model: 2, provider: 3, input: 1_000_000, cost: 13)
        fact.tokens.cacheRead = 3_000_000
        costs.take(fact, symbols, now: windowNoon)
        let cache = costs.report(.day, now: windowNoon) { _, _ in rates }.cache
        #expect(cache == CacheFigures(readTokens: 3_000_000, share: 0.75, savings: 27))
    }
}

@Suite struct CostForecastTests {
    @Test(arguments: [
        (1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (1000, 1.962),
    ])
    func `Student's quantiles are those of the tables`(_ freedom: Double, _ value: Double) {
        #expect(abs(CostForecast.studentQuantile(freedom) - value) < 0.001)
    }

    @Test func `equal days give a sure sum`() throws {
        let totals = (100..<105 as Range<UInt32>).map { (day: $0, cost: 4.0) }
        let forecast = try #require(
            CostForecast(
                totals: totals, today: 105, passed: 0.5, remaining: 9, monthToDate: 30))
        #expect(forecast.projected == 30 + 9.5 * 4)
        #expect(forecast.low == forecast.projected)
        #expect(forecast.high == forecast.projected)
        #expect(forecast.method == .mean)
    }

    @Test func `the interval of three days is that of the formula`() throws {
        // Mean 4, variance 4; ten days to come: 4 * (10 + 100 / 3), t of two degrees.
        let totals: [(day: UInt32, cost: Double)] = [(1, 2), (2, 4), (3, 6)]
        let forecast = try #require(
            CostForecast(totals: totals, today: 4, passed: 1, remaining: 10, monthToDate: 100))
        #expect(forecast.projected == 140)
        let margin = 4.30265 * (4 * (10 + 100.0 / 3)).squareRoot()
        #expect(abs(forecast.high - 140 - margin) < 0.001)
        #expect(forecast.low == 100)
    }

    @Test func `two days are too few`() {
        #expect(
            CostForecast(
                totals: [(1, 2), (2, 4)], today: 3, passed: 0, remaining: 10, monthToDate: 0)
                == nil)
    }

    @Test func `quiet weekends are foreseen once two weeks are known`() throws {
        // 10 USD on weekdays, 1 on the last two of each seven.
        let totals = (0..<21 as Range<UInt32>).map { (day: $0, cost: $0 % 7 < 5 ? 10.0 : 1.0) }
        let forecast = try #require(
            CostForecast(totals: totals, today: 21, passed: 0, remaining: 9, monthToDate: 0))
        #expect(forecast.method == .weekdayMeans)
        // Ten days from the first of a week: eight working days and two of rest.
        #expect(forecast.projected == 82)
        #expect(forecast.high == 82)
    }

    @Test func `the interval holds the truth about as often as it says`() {
        var random = WindowRandom()
        func normal() -> Double {
            (0..<12).reduce(-6) { sum, _ in sum + random.unit() }
        }
        var held = 0
        for _ in 0..<400 {
            let totals = (0..<10 as Range<UInt32>).map { (day: $0, cost: 50 + 5 * normal()) }
            let truth = (0..<12).reduce(0) { sum, _ in sum + 50 + 5 * normal() }
            let forecast = CostForecast(
                totals: totals, today: 10, passed: 1, remaining: 12, monthToDate: 0)
            if let forecast, forecast.low <= truth, truth <= forecast.high { held += 1 }
        }
        #expect(held > 360 && held < 396)
    }

    @Test(
        arguments: [
            (0, 1970, 1, 0, 31), (58, 1970, 2, 31, 59), (789, 1972, 2, 761, 790),
            (20_778, 2026, 11, 20_758, 20_788),
        ] as [(UInt32, Int, Int, UInt32, UInt32)])
    func `months begin and end where the calendar says`(
        _ day: UInt32, _ year: Int, _ month: Int, _ first: UInt32, _ next: UInt32
    ) {
        let found = CostCalendar.month(of: day)
        #expect(found == (year, month, first, next))
    }
}
