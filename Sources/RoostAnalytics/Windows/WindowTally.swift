import RoostIngest

/// What durations are told of.
enum WindowWork: Int, CaseIterable, Sendable {
    case workflow, agent, llm, tool
}

/// What was counted of one key in one stretch of time. A plain value of some 230 bytes.
struct WindowTally: Sendable {
    /// How often the key was touched; 0 says that it was not.
    var touches: UInt32 = 0
    var events: UInt32 = 0
    var errors: UInt32 = 0
    /// Activities that ended: what `errors` is a share of.
    var ended: UInt32 = 0
    /// Calls to models that used tokens and have no known cost.
    var unpriced: UInt32 = 0
    /// Calls whose cost is known.
    var priced: UInt32 = 0
    var workflow = Work()
    var agent = Work()
    var llm = Work()
    var tool = Work()
    /// From a call to its first token.
    var firstToken = Work()
    var tokens = ActivityTokens()
    /// USD.
    var cost = 0.0

    /// One sort of work.
    struct Work: Sendable {
        var count: UInt32 = 0
        var errors: UInt32 = 0
        /// How many durations were noted.
        var timed: UInt32 = 0
        /// Nanoseconds; meaningless until a duration was noted.
        var shortest = Float.infinity
        var longest: Float = 0
        var total = 0.0

        @inline(__always)
        mutating func note(_ isError: Bool, _ times: UInt32 = 1) {
            count &+= times
            if isError { errors &+= times }
        }

        @inline(__always)
        mutating func note(nanoseconds: UInt64) {
            timed &+= 1
            let value = Float(nanoseconds)
            if value < shortest { shortest = value }
            if value > longest { longest = value }
            total += Double(nanoseconds)
        }

        mutating func add(_ other: Work) {
            count &+= other.count
            errors &+= other.errors
            timed &+= other.timed
            shortest = min(shortest, other.shortest)
            longest = max(longest, other.longest)
            total += other.total
        }
    }

    mutating func add(_ other: WindowTally) {
        touches &+= other.touches
        events &+= other.events
        errors &+= other.errors
        ended &+= other.ended
        unpriced &+= other.unpriced
        priced &+= other.priced
        workflow.add(other.workflow)
        agent.add(other.agent)
        llm.add(other.llm)
        tool.add(other.tool)
        firstToken.add(other.firstToken)
        tokens.add(other.tokens)
        cost += other.cost
    }

    subscript(work: WindowWork) -> Work {
        switch work {
        case .workflow: workflow
        case .agent: agent
        case .llm: llm
        case .tool: tool
        }
    }
}

extension ActivityTokens {
    @inline(__always)
    mutating func add(_ other: ActivityTokens) {
        input &+= other.input
        cacheRead &+= other.cacheRead
        cacheWrite &+= other.cacheWrite
        output &+= other.output
        reasoning &+= other.reasoning
    }
}
