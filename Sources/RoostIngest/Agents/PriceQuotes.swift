/// The last quotes, by model, provider and tier: 64 places by hash, where the latest stays.
struct PriceQuotes: Sendable {
    private var quotes = [(key: AgentSeriesKey, quote: PriceQuote)?](repeating: nil, count: 64)

    func find(_ key: AgentSeriesKey) -> PriceQuote? {
        guard let known = quotes[key.hash & 63], known.key == key else { return nil }
        return known.quote
    }

    mutating func note(_ quote: PriceQuote, of key: AgentSeriesKey) {
        quotes[key.hash & 63] = (key, quote)
    }
}
