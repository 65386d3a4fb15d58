import RoostAnalytics
import RoostCollector
import RoostCore

/// What is known of agents as it happens: windows, fleet, workflows, sessions, patterns.
enum AnalyticsEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            windows(context), fleet(context), workflows(context), workflow(context),
            sessions(context),
        ]
    }

    private static func windows(_ context: APIContext) -> Endpoint {
        let sizes = Windows.sizes.map { "\($0)" }
        return Endpoint(
            method: .get, path: API.root + "metrics/windows", name: "getWindows",
            summary: "Rates, durations, tokens and cost of the last minute to the last hour",
            parameters: [
                .query(
                    "window", .choice(sizes), "Seconds that the window goes back; all without it")
            ],
            answer: .json(schema: "Windows"),
            handle: { request throws(APIError) in
                let wanted =
                    request.text("window").flatMap { Int($0) }.map { [$0] } ?? Windows.sizes
                // One after the other, so that facts need not wait for all of them.
                var found: [WindowStatistics] = []
                for size in wanted {
                    let statistics = try ask(context) { $0.window(size, now: request.now) }
                    if let statistics { found.append(statistics) }
                }
                request.answer { writer in
                    writer.beginObject()
                    writer.object("windows") { writer in
                        for statistics in found {
                            writer.key("\(statistics.window)")
                            statistics.write(into: &writer)
                        }
                    }
                    writer.key("cumulative")
                    if let first = found.first { first.cumulative.write(into: &writer) }
                    writer.endObject()
                }
            })
    }

    private static func fleet(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "fleet", name: "getFleet",
            summary: "What all agents are doing, and what they have done since the start",
            parameters: [
                .query("limit", .integer(1...1000), "The most agents in the list", standard: "100")
            ],
            answer: .json(schema: "Fleet"),
            handle: { request throws(APIError) in
                let most = request.integer("limit") ?? 100
                let statistics = try ask(context) {
                    $0.fleet.statistics($0.symbols, now: request.now, mostAgents: most)
                }
                request.answer { statistics.write(into: &$0) }
            })
    }

    private static func workflows(_ context: APIContext) -> Endpoint {
        let states = WorkflowState.allCases.map(\.text) + ["stuck"]
        return Endpoint(
            method: .get, path: API.root + "workflows", name: "getWorkflows",
            summary: "Runs of workflows, those in progress and the latest that ended, newest first",
            parameters: [
                .query("state", .choice(states), "Only runs that are so"),
                .query("workflow", .text, "Only runs of this name"),
                .query("agent", .text, "Only runs with this agent"),
                .query("session", .text, "Only runs of this session"),
                .query("since", .time, "Only runs that were heard of since"),
                .query("limit", .integer(1...1000), "The most runs", standard: "50"),
                .query("cursor", .cursor(.number), "Goes on behind an earlier answer"),
            ],
            answer: .json(schema: "Workflows"),
            handle: { request throws(APIError) in
                var filter = WorkflowFilter()
                if let state = request.text("state") {
                    filter.isStuck = state == "stuck"
                    filter.states = Set(WorkflowState.allCases.filter { $0.text == state })
                }
                filter.workflow = request.text("workflow")
                filter.agent = request.text("agent")
                filter.session = request.text("session")
                filter.since = request.time("since") ?? 0
                filter.limit = request.integer("limit") ?? 50
                filter.cursor = try cursor(request)
                let wanted = filter
                let list = try ask(context) {
                    $0.fleet.list(wanted, $0.symbols, now: request.now)
                }
                request.answer { list.write(into: &$0) }
            })
    }

    private static func workflow(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "workflows/{id}", name: "getWorkflow",
            summary: "One run: its state, timeline, agents and what holds it up",
            parameters: [.path("id", .traceID, "The trace id of the run")],
            answer: .json(schema: "Workflow"),
            handle: { request throws(APIError) in
                guard let id = request.traceID("id") else { return }
                let found = try ask(context) {
                    $0.fleet.workflow(id.high, id.low, $0.symbols, now: request.now)
                }
                guard let found else { throw .notFound("workflow run", id.text) }
                request.answer { found.write(into: &$0) }
            })
    }

    private static func sessions(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "sessions", name: "getSessions",
            summary: "Sessions of agents and what they used, newest first",
            parameters: [
                .query("since", .time, "Only sessions that were heard of since"),
                .query("limit", .integer(1...1000), "The most sessions", standard: "50"),
                .query("cursor", .cursor(.number), "Goes on behind an earlier answer"),
            ],
            answer: .json(schema: "Sessions"),
            handle: { request throws(APIError) in
                let since = request.time("since") ?? 0
                let limit = request.integer("limit") ?? 50
                let after = try cursor(request)
                let list = try ask(context) {
                    $0.fleet.sessions($0.symbols, since: since, limit: limit, cursor: after)
                }
                request.answer { list.write(into: &$0) }
            })
    }

    // MARK: shared

    static func ask<Answer>(
        _ context: APIContext, _ question: (borrowing Analytics) -> Answer
    ) throws(APIError) -> Answer {
        guard let answer = context.collector.analytics.read(question) else {
            throw .switchedOff("analytics")
        }
        return answer
    }

    static func cursor(_ request: APIRequest) throws(APIError) -> UInt64? {
        guard let text = request.text("cursor") else { return nil }
        guard let cursor = UInt64(digits: text) else {
            throw .badParameter("cursor", text, allowed: "the cursor of an earlier answer")
        }
        return cursor
    }
}

extension TraceID {
    /// 32 hexadecimal digits.
    var text: String {
        func digits(_ half: UInt64) -> String {
            let text = String(half, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }
}
