import RoostIngest

/// What calls of traces cost, each price looked up once.
struct TraceQuotes {
    private let prices: (any PriceSource)?
    private var quotes: [QuoteKey: PriceQuote] = [:]

    private struct QuoteKey: Hashable {
        let model: Int32
        let provider: Int32
        let tier: ActivityServiceTier
    }

    init(_ prices: (any PriceSource)?) { self.prices = prices }

    /// The numbers of texts have got other meanings.
    mutating func forget() { quotes.removeAll() }

    /// USD; nil when the price is unknown.
    mutating func cost(_ node: TraceNode, _ activity: Activity, _ texts: TraceTexts) -> Double? {
        guard let prices else { return nil }
        let tokens = activity.tokens
        // An agent tells of several calls, which are paid for as short ones.
        let isCall = activity.kind == .llm || activity.kind == .embedding
        let calls: UInt32 = isCall ? 1 : 0
        let input = !isCall ? 0 : tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite
        let key = QuoteKey(
            model: node.model, provider: node.provider, tier: activity.serviceTier)
        if let known = quotes[key], known.holds(inputTokens: input, unixNano: activity.end) {
            return known.rates?.cost(tokens, calls: calls)
        }
        let quote = prices.quote(
            model: Array(texts[node.model].utf8)[...],
            provider: Array(texts[node.provider].utf8)[...], tier: activity.serviceTier,
            inputTokens: input, unixNano: activity.end)
        if quotes.count >= 4096 { quotes.removeAll(keepingCapacity: true) }
        quotes[key] = quote
        return quote.rates?.cost(tokens, calls: calls)
    }
}
