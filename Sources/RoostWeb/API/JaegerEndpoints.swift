import RoostAnalytics
import RoostCollector
import RoostCore
import RoostIngest
import RoostStore

/// Jaeger's query API over the embedded store, as Grafana's data source and Jaeger's own pages ask
/// it. What they send beside what is known here is passed over.
enum JaegerEndpoints {
    private static let root = "/api/"
    static let mostTraces = 1_500
    /// What a trace takes while traces are looked for.
    private static let bytesOfSummary = 1 << 10
    private static let standardTraces = 100
    /// How far a question without times goes back.
    private static let standardLookback: UInt64 = 48 * 3_600_000_000_000

    static func all(_ context: APIContext) -> [Endpoint] {
        [
            services(context), operationNames(context), operations(context), traces(context),
            trace(context), dependencies(context),
        ]
    }

    private static func endpoint(
        _ path: String, _ name: String, _ summary: String, _ parameters: [Parameter],
        schema: String, bounds: [(lower: String, upper: String)] = [],
        _ handle: @escaping (APIRequest) throws(APIError) -> Void
    ) -> Endpoint {
        Endpoint(
            method: .get, path: root + path, name: name, summary: summary, parameters: parameters,
            bounds: bounds, answer: .json(schema: schema), style: .jaeger, handle: handle)
    }

    // MARK: names

    private static func services(_ context: APIContext) -> Endpoint {
        endpoint(
            "services", "getJaegerServices", "Services that have spans, as Jaeger lists them", [],
            schema: "JaegerNames"
        ) { request throws(APIError) in
            let store = try TraceEndpoints.store(context)
            context.document(request) { writer throws(APIError) in
                let services = try TraceEndpoints.told { () throws(StoreQueryError) in
                    // Nobody can ask for spans without a service by its name.
                    try store.services().filter { !$0.isEmpty }
                }
                JaegerAnswer.list(&writer) { writer in
                    for service in services { writer.value(service) }
                    return services.count
                }
            }
        }
    }

    private static func operationNames(_ context: APIContext) -> Endpoint {
        endpoint(
            "services/{service}/operations", "getJaegerOperationNames",
            "What spans of a service are called", [.path("service", .name, "The service")],
            schema: "JaegerNames"
        ) { request throws(APIError) in
            let service = request.text("service") ?? ""
            let store = try TraceEndpoints.store(context)
            context.document(request) { writer throws(APIError) in
                let found = try TraceEndpoints.told { () throws(StoreQueryError) in
                    try store.operations(service: service)
                }
                // In order, so that one name with several kinds stands together.
                var names: [String] = []
                for operation in found
                where names.last.map({ !$0.isExactly(operation.name) }) ?? true {
                    names.append(operation.name)
                }
                JaegerAnswer.list(&writer) { writer in
                    for name in names { writer.value(name) }
                    return names.count
                }
            }
        }
    }

    private static let kinds = ["", "internal", "server", "client", "producer", "consumer"]

    private static func operations(_ context: APIContext) -> Endpoint {
        endpoint(
            "operations", "getJaegerOperations", "What spans of a service are called, with kinds",
            [
                .query("service", .name, "The service", isRequired: true),
                .query(
                    "spanKind", .choice(kinds.filter { !$0.isEmpty }), "Only spans of this kind"),
            ], schema: "JaegerOperations"
        ) { request throws(APIError) in
            let service = request.text("service") ?? ""
            let kind = request.text("spanKind")
            let store = try TraceEndpoints.store(context)
            context.document(request) { writer throws(APIError) in
                let all = try TraceEndpoints.told { () throws(StoreQueryError) in
                    try store.operations(service: service)
                }
                let found = all.map { (name: $0.name, kind: kindName($0.spanKind)) }
                    .filter { kind == nil || $0.kind == kind }
                JaegerAnswer.list(&writer) { writer in
                    for operation in found {
                        writer.beginObject()
                        writer.field("name", operation.name)
                        writer.field("spanKind", operation.kind)
                        writer.endObject()
                    }
                    return found.count
                }
            }
        }
    }

    private static func kindName(_ kind: Int32) -> String {
        kinds.indices.contains(Int(kind)) ? kinds[Int(kind)] : ""
    }

    // MARK: traces

    private static let microseconds = Parameter.Kind.integer(0...9_000_000_000_000_000)
    private static let milliseconds = Parameter.Kind.integer(0...9_000_000_000_000)

