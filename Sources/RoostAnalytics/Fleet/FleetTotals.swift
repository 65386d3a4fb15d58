/// What has been counted since the start.
public struct FleetTotals: Sendable, Equatable {
    public var workflowsStarted: UInt64 = 0
    public var workflowsCompleted: UInt64 = 0
    public var workflowsFailed: UInt64 = 0
    public var workflowsAbandoned: UInt64 = 0
    /// Nanoseconds that completed and failed runs took together.
    public var workflowDuration: UInt64 = 0
    public var agentRunsCompleted: UInt64 = 0
    public var agentRunsFailed: UInt64 = 0
    /// Nanoseconds of work that agents' runs took together.
    public var agentDuration: UInt64 = 0
    public var calls: UInt64 = 0
    public var callsFailed: UInt64 = 0
    public var toolCalls: UInt64 = 0
    public var toolCallsFailed: UInt64 = 0
    public var retries: UInt64 = 0
    public var tokens: UInt64 = 0
    /// USD of what has a known cost.
    public var cost = 0.0
    /// Calls with tokens and without a known cost.
    public var unpricedCalls: UInt64 = 0
    /// Runs that were given up or forgotten because there were too many.
    public var evictedOpen: UInt64 = 0
    public var evictedFinished: UInt64 = 0
    /// Activities folded into counts.
    public var foldedSteps: UInt64 = 0

    mutating func add(_ state: WorkflowState, duration: UInt64) {
        switch state {
        case .completed: workflowsCompleted &+= 1
        case .failed: workflowsFailed &+= 1
        case .abandoned: workflowsAbandoned &+= 1
        default: return
        }
        if state != .abandoned { workflowDuration = workflowDuration.addingUpTo(duration) }
    }

    /// Takes back what `add` did of a run that goes on after all.
    mutating func takeBack(_ state: WorkflowState, duration: UInt64) {
        switch state {
        case .completed: workflowsCompleted &-= 1
        case .failed: workflowsFailed &-= 1
        case .abandoned: workflowsAbandoned &-= 1
        default: return
        }
        if state != .abandoned { workflowDuration = workflowDuration.less(duration) }
    }
}

/// How many runs were over in each of the last 60 minutes, by arrival.
struct FinishedMinutes: Sendable {
    struct Minute: Sendable {
        var number: UInt64 = 0
        var completed = 0
        var failed = 0
        var abandoned = 0

        mutating func count(_ state: WorkflowState, _ change: Int) {
            switch state {
            case .completed: completed += change
            case .failed: failed += change
            case .abandoned: abandoned += change
            default: break
            }
        }
    }

    private var minutes = [Minute](repeating: Minute(), count: 61)

    private static let length: UInt64 = 60_000_000_000

    /// The number of the minute of a time.
    static func number(_ now: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: now / length) }

    /// Counts in a minute that may have gone by; not in one that is held no longer.
    mutating func add(_ state: WorkflowState, in number: UInt32) {
        let place = Int(number) % minutes.count
        if minutes[place].number < UInt64(number) {
            minutes[place] = Minute(number: UInt64(number))
        }
        guard minutes[place].number == UInt64(number) else { return }
        minutes[place].count(state, 1)
    }

    /// A run that was over in a minute goes on after all.
    mutating func takeBack(_ state: WorkflowState, in number: UInt32) {
        let place = Int(number) % minutes.count
        guard minutes[place].number == UInt64(number) else { return }
        minutes[place].count(state, -1)
    }

    /// Of the minute that is not over and so many whole ones before it.
    func sum(of count: UInt64, now: UInt64) -> Minute {
        let number = now / Self.length
        var sum = Minute(number: number)
        for minute in minutes where minute.number <= number && minute.number &+ count >= number {
            sum.completed += minute.completed
            sum.failed += minute.failed
            sum.abandoned += minute.abandoned
        }
        return sum
    }
}
