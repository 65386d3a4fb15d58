/// Settings that change while the tracker counts.
extension AgentTracker {
    /// From now on. Durations begin anew when their bounds are others, as series that were created
    /// now; so do the client metrics when their names are. Users get other labels with another key.
    /// All else goes on counting.
    public mutating func use(_ new: AgentTrackerSettings) {
        let old = settings
        settings = new
        if new.bounds != old.bounds { metrics.restartDurations(bounds: new.bounds) }
        if new.userKey != old.userKey { labelUsers(key: new.userKey) }
        if new.semconv != old.semconv {
            metrics.use(
                new.semconv, AgentSeriesRoom(limit: new.seriesLimit, memory: new.memory))
        }
    }
}

extension AgentMetrics {
    mutating func noteSender(_ service: Int32) {
        if formerSenders.count < ClientMetrics.mostServices { formerSenders.insert(service) }
    }

    fileprivate mutating func restartDurations(bounds: DurationBounds) {
        agentRunDuration.restart(bounds: bounds)
        workflowDuration.restart(bounds: bounds)
        llmCallDuration.restart(bounds: bounds)
        llmTimeToFirstToken.restart(bounds: bounds)
        toolDuration.restart(bounds: bounds)
    }

    fileprivate mutating func use(_ conventions: ClientConventions, _ room: AgentSeriesRoom) {
        let senders = client?.others ?? formerSenders
        formerOverflow &+= client?.overflowed ?? 0
        client?.giveBack()
        client = conventions == .off ? nil : ClientMetrics(conventions, room)
        for sender in senders { client?.sendsItsOwn(sender) }
        formerSenders = senders
    }
}
