/// One activity of an open trace, as far as others depend on it for as long as the trace is held.
struct AgentNode {
    var spanID: UInt64 = 0
    /// Unix nanoseconds.
    var start: UInt64 = 0
    var end: UInt64 = 0
    /// Whose it is by its own word, as facts call them; 0 is none.
    var session: UInt64 = 0
    var user: UInt64 = 0
    /// Index of the node above; -1 is none.
    var parent: Int32 = -1
    /// Index of the next node of the same trace; -1 ends the list.
    var next: Int32 = -1
    var trace: Int32 = -1
    /// Index of a call below it with nothing but unremarkable spans between, of a wrapper the one
    /// that it tells once more; -1 is none.
    var directCall: Int32 = -1
    /// Index of its detail; -1 when nothing that needs it can come any more, or has come.
    var detail: Int32 = -1

    /// Numbers of texts.
    var service: Int32 = 0
    var name: Int32 = 0
    var agent: Int32 = 0
    var workflow: Int32 = 0
    var tool: Int32 = 0
    /// As in its detail, of which it is known for longer.
    var model: Int32 = 0

    var kind = ActivityKind.other
    var status = ActivityStatus.unset
    var flags: AgentNodeFlags = []
}

/// What else there is to count of an activity. Most are counted with the request that brings them,
/// so that few of these exist at a time and they stay near.
struct AgentDetail {
    /// Numbers of texts. Of the service with its namespace; 0 where it has none.
    var job: Int32 = 0
    /// The one that answered, else the one that was asked for.
    var model: Int32 = 0
    var modelRequested: Int32 = 0
    var provider: Int32 = 0
    var errorType: Int32 = 0
    /// Of what a tool or an agent was given; 0 is unknown.
    var arguments: UInt32 = 0
    var serviceTier = ActivityServiceTier.standard

    /// Nanoseconds; 0 is unknown.
    var timeToFirstToken: UInt64 = 0
    var tokens = ActivityTokens()
    /// USD; not a number when nobody said.
    var cost = Double.nan
    /// Of service and call id; 0 is none.
    var call: UInt64 = 0
    /// Monotonic nanoseconds.
    var arrived: UInt64 = 0

    var hasUsage: Bool { !tokens.isEmpty || !cost.isNaN }
}

extension AgentNode {
    var tellsOutcome: Bool { kind == .other && flags.contains(.tellsOutcome) }
}

struct AgentNodeFlags: OptionSet {
    let rawValue: UInt16

    /// Only known from its children.
    static let isPlaceholder = AgentNodeFlags(rawValue: 1)
    /// Announced, and not over.
    static let isPending = AgentNodeFlags(rawValue: 2)
    /// What there was to count of it has been counted.
    static let isSettled = AgentNodeFlags(rawValue: 4)
    /// It was counted as a call.
    static let isCounted = AgentNodeFlags(rawValue: 8)
    /// Its usage may repeat that of calls below it.
    static let isAggregate = AgentNodeFlags(rawValue: 16)
    /// A call to a language model that tells what it used stands somewhere below.
    static let hasInferenceBelow = AgentNodeFlags(rawValue: 32)
    /// Another aggregate stands somewhere below.
    static let hasAggregateBelow = AgentNodeFlags(rawValue: 64)
    /// The call that it is, is told once more below it.
    static let isWrapper = AgentNodeFlags(rawValue: 128)
    static let isFromLog = AgentNodeFlags(rawValue: 256)
    /// An account that was counted before its trace was closed holds what it used.
    static let isAccounted = AgentNodeFlags(rawValue: 512)
    /// How long it took is unknown.
    static let isInstant = AgentNodeFlags(rawValue: 1024)
    /// It says which model answered.
    static let isModelAnswered = AgentNodeFlags(rawValue: 2048)
    /// Another signal of its service told it, and that was counted.
    static let isToldBefore = AgentNodeFlags(rawValue: 4096)
    /// Of what is of no kind, and so is told by no other signal: it tells how the call of a tool
    /// above it ended.
    static let tellsOutcome = isToldBefore
    /// People were waited for somewhere below.
    static let hasWaitBelow = AgentNodeFlags(rawValue: 8192)
    /// A call below that it tells as well is not counted, for its sake.
    static let standsForBelow = AgentNodeFlags(rawValue: 16384)
    /// A call of a tool that failed stands somewhere below.
    static let hasFailedToolBelow = AgentNodeFlags(rawValue: 32768)
}

/// One trace that something is still expected of.
struct AgentTrace {
    var idHigh: UInt64 = 0
    var idLow: UInt64 = 0
    /// Index of its first node; -1 is none.
    var first: Int32 = -1
    /// Index of its first block of ids; -1 is none.
    var firstBlock: Int32 = -1
    var root: Int32 = -1
    /// Number of the text that stands for the user whom it tells of, or `severalUsers`.
    var user: Int32 = 0
    /// Of events without spans: the hash of their session.
    var session: UInt64 = 0
    /// The session and the user that it tells of, as facts call them, or `severalOwners`.
    var onlySession: UInt64 = 0
    var onlyUser: UInt64 = 0
    var nodes: Int32 = 0
    var unsettled: Int32 = 0
    /// How many of its nodes have a detail.
    var details: Int32 = 0
    /// The name that its run was counted by before it was closed; 0 is none.
    var formerWorkflow: Int32 = 0
    /// Its workflow's name, as long as it has `namedNodes` nodes.
    var workflow: Int32 = 0
    var namedNodes: Int32 = -1
    var placeholders: Int32 = 0
    var pending: Int32 = 0
    /// Neighbours in the order in which traces were last heard of.
    var older: Int32 = -1
    var newer: Int32 = -1
    /// Of events without spans: the node that began first; -1 where that is to be looked for.
    var earliest: Int32 = -1
    /// Monotonic nanoseconds.
    var lastHeard: UInt64 = 0
    var isAgentic = false
    var isWorkflowCounted = false
    /// Its events told the end of its workflow, which is to be counted.
    var hasToldEnd = false
    /// It was closed before, and more of it came.
    var isReopened = false
    /// Its root had come before it was closed: when that started (Unix nanoseconds), and which span
    /// it was.
    var hadRoot = false
    var formerStart: UInt64 = 0
    var formerSpan: UInt64 = 0
    /// It was counted, and a root that started before the one that it had then has come.
    var hasLateRoot = false
    var isDerived = false
    /// Derived, and of one prompt.
    var isOfPrompt = false
    var hasAggregates = false
    /// It has more nodes than are looked for one by one.
    var isIndexed = false
    /// Touched by the batch at hand.
    var isTouched = false

    /// Something that is over waits to be counted.
    var hasUnsettled: Bool { unsettled > pending }

    var mayHaveLateRoot: Bool { isReopened || hasLateRoot }

    /// Its root has ended and every span that another names as its parent is here.
    var isComplete: Bool { isDerived || root >= 0 && placeholders == 0 && pending == 0 }
}

/// Some span ids of one trace and where their nodes are: most traces are so small that looking
/// through their ids costs less than one place of a large index.
struct AgentIDBlock {
    static let room = 8

    var ids = InlineArray<8, UInt64>(repeating: 0)
    var nodes = InlineArray<8, Int32>(repeating: -1)
    var count: Int32 = 0
    /// Index of the next block of the trace, which is full; -1 ends the list.
    var next: Int32 = -1
}
