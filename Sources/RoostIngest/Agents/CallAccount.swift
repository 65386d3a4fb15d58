/// What a call to a model says of itself, as far as it shows whether another span tells the same
/// call: an instrumentation's span around the client library's own.
package struct CallAccount {
    package let kind: ActivityKind
    package let tokens: ActivityTokens
    package let hasUsage: Bool
    package let hasCost: Bool
    package let isFailed: Bool
    /// The models that it was asked for and that answered, as far as they are told.
    package let requested: ArraySlice<UInt8>
    package let answered: ArraySlice<UInt8>

    package init(
        kind: ActivityKind, tokens: ActivityTokens, hasCost: Bool, isFailed: Bool,
        requested: ArraySlice<UInt8>, answered: ArraySlice<UInt8>
    ) {
        self.kind = kind
        self.tokens = tokens
        self.hasCost = hasCost
        self.isFailed = isFailed
        hasUsage = hasCost || !tokens.isEmpty
        self.requested = requested
        self.answered = answered
    }

    /// Whether both may tell one call: they are of one kind, and tell the same model or the same
    /// tokens, or one of them does not tell.
    package func isSame(as other: CallAccount) -> Bool {
        guard kind == other.kind else { return false }
        let tellsNoModel = requested.isEmpty && answered.isEmpty
        if tellsNoModel || other.requested.isEmpty && other.answered.isEmpty { return true }
        if hasUsage, other.hasUsage, !tokens.isEmpty, tokens.isSame(as: other.tokens) {
            return true
        }
        return !models.isDisjoint(with: other.models)
    }

    /// Whether it only tells once more what the one below it tells. Of two the inner one counts,
    /// unless only the outer one tells what was used, or tells more of it. `isBelowCounted`: that
    /// cannot be taken back.
    package func wraps(_ below: CallAccount, isBelowCounted: Bool = false) -> Bool {
        guard below.hasUsage || !hasUsage else { return false }
        guard !hasUsage && kind == below.kind || isSame(as: below) else { return false }
        return isBelowCounted || !tellsMore(than: below)
    }

    /// The same where those below tell one call together: `nearest` stands just below, and `teller`
    /// is the one of them that counts.
    package func wraps(
        _ teller: CallAccount, through nearest: CallAccount, isTellerCounted: Bool = false
    ) -> Bool {
        // It tells better than all of them.
        if !isTellerCounted, teller.repeats(self) { return false }
        return wraps(teller, isBelowCounted: isTellerCounted)
            || wraps(nearest, isBelowCounted: true)
    }

    /// Whether it tells what the one above it tells with usage, or tells better.
    package func repeats(_ above: CallAccount) -> Bool {
        guard isSame(as: above), !isAttempt(of: above) else { return false }
        return !hasUsage && above.hasUsage || above.tellsMore(than: self)
    }

    /// Whether it failed within one above that did not: there was another attempt.
    package func isAttempt(of above: CallAccount) -> Bool { isFailed && !above.isFailed }

    /// Whether it divides up the same tokens further or knows what they cost, and knows all that
    /// the other one does.
    private func tellsMore(than other: CallAccount) -> Bool {
        guard !tokens.isEmpty, tokens.isSame(as: other.tokens), other.details != details else {
            return false
        }
        return other.details & ~details == 0
    }

    /// A bit for each thing that not everybody tells.
    private var details: UInt8 {
        (tokens.cacheRead | tokens.cacheWrite != 0 ? 1 : 0) | (tokens.reasoning != 0 ? 2 : 0)
            | (hasCost ? 4 : 0)
    }

    /// The names as they are, and without provider, date and version.
    private var models: Set<String> {
        var names = Set<String>()
        for model in [requested, answered] where !model.isEmpty {
            names.formUnion(
                PriceNames.forms(of: String(decoding: model, as: UTF8.self).lowercased()))
        }
        return names
    }
}

extension ActivityKind {
    /// Whether it is a call to a model.
    package var isCall: Bool { self == .llm || self == .embedding }
}

extension ActivityTokens {
    package var sum: UInt64 { input &+ cacheRead &+ cacheWrite &+ output &+ reasoning }

    /// The same input and the same output, however they are divided up.
    fileprivate func isSame(as other: ActivityTokens) -> Bool {
        input &+ cacheRead &+ cacheWrite == other.input &+ other.cacheRead &+ other.cacheWrite
            && output &+ reasoning == other.output &+ other.reasoning
    }
}
