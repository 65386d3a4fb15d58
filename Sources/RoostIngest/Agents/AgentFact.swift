import RoostCore

/// Something that the tracker found out about agents, for whoever analyses them.
///
/// Texts are numbers into the tracker's table, which `AgentFactBatch` tells; 0 is the empty text,
/// -1 stands for those that found no room. Sessions and users, of which there is no end, are hashes
/// that the batch tells the text of once; 0 is none. A plain value.
public struct AgentFact: Sendable {
    public enum Kind: UInt8, Sendable {
        /// An activity has been announced and is not over: a pending span or a start event.
        case began
        /// A finished activity arrived whose neighbours are not all known: its agent and workflow
        /// are the best guess, and what it used may turn out to be counted elsewhere. One of kind
        /// `ended` with the same span follows, unless it turns out to repeat another.
        case seen
        /// An activity was counted, once: this is its account.
        case ended
        /// Usage that no single activity tells: an agent's account of its own, or metrics. Only
        /// service, agent, workflow, model, provider, session, user, tokens and cost mean something,
        /// and `calls`.
        case usage
        /// A workflow run was counted: `workflow`, `status`, `start` and `end` are those of the run.
        case workflowEnded
        /// The root of a run that was counted without it, or with one that started later, has come:
        /// these are its true workflow, status, start and end. It is not counted again.
        case workflowCorrected
        /// Nothing more is expected of the trace. Of what was announced in it and never ended,
        /// `calls` tells the number.
        case traceClosed
    }

    /// Where a cost comes from.
    public enum CostSource: UInt8, Sendable { case unknown, reported, computed }

    public var kind: Kind
    public var activity = ActivityKind.other
    public var status = ActivityStatus.unset
    public var source = ActivitySource.span
    public var costSource = CostSource.unknown
    /// How long it took is unknown; `start` is `end`.
    public var isInstant = false
    /// The trace id was made up from a session and a prompt.
    public var isDerivedTrace = false
    /// What it used is told by others too and counts with them: it is for showing alone.
    public var isUsageRepeated = false
    /// What these tokens cost is told apart, by other facts: it is not unknown.
    public var isCostApart = false
    /// A run was counted although its root had not come; `workflowCorrected` may follow.
    public var isRootless = false

    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    public var spanID: UInt64 = 0
    /// 0 is none.
    public var parentSpanID: UInt64 = 0
    public var session: UInt64 = 0
    public var user: UInt64 = 0

    public var service: Int32 = 0
    public var name: Int32 = 0
    public var agent: Int32 = 0
    public var workflow: Int32 = 0
    public var provider: Int32 = 0
    public var model: Int32 = 0
    public var tool: Int32 = 0
    public var errorType: Int32 = 0

    /// Unix nanoseconds, by the sender's clock.
    public var start: UInt64 = 0
    public var end: UInt64 = 0
    /// Nanoseconds within of waiting for people, which are no work.
    public var humanWait: UInt64 = 0
    /// Nanoseconds; 0 is unknown.
    public var timeToFirstToken: UInt64 = 0
    public var tokens = ActivityTokens()
    /// USD; not a number when unknown.
    public var cost = Double.nan
    /// How many it stands for: 1, but for usage that metrics tell.
    public var calls: UInt32 = 1
    /// A hash of what a tool or an agent was given, good within this process; 0 is unknown.
    public var arguments: UInt32 = 0

    @inlinable public init(_ kind: Kind) { self.kind = kind }

    /// Nanoseconds of work.
    @inlinable public var working: UInt64 {
        let whole = end > start ? end &- start : 0
        return whole > humanWait ? whole &- humanWait : 0
    }
}

extension AgentFact {
    public var hasUsage: Bool { !tokens.isEmpty || cost.isFinite }

    /// Nobody knows what its tokens cost.
    @inlinable public var isUnpriced: Bool {
        !tokens.isEmpty && !cost.isFinite && !isCostApart
    }

    /// The same, but for what was used.
    public var withoutUsage: AgentFact {
        var fact = self
        fact.tokens = ActivityTokens()
        fact.cost = .nan
        fact.costSource = .unknown
        return fact
    }
}

/// A session or a user that facts name by hash from here on.
public struct AgentIdentity: Sendable {
    public let hash: UInt64
    public let text: [UInt8]

    public init(hash: UInt64, text: [UInt8]) {
        self.hash = hash
        self.text = text
    }

    /// The hash that stands for a text, in this run of the program; 0 for none.
    public static func hash(_ text: ArraySlice<UInt8>) -> UInt64 {
        guard !text.isEmpty else { return 0 }
        let hash = unsafe text.withUnsafeBufferPointer {
            unsafe ByteHash.hash($0, seed: 0x1DE7)
        }
        // Neither of the numbers that mean something else.
        return min(max(hash, 1), .max - 1)
    }
}

/// What the tracker found out since it was last asked, in order.
public struct AgentFactBatch: Sendable {
    /// Texts that follow those told before: the first gets the next number.
    public var newTexts: [[UInt8]] = []
    public var identities: [AgentIdentity] = []
    public var facts: [AgentFact] = []
    /// Facts that found no room since the batch before.
    public var dropped = 0

    public init() {}

    /// Keeps the room.
    public mutating func removeAll() {
        newTexts = []
        identities.removeAll(keepingCapacity: true)
        facts.removeAll(keepingCapacity: true)
        dropped = 0
    }

    public var isEmpty: Bool { facts.isEmpty && identities.isEmpty && newTexts.isEmpty }
}
