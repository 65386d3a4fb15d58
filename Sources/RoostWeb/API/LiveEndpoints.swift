import RoostAnalytics
import RoostCollector
import RoostCore
import RoostNet

/// Live streams: over WebSocket, and as server-sent events.
enum LiveEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            events(context), metrics(context), execution(context), eventStream(context),
            metricsStream(context),
        ]
    }

    private static let milliseconds = Parameter.query(
        "interval_ms", .integer(100...60_000), "How often figures come", standard: "1000")

    private static let filters: [Parameter] = [
        .query("type", .text, "Only events of these types, with commas between"),
        .query("agent", .text, "Only events of these agents, with commas between"),
        .query("severity", .text, "Only events of these severities, with commas between"),
        .query("workflow", .text, "Only events of these workflows, with commas between"),
    ]

    // MARK: WebSocket

    private static func events(_ context: APIContext) -> Endpoint {
        socket(
            context, "ws/events", "streamEvents",
            "Events as they happen; {\"subscribe\":{…}} narrows them, {\"resume\":\"<id>\"} goes on"
        ) { _ in
            LiveSocket(hub: context.hub) { context.hub.subscribe($0, to: LiveFilter()) }
        }
    }

    private static func metrics(_ context: APIContext) -> Endpoint {
        socket(
            context, "ws/metrics", "streamMetrics", "The figures of the last minute, every second",
            [milliseconds]
        ) { request in
            let interval = UInt64(request.integer("interval_ms") ?? 1_000)
            return LiveSocket(hub: context.hub) { socket in
                context.hub.measure(
                    socket,
                    LiveMeter(socket, milliseconds: interval) { figures(context, workflow: nil) })
            }
        }
    }

    private static func execution(_ context: APIContext) -> Endpoint {
        socket(
            context, "ws/executions/{trace_id}", "streamExecution",
            "What one run does: its state first, null before it has begun, then its events",
            [.path("trace_id", .traceID, "The run's trace id")]
        ) { request in
            let trace = request.traceID("trace_id")
            return LiveSocket(hub: context.hub, trace: trace) { socket in
                context.hub.subscribe(socket, to: LiveFilter(trace: trace))
                guard let trace else { return }
                let (state, latest) = execution(of: trace, context)
                // Those that are in its state already do not follow it.
                socket.latest = max(socket.latest, latest)
                _ = socket.send(state)
            }
        }
    }

    private static func socket(
        _ context: APIContext, _ path: String, _ name: String, _ summary: String,
        _ parameters: [Parameter] = [],
        _ make: @escaping (APIRequest) throws(APIError) -> LiveSocket
    ) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + path, name: name, summary: summary,
            parameters: parameters, answer: .webSocket,
            upgrade: { request throws(APIError) in
                try needsLive(context)
                return WebSocketAcceptance(try make(request))
            }, handle: { _ in })
    }

    // MARK: server-sent events

    private static func eventStream(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "events/stream", name: "getEventStream",
            summary: "Events as they happen, as server-sent events; Last-Event-ID goes on",
            parameters: filters, answer: .events,
            handle: { request throws(APIError) in
                try needsLive(context)
                let filter = try filter(request)
                let resume = try lastEvent(request)
                try open(request, context) {
                    context.hub.subscribe($0, to: filter, resume: resume)
                }
            })
    }

    private static func metricsStream(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "metrics/stream", name: "getMetricsStream",
            summary: "The figures of the last minute, as server-sent events",
            parameters: [
                .query("workflow_id", .text, "A trace id: the run's state; or a workflow's name"),
                milliseconds,
            ], answer: .events,
            handle: { request throws(APIError) in
                try needsLive(context)
                let workflow = request.text("workflow_id")
                let interval = UInt64(request.integer("interval_ms") ?? 1_000)
                try open(request, context) { stream in
                    context.hub.measure(
                        stream,
                        LiveMeter(stream, milliseconds: interval) {
                            figures(context, workflow: workflow)
                        })
                }
            })
    }

    private static func open(
        _ request: APIRequest, _ context: APIContext, _ subscribe: (EventStream) -> Void
    ) throws(APIError) {
        try EventStream.open(
            request.head, request.responder, on: context.hub,
            within: context.collector.liveStreams, subscribe)
    }

    // MARK: what is sent

    private static func needsLive(_ context: APIContext) throws(APIError) {
        guard context.collector.switches.isOn(.live) else { throw .switchedOff("live") }
        guard context.collector.switches.isOn(.analytics) else { throw .switchedOff("analytics") }
    }

    private static func filter(_ request: APIRequest) throws(APIError) -> LiveFilter {
        var members: [(name: String, value: JSONValue)] = []
        for name in ["type", "agent", "severity", "workflow"] {
            guard let text = request.text(name) else { continue }
            let words = text.split(separator: ",", omittingEmptySubsequences: false)
            guard words.count <= LiveFilter.mostValues, !words.contains(where: \.isEmpty) else {
                throw .badParameter(
                    name, text,
                    allowed: "one to \(LiveFilter.mostValues) words with commas between")
            }
            members.append((name, .array(words.map { .string(String($0)) })))
        }
        switch LiveFilter.read(.object(members)) {
        case .success(let filter): return filter
        case .failure(let fault):
            throw APIError(status: 400, code: "bad_parameter", message: fault.message)
        }
    }

    /// The message after which the client wants to go on.
    private static func lastEvent(_ request: APIRequest) throws(APIError) -> UInt64? {
        guard let text = request.head.header("last-event-id"), !text.isEmpty else { return nil }
        guard let id = UInt64(digits: text) else {
            throw APIError(
                status: 400, code: "bad_parameter",
                message: "Last-Event-ID is the id of a message, a number, and not "
                    + text.shortened(to: 32))
        }
        return id
    }

    /// The figures of the last minute, of everything or of one workflow; a run's state.
    private static func figures(_ context: APIContext, workflow: String?) -> LiveText? {
        if let id = workflow.flatMap({ $0.count == 32 ? TraceID($0) : nil }) {
            return state(of: id, context)
        }
        let now = unixNanoseconds()
        let found = context.collector.analytics.read {
            $0.window(60, now: now, groups: workflow != nil)
        }
        guard let statistics = found ?? nil else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", "metrics")
        writer.field("time", rfc3339(unixNanoseconds: now))
        writer.key("data")
        if let workflow {
            statistics.write(workflow: workflow, into: &writer)
        } else {
            statistics.write(into: &writer, groups: false)
        }
        writer.endObject()
        return LiveText(ByteBlock(writer.bytes))
    }

    /// A run's state; nil when it is not held.
    private static func state(of id: TraceID, _ context: APIContext) -> LiveText? {
        detail(of: id, context).detail.map { detail in execution(id) { detail.write(into: &$0) } }
    }

    /// The same, of a run that is not held without its state: nothing has come of it yet, or nothing
    /// for long. And the number of the latest event before it.
    private static func execution(
        of id: TraceID, _ context: APIContext
    ) -> (state: LiveText, latest: UInt64) {
        let (detail, latest) = detail(of: id, context)
        let state = execution(id) { data in
            if let detail { detail.write(into: &data) } else { data.null() }
        }
        return (state, latest)
    }

    private static func detail(
        of id: TraceID, _ context: APIContext
    ) -> (detail: WorkflowDetail?, latest: UInt64) {
        let now = unixNanoseconds()
        let found = context.collector.analytics.read {
            ($0.fleet.workflow(id.high, id.low, $0.symbols, now: now), $0.latestEvent)
        }
        return found ?? (nil, 0)
    }

    private static func execution(
        _ id: TraceID, _ data: (inout JSONWriter) -> Void
    ) -> LiveText {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", "execution")
        writer.field("time", rfc3339(unixNanoseconds: unixNanoseconds()))
        writer.field("trace_id", id.text)
        writer.key("data")
        data(&writer)
        writer.endObject()
        return LiveText(ByteBlock(writer.bytes))
    }
}