    private static func traces(_ context: APIContext) -> Endpoint {
        endpoint(
            "traces", "getJaegerTraces", "Whole traces of a service, the latest first",
            [
                .query("service", .name, "The service; needed without traceID"),
                .query("operation", .name, "Only traces with a span of the service of this name"),
                .query("tags", .tags, "Attributes of that span", isRepeatable: true),
                .query(
                    "tag", .pair, "The same as key:value; may be given more than once",
                    isRepeatable: true),
                .query("start", microseconds, "Microseconds: only traces that began since"),
                .query("end", microseconds, "Microseconds: only traces that began until then"),
                .query("lookback", .lookback, "How far back without start", standard: "48h"),
                .query(
                    "minDuration", .goDuration,
                    "Only traces in which that span took so long or longer"),
                .query(
                    "maxDuration", .goDuration,
                    "Only traces in which that span took so long or shorter"),
                .query(
                    "limit", .integer(1...1_000_000), "The most traces; never more than 1,500",
                    standard: "\(standardTraces)"),
                .query(
                    "traceID", .shortTraceID, "This trace; may be given more than once",
                    isRepeatable: true),
            ], schema: "JaegerTraces",
            bounds: [("start", "end"), ("minDuration", "maxDuration")]
        ) { request throws(APIError) in
            let store = try TraceEndpoints.store(context)
            let ids = wantedTraces(request)
            if !ids.isEmpty { return answer(request, context, store, ids) }
            let query = try query(request)
            let limit = min(request.integer("limit") ?? standardTraces, mostTraces)
            let names = context.collector.names
            let about = min(limit, TraceQuery.mostTraces) * bytesOfSummary
            context.document(request, about: about) { writer, lease throws(APIError) in
                let found = try search(store, query, limit: limit, lease, about: about)
                let traces = JaegerTraces(store: store, names: names, lease: lease, isStored: true)
                try JaegerAnswer.list(&writer, limit: limit) { writer throws(APIError) in
                    _ = try traces.write(found, into: &writer)
                    return found.count
                }
            }
        }
    }

    private static func trace(_ context: APIContext) -> Endpoint {
        endpoint(
            "traces/{trace_id}", "getJaegerTrace", "One trace, as Jaeger shows it",
            [.path("trace_id", .shortTraceID, "The id of the trace")], schema: "JaegerTraces"
        ) { request throws(APIError) in
            guard let id = request.traceID("trace_id") else { return }
            let store = try TraceEndpoints.store(context)
            let names = context.collector.names
            context.document(request) { writer, lease throws(APIError) in
                let traces = JaegerTraces(store: store, names: names, lease: lease)
                var isFound = false
                try JaegerAnswer.list(&writer) { writer throws(APIError) in
                    isFound = try traces.write(id, into: &writer)
                    return 1
                }
                guard isFound else { throw .notFound("trace", id.text) }
            }
        }
    }

    /// Those that are asked for by their ids; empty when none is.
    private static func wantedTraces(_ request: APIRequest) -> [TraceID] {
        var ids: [TraceID] = []
        for text in QueryString(request.head.query).all("traceID") where !text.isEmpty {
            guard let id = TraceID(text) else { continue }
            if !ids.contains(id) { ids.append(id) }
        }
        return ids
    }

    private static func answer(
        _ request: APIRequest, _ context: APIContext, _ store: TraceStore, _ ids: [TraceID]
    ) {
        let names = context.collector.names
        context.document(request) { writer, lease throws(APIError) in
            let traces = JaegerTraces(store: store, names: names, lease: lease)
            try JaegerAnswer.list(&writer) { writer throws(APIError) in
                let (written, left) = try traces.write(ids, into: &writer)
                return try written + traces.count(left)
            }
        }
    }

    private static func query(_ request: APIRequest) throws(APIError) -> TraceQuery {
        guard let service = request.text("service") else {
            throw .missingParameter("service", allowed: "the name of a service")
        }
        var query = TraceQuery()
        query.service = service
        query.span.operation = request.text("operation")
        query.span.minDuration = request.duration("minDuration")
        query.span.maxDuration = request.duration("maxDuration")
        query.span.tags = try tags(request)
        let end = request.integer("end").map { UInt64($0) * 1_000 }
        query.until = end
        if let start = request.integer("start") {
            query.since = UInt64(start) * 1_000
        } else {
            let latest = end ?? request.now
            let back = request.duration("lookback") ?? standardLookback
            query.since = latest > back ? latest - back : 0
        }
        return query
    }

