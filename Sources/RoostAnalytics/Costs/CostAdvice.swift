import RoostCore

/// Something that would make the same work cheaper, with the figures that it rests on.
public struct CostAdvice: Sendable {
    public enum Kind: String, Sendable {
        /// Large inputs that are hardly ever read from the cache.
        case cacheInput = "cache_input"
        /// Short answers from a model that is much dearer than another in use.
        case cheaperModel = "cheaper_model"
        /// Calls that were paid for and failed.
        case failedCalls = "failed_calls"
    }

    public let kind: Kind
    /// "model" or "agent", and its name.
    public let subject: String
    public let name: String
    let titleText: NamedText
    let detailText: NamedText
    /// USD in 30 days, if they go on like the period.
    public let savings: Double
    /// From 0 to 1: how sure it is, from the number of calls, that the share that the advice rests
    /// on is on the right side of its limit.
    public let confidence: Double
    public let figures: [(name: String, value: Double)]

    public var title: String { titleText.plain }
    public var detail: String { detailText.plain }

    /// Shares on whose other side there is nothing to advise.
    private static let cacheShare = 0.2
    private static let shortShare = 0.5
    private static let failedShare = 0.02
    /// Providers cache no shorter inputs.
    private static let cacheableTokens = 1024.0
    private static let fewestCalls: UInt32 = 10
    /// Savings below this share of the whole are not worth the words.
    private static let leastShare = 0.01

    static func all(
        total: CostTally, models: [CostModel], agents: [(String, CostTally)], monthly: Double
    ) -> [CostAdvice] {
        let named = models.filter { !$0.name.isEmpty && $0.name != Symbols.overflow }
        var advice = named.compactMap { cacheInput($0, monthly) }
        advice += named.compactMap { cheaperModel($0, among: named, monthly) }
        advice += agents.compactMap { failedCalls($0.0, $0.1, monthly) }
        return advice.filter {
            $0.confidence >= 0.5 && $0.savings > 0
                && $0.savings >= leastShare * total.cost * monthly
        }.sorted { ($1.savings, $0.name) < ($0.savings, $1.name) }
    }

    private static func cacheInput(_ model: CostModel, _ monthly: Double) -> CostAdvice? {
        let tally = model.tally
        guard tally.calls >= fewestCalls, let rates = model.rates, let input = rates.input,
            let cached = rates.cacheRead, cached < input
        else { return nil }
        let calls = Double(tally.calls)
        let read = Double(tally.inputTokens)
        let share = Double(tally.tokens.cacheRead) / max(1, read)
        guard read / calls >= cacheableTokens, share < cacheShare else { return nil }
        let saved = (0.5 - share) * read * (input - cached) / 1e6
        return CostAdvice(
            kind: .cacheInput, subject: "model", name: model.name,
            titleText: "Let \(name: model.name) read repeated input from the cache",
            detailText: "Calls read \(whole(read / calls)) tokens on average and "
                + "\(percent(share)) of them from the cache. If half were, each would cost "
                + "\(percent(1 - cached / input)) less. Put what does not change (instructions, "
                + "tools, documents) first and mark it for caching.",
            savings: saved * monthly,
            confidence: 1
                - Likelihood.shareExceeds(
                    cacheShare, hits: share * calls, chances: calls),
            figures: [
                ("calls", calls), ("input_tokens_per_call", read / calls), ("cache_share", share),
                ("input_usd_per_million", input), ("cache_read_usd_per_million", cached),
            ])
    }

    private static func cheaperModel(
        _ model: CostModel, among models: [CostModel], _ monthly: Double
    ) -> CostAdvice? {
        let tally = model.tally
        guard tally.calls >= fewestCalls, tally.short > 0, tally.cost > 0 else { return nil }
        let cheapest = models.filter {
            !$0.name.isExactly(model.name) && $0.provider.isExactly(model.provider)
                && $0.tally.calls >= fewestCalls && $0.tally.outputTokens > 0
        }.compactMap { other in ratio(of: other, to: model).map { (other.name, $0) } }
            .min { $0.1 < $1.1 }
        guard let (other, ratio) = cheapest, ratio <= 0.5 else { return nil }
        let (short, calls) = (Double(tally.short), Double(tally.calls))
        return CostAdvice(
            kind: .cheaperModel, subject: "model", name: model.name,
            titleText: "Try \(name: other) for the short answers of \(name: model.name)",
            detailText: "\(whole(short)) of \(whole(calls)) calls answered in at most "
                + "\(CostTally.shortOutput) tokens. The same tokens cost \(percent(1 - ratio)) less "
                + "with \(name: other), which is in use already. Check the quality on a sample first.",
            savings: tally.shortCost * (1 - ratio) * monthly,
            confidence: Likelihood.shareExceeds(shortShare, hits: short, chances: calls),
            figures: [
                ("calls", calls), ("short_calls", short), ("short_cost_usd", tally.shortCost),
                ("price_ratio", ratio),
            ])
    }

    /// What the tokens of `model` would cost with `other`, as a share of what they did: by price
    /// where both are known, else by what a token of each cost.
    private static func ratio(of other: CostModel, to model: CostModel) -> Double? {
        if let mine = model.rates?.cost(model.tally.tokens, calls: model.tally.calls),
            mine > 0,
            let theirs = other.rates?.cost(model.tally.tokens, calls: model.tally.calls)
        {
            return theirs / mine
        }
        let (mine, theirs) = (model.tally, other.tally)
        guard mine.unpriced == 0, theirs.unpriced == 0, theirs.cost > 0, !mine.tokens.isEmpty,
            !theirs.tokens.isEmpty
        else { return nil }
        return theirs.cost / Double(theirs.tokens.total) * Double(mine.tokens.total) / mine.cost
    }

    private static func failedCalls(
        _ agent: String, _ tally: CostTally, _ monthly: Double
    ) -> CostAdvice? {
        guard tally.failed >= 3, tally.failedCost > 0, tally.calls >= tally.failed,
            agent != Symbols.overflow
        else { return nil }
        let (failed, calls) = (Double(tally.failed), Double(tally.calls))
        let which: NamedText =
            agent.isEmpty ? "calls without an agent" : "calls of \(name: agent)"
        return CostAdvice(
            kind: .failedCalls, subject: "agent", name: agent,
            titleText: "Find out why \(which) fail after they were paid for",
            detailText:
                "\(whole(failed)) of \(whole(calls)) calls failed and were paid for all the "
                + "same: \(percent(tally.failedCost / max(tally.cost, tally.failedCost))) of what "
                + "\(which) cost.",
            savings: tally.failedCost * monthly,
            confidence: Likelihood.shareExceeds(failedShare, hits: failed, chances: calls),
            figures: [
                ("calls", calls), ("failed_calls", failed), ("failed_cost_usd", tally.failedCost),
            ])
    }

    private static func whole(_ value: Double) -> String {
        value.isFinite && abs(value) < 1e15 ? String(Int(value.rounded())) : "\(value)"
    }

    /// To a tenth of a percent below ten, to a whole one above.
    private static func percent(_ share: Double) -> String {
        let value = share * 100
        if !value.isFinite { return "an unknown share" }
        return value < 9.95 ? "\((value * 10).rounded() / 10) %" : "\(whole(value)) %"
    }
}
