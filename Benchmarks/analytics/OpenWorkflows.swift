import RoostAnalytics
import RoostCore
import RoostIngest

/// What all analytics hold with many workflows open at once, and how long they keep questions
/// waiting: the longest stretch of facts, ticks, and of working out insights, which is done on a
/// copy.
struct OpenWorkflows {
    static let open = 10_000
    static let stepsOfEach = 20
    private static let second: UInt64 = 1_000_000_000

    private var analytics = Analytics(began: 1_795_176_000_000_000_000)
    private var now: UInt64 = 1_795_176_000_000_000_000
    private var random = SystemRandomNumberGenerator()
    private var next: UInt64 = 1

    static func measure() {
        let before = residentBytes()
        var bench = OpenWorkflows()
        let resident = bench.fill() - before
        print("\(open) open workflows of \(stepsOfEach) steps, 200 agents, 200 models, an hour in")
        print("  all analytics: \(Double(resident / 100_000) / 10) MB resident, of 64 at most")
        let parts = bench.analytics
        for (name, bytes) in [
            ("fleet", parts.fleet.byteCount), ("windows", parts.windows.byteCount),
            ("failures", parts.failures.byteCount), ("costs", parts.costs.byteCount),
        ] {
            print("    \(name): \(bytes / 1000) KB")
        }
        bench.time()
    }

    /// An hour of runs that end, and then those that stay open. Answers the most resident bytes.
    private mutating func fill() -> Int {
        var batch = AgentFactBatch()
        batch.newTexts = (1...1_000).map { Array("name-of-something-\($0)".utf8) }
        analytics.begin(batch)
        for _ in 0..<3_600 {
            for _ in 0..<5 { run(ends: true) }
            now += Self.second
            analytics.tick(now: now)
        }
        for _ in 0..<100 {
            for _ in 0..<Self.open / 100 { run(ends: false) }
            now += Self.second / 100
        }
        analytics.tick(now: now)
        analytics.take(insights: analytics.newInsights(now: now))
        return residentBytes()
    }

    private mutating func run(ends: Bool) {
        let number = next
        next += 1
        var identities = AgentFactBatch()
        let (session, user) = (number &* 0x9E37_79B9_7F4A_7C15, number % 2_000 + 1)
        identities.identities = [
            AgentIdentity(hash: session, text: Array("session-of-a-user-\(number)".utf8)),
            AgentIdentity(hash: user, text: Array("user-\(user)@example.org".utf8)),
        ]
        analytics.begin(identities)
        var facts: [AgentFact] = []
        let agent = Int32(number % 200)
        for step in 0..<Self.stepsOfEach {
            var fact = AgentFact(ends ? .ended : .began)
            fact.activity =
                step == 0 ? .workflow : step % 7 == 1 ? .agent : step % 3 == 0 ? .tool : .llm
            fact.traceIDHigh = number
            fact.traceIDLow = session
            fact.spanID = session &+ UInt64(step)
            fact.parentSpanID = step == 0 ? 0 : session
            fact.session = session
            fact.user = user
            (fact.service, fact.name) = (1 + agent % 40, 901 + Int32(step))
            (fact.agent, fact.workflow) = (100 + agent, 300 + agent)
            fact.start = now - Self.second
            fact.end = fact.start + UInt64.random(in: 1_000_000..<Self.second, using: &random)
            if fact.activity == .llm {
                (fact.model, fact.provider) = (500 + agent, 700 + agent % 20)
                (fact.tokens.input, fact.tokens.output) = (1_000, 200)
                fact.cost = 0.002
            }
            if fact.activity == .tool { fact.tool = 750 + agent % 150 }
            if step % 19 == 7, number % 5 == 0 {
                fact.status = .error
                fact.errorType = 890 + agent % 10
            }
            facts.append(fact)
        }
        if ends {
            var end = AgentFact(.workflowEnded)
            (end.traceIDHigh, end.traceIDLow, end.workflow) = (number, session, 300 + agent)
            (end.start, end.end) = (now - Self.second, now)
            facts.append(end)
        }
        analytics.take(facts[...], now: now)
    }

    private mutating func time() {
        var ticks: [Double] = []
        var facts: [Double] = []
        var insights: [Double] = []
        var copies: [Double] = []
        var windows: [Double] = []
        for _ in 0..<25 {
            now += Self.second
            ticks.append(milliseconds { $0.analytics.tick(now: $0.now) })
            facts.append(
                milliseconds { bench in
                    for _ in 0..<50 { bench.run(ends: true) }
                })
            var copy: Analytics?
            copies.append(milliseconds { copy = $0.analytics })
            var book: InsightBook?
            insights.append(milliseconds { book = copy?.newInsights(now: $0.now) })
            copy = nil
            if let book { analytics.take(insights: book) }
            windows.append(milliseconds { _ = $0.analytics.window(3_600, now: $0.now) })
        }
        for (name, times) in [
            ("a tick", ticks), ("1,050 facts", facts), ("a copy for insights", copies),
            ("insights, without the lock", insights), ("a window of an hour", windows),
        ] {
            let sorted = times.sorted()
            print("  \(name): median \(rounded(sorted[12])) ms, longest \(rounded(sorted[24])) ms")
        }
    }

    private mutating func milliseconds(_ work: (inout Self) -> Void) -> Double {
        let began = threadCPUNanoseconds()
        work(&self)
        return Double(threadCPUNanoseconds() - began) / 1e6
    }

    private func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    private static func residentBytes() -> Int {
        guard let text = readFile("/proc/self/statm", limit: 4096) else { return 0 }
        let words = String(decoding: text, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * 4096 : 0
    }

    private func residentBytes() -> Int { Self.residentBytes() }
}
