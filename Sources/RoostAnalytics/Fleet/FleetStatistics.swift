public import RoostCore

/// The whole fleet at one moment, and since the start.
public struct FleetStatistics: Sendable {
    public struct Agent: Sendable {
        public let agent: String
        public let active: Int
        public let completed: UInt64
        public let failed: UInt64
        public let calls: UInt64
        public let toolCalls: UInt64
        public let failedCalls: UInt64
        public let tokens: UInt64
        /// USD; nil when nothing has a known cost.
        public let cost: Double?
        /// Nanoseconds of work of an average run; nil without a run.
        public let averageDuration: UInt64?
        public let longestDuration: UInt64
        /// Unix nanoseconds of arrival; 0 is never.
        public let lastHeard: UInt64
    }

    public struct Recent: Sendable {
        public let completed: Int
        public let failed: Int
        public let abandoned: Int
    }

    public let totals: FleetTotals
    /// How many of the runs that are held are in each state.
    public let states: [(state: WorkflowState, count: Int)]
    public let activeWorkflows: Int
    public let stuckWorkflows: Int
    public let activeAgents: Int
    /// Announced, and not over.
    public let activeSteps: Int
    /// Runs that were over in the last five minutes and the last hour.
    public let lastFiveMinutes: Recent
    public let lastHour: Recent
    /// The busiest first.
    public let agents: [Agent]
    public let omittedAgents: Int

    /// Of those that were over and not given up; nil before the first.
    public var successRate: Double? {
        let over = totals.workflowsCompleted &+ totals.workflowsFailed
        return over == 0 ? nil : Double(totals.workflowsCompleted) / Double(over)
    }

    public func write(into json: inout JSONWriter) {
        json.beginObject()
        json.object("workflows") { json in
            json.field("active", activeWorkflows)
            json.field("stuck", stuckWorkflows)
            json.object("states") { json in
                for each in states { json.field(each.state.text, each.count) }
            }
            json.field("started", totals.workflowsStarted)
            json.field("completed", totals.workflowsCompleted)
            json.field("failed", totals.workflowsFailed)
            json.field("abandoned", totals.workflowsAbandoned)
            json.field("success_rate", known: successRate)
            let over = totals.workflowsCompleted &+ totals.workflowsFailed
            json.field("average_duration", known: average(totals.workflowDuration, over))
            json.object("last_5_minutes") { lastFiveMinutes.write(into: &$0) }
            json.object("last_hour") { lastHour.write(into: &$0) }
        }
        json.object("executions") { json in
            json.field("active", activeAgents)
            json.field("completed", totals.agentRunsCompleted)
            json.field("failed", totals.agentRunsFailed)
            let over = totals.agentRunsCompleted &+ totals.agentRunsFailed
            json.field("average_duration", known: average(totals.agentDuration, over))
        }
        json.object("calls") { json in
            json.field("llm", totals.calls)
            json.field("llm_failed", totals.callsFailed)
            json.field("tool", totals.toolCalls)
            json.field("tool_failed", totals.toolCallsFailed)
            json.field("retries", totals.retries)
        }
        json.field("active_steps", activeSteps)
        json.field("tokens", totals.tokens)
        json.field("cost_usd", totals.cost)
        json.field("unpriced_calls", totals.unpricedCalls)
        json.array("agents") { json in for agent in agents { agent.write(into: &json) } }
        json.field("omitted_agents", omittedAgents)
        json.object("bounds") { json in
            json.field("evicted_open", totals.evictedOpen)
            json.field("evicted_finished", totals.evictedFinished)
            json.field("folded_steps", totals.foldedSteps)
        }
        json.endObject()
    }

    private func average(_ sum: UInt64, _ count: UInt64) -> Double? {
        count == 0 ? nil : Double(sum) / Double(count) / 1e9
    }
}

extension FleetStatistics.Recent {
    func write(into json: inout JSONWriter) {
        json.field("completed", completed)
        json.field("failed", failed)
        json.field("abandoned", abandoned)
    }
}

extension FleetStatistics.Agent {
    func write(into json: inout JSONWriter) {
        json.beginObject()
        json.field("agent", agent)
        json.field("active", active)
        json.field("completed", completed)
        json.field("failed", failed)
        json.field("llm_calls", calls)
        json.field("tool_calls", toolCalls)
        json.field("failed_calls", failedCalls)
        json.field("tokens", tokens)
        json.field("cost_usd", known: cost)
        json.field("average_duration", known: averageDuration.map { Double($0) / 1e9 })
        json.field("longest_duration", Double(longestDuration) / 1e9)
        json.field("last_time", at: lastHeard)
        json.endObject()
    }
}

extension Fleet {
    /// At most `mostAgents` rows of agents.
    public func statistics(
        _ symbols: Symbols, now: UInt64, mostAgents: Int = 100
    ) -> FleetStatistics {
        var rows: [AgentRow] = []
        for row in agents.rows where row.lastHeard != 0 || row.active != 0 { rows.append(row) }
        rows.sort { first, second in
            (second.active, second.lastHeard, first.agent)
                < (first.active, first.lastHeard, second.agent)
        }
        let five = minutes.sum(of: 5, now: now)
        let hour = minutes.sum(of: 60, now: now)
        return FleetStatistics(
            totals: totals,
            states: WorkflowState.allCases.map { ($0, states[Int($0.rawValue)]) },
            activeWorkflows: activeWorkflows, stuckWorkflows: stuckWorkflows,
            activeAgents: activeAgents, activeSteps: announced,
            lastFiveMinutes: FleetStatistics.Recent(
                completed: five.completed, failed: five.failed, abandoned: five.abandoned),
            lastHour: FleetStatistics.Recent(
                completed: hour.completed, failed: hour.failed, abandoned: hour.abandoned),
            agents: rows.prefix(max(mostAgents, 0)).map { row($0, symbols) },
            omittedAgents: max(rows.count - max(mostAgents, 0), 0))
    }

    private func row(_ row: AgentRow, _ symbols: Symbols) -> FleetStatistics.Agent {
        let runs = row.completed &+ row.failed
        return FleetStatistics.Agent(
            agent: symbols.text(row.agent), active: Int(row.active), completed: row.completed,
            failed: row.failed, calls: row.calls, toolCalls: row.toolCalls,
            failedCalls: row.failedCalls, tokens: row.tokens, cost: row.hasCost ? row.cost : nil,
            averageDuration: runs == 0 ? nil : row.working / runs, longestDuration: row.longest,
            lastHeard: row.lastHeard)
    }
}
