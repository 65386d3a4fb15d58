import Glibc
import RoostAnalytics
import RoostCollector
import RoostCore
import RoostStore

/// `overview`: what somebody wants to see first.
enum OverviewEndpoint {
    private static let shownTraces = 10

    static func all(_ context: APIContext) -> [Endpoint] {
        [
            Endpoint(
                method: .get, path: API.root + "overview", name: "getOverview",
                summary: "How the collector is, totals, what is running, the latest traces",
                answer: .json(schema: "Overview"), handle: { overview(context, $0) })
        ]
    }

    /// What analytics say, taken at once.
    private struct Figures {
        let fleet: FleetStatistics
        let failuresLastHour: UInt64
        let failuresLastDay: UInt64
        let sessions: Int
    }

    private static func overview(_ context: APIContext, _ request: APIRequest) {
        let collector = context.collector
        let figures = collector.analytics.read { analytics in
            let failures = analytics.failures.recentCounts(now: request.now)
            return Figures(
                fleet: analytics.fleet.statistics(
                    analytics.symbols, now: request.now, mostAgents: 0),
                failuresLastHour: failures.lastHour, failuresLastDay: failures.lastDay,
                sessions: analytics.fleet.sessionCount)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writeHealth(collector, now: request.now, into: &writer)
        writer.object("features") { writer in
            for part in Switches.Part.allCases {
                writer.field(part.rawValue, collector.switches.isOn(part))
            }
        }
        writeTotals(figures, into: &writer)
        writeNow(figures, into: &writer)
        let reading = collector.reading()
        writeLoad(
            used: reading.memoryUsage.reduce(0) { $0 + $1.bytes },
            limit: reading.memoryLimitBytes, into: &writer)
        collector.writeExporters(reading, into: &writer)
        let begun = writer
        // The traces are on the disk.
        let store = collector.store
        context.answer(request) { _ throws(APIError) in
            var writer = begun
            writeStore(store, into: &writer)
            writer.endObject()
            return WebAnswer.json(200, writer.bytes)
        }
    }

    private static func writeHealth(
        _ collector: CollectorView, now: UInt64, into writer: inout JSONWriter
    ) {
        let stopped = collector.hearts.stopped.map { "thread \($0) has stopped" }
        let reasons = stopped + collector.unreadyReasons
        writer.field("status", reasons.isEmpty ? "ok" : "unavailable")
        writer.array("reasons") { writer in for reason in reasons { writer.value(reason) } }
        writer.field("version", collector.version)
        writer.field("time", rfc3339(unixNanoseconds: now))
        writer.field("uptime_seconds", collector.uptimeSeconds)
    }

    /// Since the start; null while analytics are off.
    private static func writeTotals(_ figures: Figures?, into writer: inout JSONWriter) {
        writer.key("totals")
        guard let figures else { return writer.null() }
        let totals = figures.fleet.totals
        let over = totals.workflowsCompleted &+ totals.workflowsFailed
        writer.beginObject()
        writer.field("agents", figures.fleet.omittedAgents + figures.fleet.agents.count)
        writer.field("sessions", figures.sessions)
        writer.object("workflows") { writer in
            writer.field("started", totals.workflowsStarted)
            writer.field("running", figures.fleet.activeWorkflows)
            writer.field("completed", totals.workflowsCompleted)
            writer.field("failed", totals.workflowsFailed)
            writer.field("abandoned", totals.workflowsAbandoned)
        }
        writer.object("executions") { writer in
            let ended = totals.agentRunsCompleted &+ totals.agentRunsFailed
            writer.field("total", ended &+ UInt64(max(figures.fleet.activeAgents, 0)))
            writer.field("running", figures.fleet.activeAgents)
            writer.field("completed", totals.agentRunsCompleted)
            writer.field("failed", totals.agentRunsFailed)
        }
        writer.optional("success_rate", figures.fleet.successRate)
        writer.optional(
            "average_duration",
            over == 0 ? nil : Double(totals.workflowDuration) / Double(over) / 1e9)
        writer.field("llm_calls", totals.calls)
        writer.field("tool_calls", totals.toolCalls)
        writer.field("tokens", totals.tokens)
        writer.field("cost_usd", totals.cost)
        writer.field("failures_last_hour", figures.failuresLastHour)
        writer.field("failures_last_24_hours", figures.failuresLastDay)
        writer.endObject()
    }

    /// Null while analytics are off.
    private static func writeNow(_ figures: Figures?, into writer: inout JSONWriter) {
        writer.key("now")
        guard let fleet = figures?.fleet else { return writer.null() }
        writer.beginObject()
        writer.field("running_workflows", fleet.activeWorkflows)
        writer.field("stuck_workflows", fleet.stuckWorkflows)
        writer.field("active_agents", fleet.activeAgents)
        writer.field("active_steps", fleet.activeSteps)
        for (name, recent) in [
            ("last_5_minutes", fleet.lastFiveMinutes), ("last_hour", fleet.lastHour),
        ] {
            writer.object(name) { writer in
                writer.field("completed", recent.completed)
                writer.field("failed", recent.failed)
                writer.field("abandoned", recent.abandoned)
            }
        }
        writer.endObject()
    }

    /// Of the machine and of the memory for telemetry, and one word for both.
    private static func writeLoad(used: Int, limit: Int, into writer: inout JSONWriter) {
        var averages = [0.0, 0.0, 0.0]
        let known = unsafe getloadavg(&averages, 3) == 3
        let processors = processorCount()
        let share = max(
            known ? averages[0] / Double(processors) : 0,
            limit > 0 ? Double(used) / Double(limit) : 0)
        writer.object("load") { writer in
            writer.field("level", share < 0.5 ? "low" : share < 0.9 ? "normal" : "high")
            writer.optional("load_average_1m", known ? averages[0] : nil)
            writer.optional("load_average_5m", known ? averages[1] : nil)
            writer.optional("load_average_15m", known ? averages[2] : nil)
            writer.field("processors", processors)
            writer.field("memory_used_bytes", used)
            writer.field("memory_limit_bytes", limit)
        }
    }

    /// The latest traces are missing while the store cannot be asked.
    private static func writeStore(_ store: TraceStore, into writer: inout JSONWriter) {
        let status = store.status
        writer.object("store") { writer in
            writer.field("open", status.isOpen)
            writer.field("traces", status.traces)
            writer.field("open_traces", status.openTraces)
            writer.field("spans_stored", status.spansStored)
            writer.field("file_bytes", status.fileBytes)
        }
        var query = TraceQuery()
        query.limit = shownTraces
        let traces = (try? store.traces(query))?.traces ?? []
        writer.array("recent_traces") { writer in
            for trace in traces { trace.write(into: &writer) }
        }
    }
}

extension JSONWriter {
    /// What is unknown is null.
    fileprivate mutating func optional(_ name: String, _ number: Double?) {
        key(name)
        if let number { value(number) } else { null() }
    }
}