    /// Of one key the last.
    private static func tags(_ request: APIRequest) throws(APIError) -> [SpanQuery.Tag] {
        let pairs = QueryString(request.head.query)
        var tags: [ExactText: String] = [:]
        for text in pairs.all("tag") where !text.isEmpty {
            guard let colon = text.utf8.firstIndex(of: Parameter.colon) else { continue }
            tags[ExactText(String(text[..<colon]))] = String(text[text.utf8.index(after: colon)...])
        }
        for text in pairs.all("tags") where !text.isEmpty {
            let fault = APIError.badParameter(
                "tags", text, allowed: "a JSON object whose values are texts")
            guard let members = try? JSONValue(parsing: text.utf8).members else { throw fault }
            for (name, value) in members {
                let name = ExactText(name)
                switch value {
                case .string(let text): tags[name] = text
                case .bool(let flag): tags[name] = flag ? "true" : "false"
                case .number(let number):
                    tags[name] = Int(exactly: number).map { "\($0)" } ?? "\(number)"
                case .decimal(let text): tags[name] = text
                default: throw fault
                }
            }
        }
        return tags.map { SpanQuery.Tag($0.key.text, $0.value) }
    }

    /// The ids of the traces that are meant, page by page. `bytes` are leased for these; parts of
    /// traces that are looked through come on top.
    private static func search(
        _ store: TraceStore, _ query: TraceQuery, limit: Int, _ lease: AnswerRoom.Lease,
        about bytes: Int
    ) throws(APIError) -> [TraceID] {
        var query = query
        var found: [TraceID] = []
        repeat {
            query.limit = min(limit - found.count, TraceQuery.mostTraces)
            let asked = query
            let page = try TraceEndpoints.told(lease, or: .searchTooLarge) {
                room throws(StoreQueryError) in
                try store.traces(asked) { room(bytes + $0) }
            }
            found += page.traces.map { TraceID(high: $0.traceIDHigh, low: $0.traceIDLow) }
            query.cursor = page.cursor
        } while query.cursor != nil && found.count < limit
        return found
    }

    // MARK: dependencies

    private static func dependencies(_ context: APIContext) -> Endpoint {
        endpoint(
            "dependencies", "getJaegerDependencies",
            "Which service calls which, from the latest traces of more than one service",
            [
                .query("endTs", milliseconds, "Milliseconds: until when; now without it"),
                .query(
                    "lookback", milliseconds, "Milliseconds before that",
                    standard: "86400000"),
            ], schema: "JaegerDependencies"
        ) { [book = keptCalls(context)] request throws(APIError) in
            let store = try TraceEndpoints.store(context)
            let end = request.integer("endTs").map { UInt64($0) * 1_000_000 } ?? request.now
            let back = UInt64(request.integer("lookback") ?? 86_400_000) * 1_000_000
            var query = TraceQuery()
            query.until = end
            query.since = end > back ? end - back : 0
            let wanted = query
            let names = context.collector.names
            let prices = context.collector.prices
            let answers = context.collector.answers
            let now = request.now
            context.document(request) { writer, lease throws(APIError) in
                let source = ServiceCallsSource(
                    store, TraceReader(names: names, prices: prices), lease, of: answers)
                try book.update(source, now: now)
                var calls = ServiceCalls()
                if let known = book.calls(wanted) {
                    calls = known
                } else {
                    try calls.add(wanted, source)
                }
                // Of the traces nothing is held any more.
                lease.shrink(to: APIContext.usualBytes)
                guard lease.use(calls.byteCount) else {
                    throw lease.refusal(or: .answerTooLarge)
                }
                JaegerAnswer.list(&writer) { calls.write(into: &$0) }
            }
        }
    }

    /// Seconds between two looks at the latest traces, and milliseconds until the first.
    private static let secondsBetweenLooks: UInt64 = 10
    private static let firstLook: UInt64 = 1_000

    /// A book that is kept up to date beside the loop as long as there is a store.
    private static func keptCalls(_ context: APIContext) -> ServiceCallsBook {
        let book = ServiceCallsBook()
        context.loop.schedule(
            afterMilliseconds: firstLook, repeatMilliseconds: secondsBetweenLooks * 1_000
        ) { [weak context, book] in
            guard let context, context.collector.store.isOpen else { return }
            let store = context.collector.store
            let names = context.collector.names
            let prices = context.collector.prices
            let answers = context.collector.answers
            context.loop.offload({
                // Without memory for it the next look is soon enough.
                guard let lease = answers.lease(ServiceCallsSource.ownBytes) else { return }
                let source = ServiceCallsSource(
                    store, TraceReader(names: names, prices: prices), lease, of: answers)
                // What cannot be read now is told to whoever asks.
                try? book.refresh(source, now: unixNanoseconds())
            }) { _ in }
        }
        return book
    }
}
