import RoostIngest

/// One activity that a document keeps, and what its neighbours make of it.
struct TraceNode {
    /// Into the activities at hand.
    var activity: Int32
    var flags: Flags = []
    /// Numbers of texts. Of agent and workflow the own word at first.
    var service: Int32 = 0
    var agent: Int32 = 0
    var workflow: Int32 = 0
    var model: Int32 = 0
    var provider: Int32 = 0
    var tool: Int32 = 0
    /// The nearest node, from this one upwards, that is more than a span between; -1 is none.
    var remarkable: Int32 = -1
    /// A call below it with nothing but unremarkable spans between, of a wrapper the one that it
    /// tells once more; -1 is none.
    var directCall: Int32 = -1

    struct Flags: OptionSet {
        let rawValue: UInt8
        static let hasInferenceBelow = Flags(rawValue: 1)
        static let hasAggregateBelow = Flags(rawValue: 2)
        static let isWrapper = Flags(rawValue: 4)
        static let isRepeated = Flags(rawValue: 8)
        /// An event that said that the workflow of its trace is over, and nothing was announced since.
        static let tellsEnd = Flags(rawValue: 16)
    }

    /// Whether what it used is counted, and not told elsewhere.
    func isCounted(_ activity: Activity) -> Bool {
        if flags.contains(.isRepeated) || activity.phase == .pending { return false }
        switch activity.kind {
        case .llm, .embedding: return !flags.contains(.isWrapper)
        default:
            return !activity.isAccount
                || flags.isDisjoint(with: [.hasInferenceBelow, .hasAggregateBelow])
        }
    }
}

extension Activity {
    var hasUsage: Bool { !tokens.isEmpty || hasReportedCost }

    /// Whether it tells usage that those below it may tell as well.
    var isAccount: Bool {
        flags.contains(.usageIsAggregate) && hasUsage
    }
}

/// The activities of one trace, each once, and how they stand to each other.
struct TraceNodes {
    var nodes: [TraceNode]
    var tree: TraceTree
    /// Of the nodes, by start.
    var order: [Int32]
    var top: Top
    /// The number of a text.
    var workflow: Int32
    /// The first start that was told; 0 without one.
    var earliest: UInt64

    /// The root, or without one that is here the earliest.
    struct Top {
        /// -1 when there is nothing.
        var node: Int32 = -1
        var isRoot = false
    }
}
