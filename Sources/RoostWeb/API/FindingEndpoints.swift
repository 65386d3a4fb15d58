import RoostAnalytics
import RoostCollector
import RoostCore
import RoostNet

/// What analysis finds: patterns, regressions, failures, costs, budgets, insights and their report.
enum FindingEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            patterns(context), regressions(context), failures(context), costs(context),
            budgets(context), insights(context), report(context),
        ]
    }

    private static func ask<Answer>(
        _ context: APIContext, _ question: (borrowing Analytics) -> Answer
    ) throws(APIError) -> Answer {
        try AnalyticsEndpoints.ask(context, question)
    }

    private static func patterns(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "patterns", name: "getPatterns",
            summary: "Recurring failures, bottlenecks and inefficiencies, with their evidence",
            answer: .json(schema: "Patterns"),
            handle: { request throws(APIError) in
                let report = try ask(context) {
                    $0.findings.patterns.report($0.symbols, now: request.now)
                }
                request.answer { report.write(into: &$0) }
            })
    }

    private static func regressions(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "regressions", name: "getRegressions",
            summary: "What has become slower, dearer or less reliable than its baseline",
            answer: .json(schema: "Regressions"),
            handle: { request throws(APIError) in
                let report = try ask(context) {
                    $0.findings.regressions.report($0.symbols, now: request.now)
                }
                request.answer { report.write(into: &$0) }
            })
    }

    private static func failures(_ context: APIContext) -> Endpoint {
        let outcomes = FailureOutcome.allCases.map(\.text)
        return Endpoint(
            method: .get, path: API.root + "failures", name: "getFailures",
            summary: "Failures, whether they were got over and how; rates, types and clusters",
            parameters: [
                .query(
                    "component", .choice(FailureComponent.allCases.map(\.text)), "What failed"),
                .query("type", .text, "Only errors of this type"),
                .query("agent", .text, "Only those of this agent"),
                .query("workflow", .text, "Only those of this workflow"),
                .query("trace_id", .traceID, "Only those of this trace"),
                .query("outcome", .choice(outcomes), "Only those that ended so"),
                .query("since", .time, "Only those that were heard of since"),
                .query("limit", .integer(1...1000), "The most failures", standard: "50"),
                .query("cursor", .cursor(.number), "Goes on behind an earlier answer"),
            ],
            answer: .json(schema: "Failures"),
            handle: { request throws(APIError) in
                var filter = FailureFilter()
                filter.component = request.text("component").flatMap {
                    FailureComponent(text: $0)
                }
                filter.errorType = request.text("type")
                filter.agent = request.text("agent")
                filter.workflow = request.text("workflow")
                filter.trace = request.traceID("trace_id").map { ($0.high, $0.low) }
                let outcome = request.text("outcome")
                filter.outcome = FailureOutcome.allCases.first { $0.text == outcome }
                filter.since = request.time("since") ?? 0
                filter.limit = request.integer("limit") ?? 50
                filter.cursor = try AnalyticsEndpoints.cursor(request)
                let wanted = filter
                let report = try ask(context) {
                    $0.failures.report(wanted, $0.symbols, now: request.now)
                }
                request.answer { report.write(into: &$0) }
            })
    }

    private static func costs(_ context: APIContext) -> Endpoint {
        let periods = CostPeriod.allCases.map(\.rawValue)
        return Endpoint(
            method: .get, path: API.root + "costs", name: "getCosts",
            summary: "What agents cost, by whom, where it is going, and how to spend less",
            parameters: [
                .query("period", .choice(periods), "The time it is about", standard: "30d"),
                .query("limit", .integer(1...1000), "The most of each kind", standard: "5"),
            ],
            answer: .json(schema: "Costs"),
            handle: { request throws(APIError) in
                let period = request.text("period").flatMap { CostPeriod(rawValue: $0) } ?? .month
                let limit = request.integer("limit") ?? 5
                let prices = context.collector.prices
                let report = try ask(context) {
                    $0.costs.report(period, limit: limit, now: request.now) { model, provider in
                        prices.find(
                            model: model, provider: provider, tier: .standard, inputTokens: 0,
                            unixNano: request.now)?.rates
                    }
                }
                request.answer { report.write(into: &$0) }
            })
    }

    private static func budgets(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "budgets", name: "getBudgets",
            summary: "Where the budgets of the configuration stand, the fullest first",
            parameters: [.query("limit", .integer(1...1000), "The most", standard: "100")],
            answer: .json(schema: "Budgets"),
            handle: { request throws(APIError) in
                let limit = request.integer("limit") ?? 100
                let states = try ask(context) { $0.budgets.states(now: request.now, limit: limit) }
                request.answer { writer in
                    writer.beginObject()
                    writer.array("budgets") { writer in
                        for state in states { state.write(into: &writer) }
                    }
                    writer.endObject()
                }
            })
    }

    private static let since = Parameter.query(
        "since", .time, "From when on things that are over are told", standard: "1h")

    private static func made(
        _ request: APIRequest, _ context: APIContext
    ) throws(APIError) -> InsightReport {
        let hour: UInt64 = 3_600_000_000_000
        let since = request.time("since") ?? (request.now > hour ? request.now - hour : 0)
        var report = try ask(context) { $0.report(since: since, now: request.now) }
        for part in [Switches.Part.traces, .logs, .store]
        where !context.collector.switches.isOn(part) {
            report.coverage.remarks.append(
                "\(part.rawValue.prefix(1).uppercased() + part.rawValue.dropFirst()) \(part == .store ? "is" : "are") switched off."
            )
        }
        return report
    }

    private static func insights(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "insights", name: "getInsights",
            summary: "What is worth doing, the most pressing first", parameters: [since],
            answer: .json(schema: "Insights"),
            handle: { request throws(APIError) in
                let report = try made(request, context)
                request.answer { report.write(into: &$0) }
            })
    }

    private static func report(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "insights/report.md", name: "getInsightReport",
            summary: "The same as a report to read, in Markdown", parameters: [since],
            answer: .text(mediaType: "text/markdown"),
            handle: { request throws(APIError) in
                let text = try made(request, context).markdown()
                request.responder.send(
                    Response(
                        status: 200,
                        headers: [
                            ("content-type", "text/markdown; charset=utf-8"),
                            ("cache-control", "no-store"),
                        ], body: .bytes(Array(text.utf8))))
            })
    }
}
