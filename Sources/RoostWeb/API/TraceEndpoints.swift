import RoostAnalytics
import RoostCollector
import RoostCore
import RoostIngest
import RoostNet
import RoostStore

/// Traces that are stored: lists, one, its analysis, two side by side, files; and log records.
enum TraceEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            list(context), compare(context), one(context), analysis(context), export(context),
            logs(context),
        ]
    }

    /// What a trace takes in a list that is being made.
    private static let bytesOfRow = 2 << 10
    private static let bytesOfRecord = 1 << 10
    /// What an answer about a trace takes at least while it is made, by the bytes of its spans.
    static let bytesByByte = 6

    /// Of a trace that is shown, and of one that is analysed; the rest is counted as omitted.
    private static let mostShown = 20_000
    private static let mostAnalysed = 200_000

    private static let id = Parameter.path("trace_id", .traceID, "The id of the trace")

    private static func list(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "traces", name: "getTraces",
            summary: "Traces by their start, newest first",
            parameters: [
                .query("service", .text, "Only traces with spans of this service"),
                .query("workflow_id", .text, "A workflow's name, or a trace id"),
                .query("agent", .text, "Only traces with this agent"),
                .query("session", .text, "Only traces of this session"),
                .query(
                    "status", .choice(TraceSummary.Status.allCases.map(\.rawValue)),
                    "Only traces that are so"),
                .query("min_duration", .seconds, "Only traces that took so long or longer"),
                .query("max_duration", .seconds, "Only traces that took so long or shorter"),
                .query("since", .time, "Only traces that started then or later"),
                .query("until", .time, "Only traces that started then or before"),
                .query("limit", .integer(1...1000), "The most traces", standard: "50"),
                .query(
                    "cursor", .cursor(.place), "Goes on behind an earlier answer; keep the filters"),
            ],
            bounds: [("since", "until"), ("min_duration", "max_duration")],
            answer: .json(schema: "Traces"),
            handle: { request throws(APIError) in
                var query = TraceQuery()
                query.service = request.text("service")
                query.workflow = request.text("workflow_id")
                query.agent = request.text("agent")
                query.session = request.text("session")
                query.status = request.text("status").flatMap { TraceSummary.Status(rawValue: $0) }
                query.minDuration = request.duration("min_duration")
                query.maxDuration = request.duration("max_duration")
                query.since = request.time("since")
                query.until = request.time("until")
                query.limit = request.integer("limit") ?? 50
                query.cursor = request.text("cursor")
                let wanted = query
                let store = try store(context)
                context.document(request, about: wanted.limit * bytesOfRow) {
                    writer throws(APIError) in
                    let page = try told { () throws(StoreQueryError) in try store.traces(wanted) }
                    writer.beginObject()
                    writer.array("traces") { writer in
                        for trace in page.traces { trace.write(into: &writer) }
                    }
                    writer.key("cursor")
                    if let cursor = page.cursor { writer.value(cursor) } else { writer.null() }
                    writer.endObject()
                }
            })
    }

    private static func one(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "traces/{trace_id}", name: "getTrace",
            summary: "One trace with all its spans", parameters: [id],
            answer: .json(schema: "Trace"),
            handle: { request throws(APIError) in
                let load = try loader(request.traceID("trace_id"), context)
                context.document(request) { writer, lease throws(APIError) in
                    let trace = try load(lease)
                    TraceDetail.write(
                        chunks: trace.stored.spans, document: trace.document, into: &writer)
                    guard !writer.isCut else { throw lease.refusal(of: trace.id) }
                }
            })
    }

    private static func analysis(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "traces/{trace_id}/analysis", name: "getTraceAnalysis",
            summary: "Where the time of a trace went: critical path, bottlenecks, score, advice",
            parameters: [
                id,
                .query(
                    "format", .choice(["json", "markdown"]), "How it is told", standard: "json"),
            ],
            answer: .jsonOrText(schema: "TraceAnalysis", mediaType: "text/markdown"),
            handle: { request throws(APIError) in
                let load = try loader(request.traceID("trace_id"), context, isAnalysed: true)
                let isText = request.text("format") == "markdown"
                context.answer(request) { lease throws(APIError) in
                    let analysis = TraceAnalysis(of: try load(lease).document)
                    guard !isText else {
                        return Response(
                            status: 200,
                            headers: [("content-type", "text/markdown; charset=utf-8")],
                            body: .bytes(Array(formatReport(analysis).utf8)))
                    }
                    var writer = JSONWriter(paidBy: lease)
                    analysis.write(into: &writer)
                    guard !writer.isCut else { throw lease.refusal(or: .answerTooLarge) }
                    return WebAnswer.json(writer)
                }
            })
    }

    private static func export(_ context: APIContext) -> Endpoint {
        let formats = TraceExportFormat.allCases.map(\.rawValue)
        return Endpoint(
            method: .get, path: API.root + "traces/{trace_id}/export", name: "exportTrace",
            summary: "One trace as a file for other tools",
            parameters: [
                id, .query("format", .choice(formats), "Whose form it has", standard: "otlp"),
            ],
            answer: .json(schema: "ExportedTrace"),
            handle: { request throws(APIError) in
                guard let id = request.traceID("trace_id") else {
                    throw .missingParameter("trace_id", allowed: "a trace id")
                }
                let store = try store(context)
                let format =
                    request.text("format").flatMap { TraceExportFormat(rawValue: $0) } ?? .otlp
                context.answer(request) { lease throws(APIError) in
                    let stored = try read(id, store, lease)
                    let weight = TraceWeight(stored.spans, activities: stored.activities)
                    guard lease.use(weight.stored + weight.writing) else {
                        throw lease.refusal(of: id)
                    }
                    var writer = JSONWriter(paidBy: lease)
                    TraceExport.write(
                        format, chunks: stored.spans, traceIDHigh: id.high, traceIDLow: id.low,
                        into: &writer)
                    guard !writer.isCut else { throw lease.refusal(of: id) }
                    var response = WebAnswer.json(writer)
                    let name = "\(id.text).\(format.rawValue).json"
                    response.headers.append(
                        ("content-disposition", "attachment; filename=\"\(name)\""))
                    return response
                }
            })
    }

    private static func compare(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "traces/compare", name: "compareTraces",
            summary: "Two traces side by side",
            parameters: [
                .query("a", .traceID, "The first trace", isRequired: true),
                .query("b", .traceID, "The second trace", isRequired: true),
            ],
            answer: .json(schema: "TraceComparison"),
            handle: { request throws(APIError) in
                let first = try loader(request.traceID("a"), context, isAnalysed: true)
                let second = try loader(request.traceID("b"), context, isAnalysed: true)
                context.document(request) { writer, lease throws(APIError) in
                    let a = ComparedTrace(of: TraceAnalysis(of: try first(lease).document))
                    // Of the first nothing else is held any more.
                    lease.giveBack(lease.usedBytes)
                    lease.shrink(to: APIContext.usualBytes)
                    guard lease.use(a.byteCount) else { throw lease.refusal(or: .answerTooLarge) }
                    let b = ComparedTrace(of: TraceAnalysis(of: try second(lease).document))
                    TraceComparison(a, b).write(into: &writer)
                }
            })
    }

    private static func logs(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .get, path: API.root + "logs", name: "getLogs",
            summary: "Log records of a trace or a session, or the latest of all, newest first",
            parameters: [
                .query("trace_id", .traceID, "Only records of this trace"),
                .query("session", .text, "Only records of this session"),
                .query("limit", .integer(1...1000), "The most records", standard: "100"),
                .query(
                    "cursor", .cursor(.row), "Goes on behind an earlier answer; keep the filters"),
            ],
            answer: .json(schema: "Logs"),
            handle: { request throws(APIError) in
                var query = LogQuery()
                query.traceIDHigh = request.traceID("trace_id")?.high
                query.traceIDLow = request.traceID("trace_id")?.low
                query.session = request.text("session")
                query.limit = request.integer("limit") ?? 100
                query.cursor = request.text("cursor")
                query.mostBytes = context.collector.answers.modest(query.mostBytes)
                let wanted = query
                let store = try store(context)
                let about = min(wanted.limit * bytesOfRecord, wanted.mostBytes) * bytesByByte / 2
                context.document(request, about: about) { writer, lease throws(APIError) in
                    let page = try told { () throws(StoreQueryError) in try store.logs(wanted) }
                    let bytes = page.requests.reduce(0) { $0 + $1.count }
                    guard lease.use(bytes) else { throw lease.refusal(or: .answerTooLarge) }
                    writer.beginObject()
                    writer.array("logs") { writer in
                        LogRecords.write(page.requests, into: &writer)
                    }
                    writer.key("cursor")
                    if let cursor = page.cursor { writer.value(cursor) } else { writer.null() }
                    writer.endObject()
                }
            })
    }

    // MARK: shared

    /// A trace read and understood.
    struct Loaded {
        let id: TraceID
        let stored: StoredTrace
        let document: TraceDocument
    }

    static func store(_ context: APIContext) throws(APIError) -> TraceStore {
        guard context.collector.switches.isOn(.store) || context.collector.store.isOpen else {
            throw .switchedOff("store")
        }
        return context.collector.store
    }

    /// What reads a trace, beside the loop, to be shown or analysed.
    static func loader(
        _ id: TraceID?, _ context: APIContext, isAnalysed: Bool = false
    ) throws(APIError) -> @Sendable (AnswerRoom.Lease) throws(APIError) -> Loaded {
        guard let id else { throw .missingParameter("trace_id", allowed: "a trace id") }
        let store = try store(context)
        let names = context.collector.names
        let prices = context.collector.prices
        let most = isAnalysed ? mostAnalysed : mostShown
        return { lease throws(APIError) in
            let stored = try read(id, store, lease)
            let weight = TraceWeight(stored.spans, activities: stored.activities)
            let making = weight.making(most: most)
            guard lease.use(weight.stored + making) else { throw lease.refusal(of: id) }
            var document = TraceReader(names: names, prices: prices).document(
                chunks: stored.spans, activities: ActivityBatch(unpacking: stored.activities),
                traceIDHigh: id.high, traceIDLow: id.low, most: most)
            document.isOver = stored.summary.status != .running
            if stored.spans.isEmpty || stored.omitted > 0 {
                document.note(whole: stored.summary)
            }
            lease.giveBack(making)
            let using = isAnalysed ? weight.analysing(most: most) : weight.writing(most: most)
            guard lease.use(using) else { throw lease.refusal(of: id) }
            return Loaded(id: id, stored: stored, document: document)
        }
    }

    /// The bytes of a trace, as soon as there is room for what is made of them.
    private static func read(
        _ id: TraceID, _ store: TraceStore, _ lease: AnswerRoom.Lease
    ) throws(APIError) -> StoredTrace {
        let stored: StoredTrace?
        do throws(StoreQueryError) {
            stored = try store.trace(high: id.high, low: id.low, withLogs: false) {
                lease.grow(by: $0 * bytesByByte)
            }
        } catch {
            guard error == .noRoom else { throw APIError(error) }
            throw lease.refusal(of: id)
        }
        guard let stored else { throw .notFound("trace", id.text) }
        return stored
    }

    static func told<Answer>(
        _ question: () throws(StoreQueryError) -> Answer
    ) throws(APIError) -> Answer {
        do throws(StoreQueryError) { return try question() } catch { throw APIError(error) }
    }

    /// The same of a question that says, before it reads, how many bytes have to be leased for its
    /// answer in all; `tooLarge` is thrown where there never will be so many.
    static func told<Answer>(
        _ lease: AnswerRoom.Lease, or tooLarge: APIError,
        _ question: (@escaping (Int) -> Bool) throws(StoreQueryError) -> Answer
    ) throws(APIError) -> Answer {
        do throws(StoreQueryError) {
            return try question { lease.grow(to: $0) }
        } catch {
            guard error == .noRoom else { throw APIError(error) }
            throw lease.refusal(or: tooLarge)
        }
    }
}

extension APIError {
    fileprivate init(_ error: StoreQueryError) {
        switch error {
        case .badCursor:
            self.init(
                status: 400, code: "bad_parameter",
                message: "cursor is not one of an earlier answer with the same filters")
        case .tooMuch(let how): self.init(status: 422, code: "too_much", message: how)
        case .noRoom: self = .noMemory
        case .unavailable(let reason):
            self.init(status: 503, code: "unavailable", message: reason)
        }
    }
}

extension AnswerRoom.Lease {
    /// Why there is no more for an answer about a trace.
    func refusal(of id: TraceID) -> APIError { refusal(or: .tooLarge("trace", id.text)) }
}
