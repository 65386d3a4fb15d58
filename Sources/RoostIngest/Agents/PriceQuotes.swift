/// The last quotes, by model, provider and tier: 64 places by hash, where the latest stays.
struct PriceQuotes: Sendable {
    private var keys = [AgentSeriesKey?](repeating: nil, count: 64)
    private var quotes: [PriceQuote] = []

    /// What tokens cost by the quote that is known; nil when none is or another holds for them, not a
    /// number when the price is unknown. `end` in Unix nanoseconds.
    func cost(_ key: AgentSeriesKey, of tokens: ActivityTokens, input: UInt64, end: UInt64)
        -> Double?
    {
        let place = key.hash & 63
        guard keys[place] == key else { return nil }
        return unsafe quotes.withUnsafeBufferPointer { quotes in
            // Read in place: a quote is large.
            let quote = unsafe quotes.baseAddress.unsafelyUnwrapped + place
            guard unsafe quote.pointee.holds(inputTokens: input, unixNano: end) else { return nil }
            return unsafe quote.pointee.rates?.cost(tokens) ?? .nan
        }
    }

    mutating func note(_ quote: PriceQuote, of key: AgentSeriesKey) {
        if quotes.isEmpty { quotes = [PriceQuote](repeating: quote, count: 64) }
        keys[key.hash & 63] = key
        quotes[key.hash & 63] = quote
    }
}
