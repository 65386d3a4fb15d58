/// How much may be spent, by whom and in which time.
public struct BudgetRule: Sendable, Equatable {
    public enum Scope: String, Sendable, CaseIterable {
        case session, agent, workflow, user, model, service, all
    }

    public enum Limit: Sendable, Equatable {
        case usd(Double)
        case tokens(UInt64)

        var amount: Double {
            switch self {
            case .usd(let amount): amount
            case .tokens(let count): Double(count)
            }
        }
    }

    /// Calendar periods are UTC's; weeks begin on Monday.
    public enum Period: String, Sendable, CaseIterable {
        /// Each run of a workflow has the whole limit for itself.
        case run
        case hour, day, week, month
        /// Never begins anew.
        case total
    }

    public let name: String
    public let scope: Scope
    /// A name, or "*": each name has a budget of its own. Means nothing for `all`.
    public let match: String
    public let limit: Limit
    public let per: Period

    public init(
        name: String, scope: Scope, match: String = "*", limit: Limit, per: Period
    ) {
        self.name = name
        self.scope = scope
        self.match = match
        self.limit = limit
        self.per = per
    }

    /// What tells it from others, whatever it is called.
    var identity: String {
        let unit = if case .usd = limit { "usd" } else { "tokens" }
        return "\(name)\u{0}\(scope.rawValue)\u{0}\(match)\u{0}\(unit)\u{0}\(per.rawValue)"
    }
}

/// How far a budget is used up.
public enum BudgetLevel: String, Sendable, CaseIterable {
    case ok
    /// From 80 % on.
    case warning
    /// Nothing remains.
    case exceeded

    init(share: Double) {
        self = share >= 1 ? .exceeded : share >= 0.8 ? .warning : .ok
    }
}

/// A budget reached another level, or began anew.
public struct BudgetEvent: Sendable {
    public let rule: BudgetRule
    /// Whose: a session, an agent …, a trace id for a budget of runs, empty for all.
    public let subject: String
    public let from: BudgetLevel
    public let to: BudgetLevel
    /// USD or tokens.
    public let spent: Double
    /// Unix nanoseconds.
    public let time: UInt64
}

/// Where a budget stands.
public struct BudgetState: Sendable {
    public let rule: BudgetRule
    public let subject: String
    /// USD or tokens, in the running period.
    public let spent: Double
    /// Never below 0.
    public let remaining: Double
    /// Of the limit; more than 1 when it is exceeded.
    public let share: Double
    /// USD or tokens an hour, over the last hour, or since the first spending if that is later,
    /// five minutes at least.
    public let burnRate: Double
    /// Unix nanoseconds when nothing will remain at that rate; nil when nothing is being spent, it
    /// is exceeded already, or the period ends before.
    public let exhaustedAt: UInt64?
    /// Unix nanoseconds when the period ends; nil for runs and `total`.
    public let resetsAt: UInt64?
    public let level: BudgetLevel
    /// Calls whose price is unknown, which count for nothing in USD.
    public let unpricedCalls: UInt64
}
