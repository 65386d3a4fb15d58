import RoostAnalytics
import RoostCore
import RoostIngest

/// What windows cost to keep and to ask: nanoseconds of CPU a fact, bytes held, and microseconds a
/// query; and what all analytics hold with 10,000 workflows open. Run by hand:
/// `swift run -c release bench-analytics`.
@main struct BenchAnalytics {
    static func main() {
        OpenWorkflows.measure()
        for (agents, models) in [(50, 5), (200, 200)] { measure(agents: agents, models: models) }
    }

    private static func measure(agents: Int, models: Int) {
        let symbols = names(1000)
        let facts = sample(agents: agents, models: models)
        print("\(agents) agents, \(models) models")
        var windows = Windows()
        let took = time(facts) { windows.take($0, symbols, now: $1) }
        line("windows: take", took, "ns/fact")
        line("windows: held", Double(windows.byteCount) / 1e6, "MB")
        var costs = Costs()
        line("costs: take", time(facts) { costs.take($0, symbols, now: $1) }, "ns/fact")
        line("costs: held", Double(costs.byteCount) / 1e6, "MB")
        let asked = threadCPUNanoseconds()
        for _ in 0..<10 { _ = costs.report(.month, now: unixNanoseconds()) }
        line("costs: report", Double(threadCPUNanoseconds() - asked) / 1e4, "µs")
        var budgets = Budgets(rules: [
            BudgetRule(name: "a", scope: .agent, limit: .usd(1e9), per: .day),
            BudgetRule(name: "b", scope: .all, limit: .usd(1e9), per: .month),
        ])
        line("two budgets: take", time(facts) { _ = budgets.take($0, symbols, now: $1) }, "ns/fact")
        for size in Windows.sizes {
            var statistics: WindowStatistics?
            let asked = average {
                statistics = windows.query(
                    window: size, symbols, now: windows.cumulative.events)
            }
            line("windows: query \(size)", asked, "µs")
            var bytes = 0
            let written = average {
                var json = JSONWriter()
                statistics?.write(into: &json)
                bytes = json.bytes.count
            }
            line("  as JSON, \(bytes / 1000) KB", written, "µs")
        }
    }

    /// Microseconds of CPU.
    private static func average(_ work: () -> Void) -> Double {
        let began = threadCPUNanoseconds()
        for _ in 0..<20 { work() }
        return Double(threadCPUNanoseconds() - began) / 2e4
    }

    /// Half an hour and more of 1,000 facts a second.
    private static func time(_ facts: [AgentFact], _ take: (AgentFact, UInt64) -> Void) -> Double {
        var now = unixNanoseconds()
        let began = threadCPUNanoseconds()
        let rounds = 1000
        for _ in 0..<rounds {
            for index in facts.indices {
                if index & 127 == 0 { now += 12_800_000 }
                take(facts[index], now)
            }
        }
        return Double(threadCPUNanoseconds() - began) / Double(rounds * facts.count)
    }

    private static func line(_ name: String, _ value: Double, _ unit: String) {
        print("  \(name): \((value * 10).rounded() / 10) \(unit)")
    }

    private static func names(_ count: Int) -> Symbols {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = (1...count).map { Array("name-\($0)".utf8) }
        batch.identities = (1...200).map { AgentIdentity(hash: $0, text: Array("id-\($0)".utf8)) }
        symbols.take(batch)
        return symbols
    }

    /// Of each ten: six calls of models, three of tools, one run of an agent.
    private static func sample(agents: Int, models: Int) -> [AgentFact] {
        var random = SystemRandomNumberGenerator()
        return (0..<4096).map { index in
            var fact = AgentFact(.ended)
            fact.activity = index % 10 == 0 ? .agent : index % 10 < 7 ? .llm : .tool
            let agent = Int32.random(in: 0..<Int32(agents), using: &random)
            fact.agent = 1 + agent
            fact.workflow = 300 + agent % 20
            if agents > 100 { fact.workflow = 300 + agent }
            fact.session = UInt64(1 + agent)
            fact.user = UInt64(1 + agent % 20)
            // Some six buckets of durations a doubling, over four of them.
            let spread = UInt64.random(in: 0..<1_000_000_000, using: &random)
            fact.start = 1_795_176_000_000_000_000
            fact.end = fact.start + 100_000_000 + spread
            if fact.activity == .llm {
                let model = Int32.random(in: 0..<Int32(models), using: &random)
                fact.model = 600 + model
                fact.provider = models > 100 ? 800 + model % 200 : 800 + model % 3
                fact.tokens.input = 1000
                fact.tokens.output = 200
                fact.timeToFirstToken = spread / 4
                fact.cost = 0.002
                fact.costSource = .computed
            } else if fact.activity == .tool {
                fact.tool = models > 100 ? 400 + agent : 400 + agent % 12
            }
            if index % 50 == 0 { fact.status = .error }
            return fact
        }
    }
}
