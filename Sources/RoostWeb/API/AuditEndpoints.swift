import RoostAudit
import RoostCollector
import RoostCore
import RoostNet

/// `audit`: the audit trail, asked and appended to.
enum AuditEndpoints {
    static let mostRecords = 1000
    /// What a record takes in an answer that is being made.
    private static let bytesOfRecord = 1 << 10
    private static let day: UInt64 = 86_400_000_000_000

    static func all(_ context: APIContext) -> [Endpoint] {
        [
            Endpoint(
                method: .get, path: API.root + "audit", name: "getAudit",
                summary: "Records of the audit trail, newest first",
                parameters: [
                    .query("agent", .text, "Of this agent"),
                    .query("action", .text, "Of this action, as tool.permission"),
                    .query("user", .text, "Of this user"),
                    .query("result", .text, "With this result, as success, failure or denied"),
                    .query("since", .time, "Written at or after this"),
                    .query("until", .time, "Written at or before this"),
                    .query(
                        "limit", .integer(1...AuditQuery.mostRecords), "At most so many",
                        standard: "100"),
                    .query("cursor", .cursor(.number), "Goes on where an earlier answer ended"),
                ],
                bounds: [("since", "until")], answer: .json(schema: "AuditPage"),
                handle: { request throws(APIError) in
                    let trail = try trail(context)
                    let query = try query(request)
                    context.document(request, about: query.limit * bytesOfRecord) {
                        writer throws(APIError) in
                        try write(trail, query, into: &writer)
                    }
                }),
            Endpoint(
                method: .get, path: API.root + "audit/summary", name: "getAuditSummary",
                summary: "Records of a span of time, added up by action, user, agent and time",
                parameters: [
                    .query("agent", .text, "Of this agent"),
                    .query("action", .text, "Of this action"),
                    .query("user", .text, "Of this user"),
                    .query("result", .text, "With this result"),
                    .query("since", .time, "From then on", standard: "24h before until"),
                    .query("until", .time, "Up to then"),
                    .query(
                        "slots", .integer(1...AuditSummary.mostSlots),
                        "Equal parts that the time is cut into", standard: "24"),
                    .query(
                        "limit", .integer(1...AuditQuery.mostRecords),
                        "At most so many actions, users and agents, the busiest", standard: "10"),
                ],
                bounds: [("since", "until")], answer: .json(schema: "AuditSummary"),
                handle: { request throws(APIError) in
                    let trail = try trail(context)
                    let query = try query(request)
                    let until = request.time("until") ?? request.now
                    let since = request.time("since") ?? until &- min(until, day)
                    let (slots, limit) = (
                        request.integer("slots") ?? 24, request.integer("limit") ?? 10
                    )
                    context.document(request) { writer throws(APIError) in
                        try AuditSummaryAnswer.write(
                            trail, query, since: since, until: until, slots: slots, limit: limit,
                            into: &writer)
                    }
                }),
            Endpoint(
                method: .post, path: API.root + "audit", name: "postAudit",
                summary:
                    "Appends one record or a list; all of a list or none. Answers when they are "
                    + "on the disk",
                bodySchema: "AuditRecords", answer: .json(schema: "AuditAppended"),
                isAdministrative: true,
                handle: { request throws(APIError) in
                    let trail = try trail(context)
                    append(try records(try request.document()), to: trail, request, context.loop)
                }),
        ]
    }

    private static func trail(_ context: APIContext) throws(APIError) -> AuditTrail {
        guard let trail = context.collector.audit.trail else { throw .switchedOff("audit") }
        return trail
    }

    // MARK: GET

    private static func query(_ request: APIRequest) throws(APIError) -> AuditQuery {
        var query = AuditQuery()
        query.agent = request.text("agent")
        query.action = request.text("action")
        query.user = request.text("user")
        query.result = request.text("result")
        query.since = request.time("since")
        query.until = request.time("until")
        query.limit = request.integer("limit") ?? 100
        if let text = request.text("cursor") {
            guard let cursor = UInt64(digits: text) else {
                throw .badParameter("cursor", text, allowed: "the cursor of an earlier answer")
            }
            query.cursor = cursor
        }
        return query
    }

    private static func write(
        _ trail: AuditTrail, _ query: AuditQuery, into writer: inout JSONWriter
    ) throws(APIError) {
        let page: AuditPage
        do throws(AuditQueryError) { page = try trail.query(query) } catch { throw fault(error) }
        writer.beginObject()
        writer.array("records") { writer in for record in page.records { writer.raw(record) } }
        writer.key("cursor")
        if let cursor = page.cursor { writer.value(String(cursor)) } else { writer.null() }
        writer.field("damaged", page.damaged)
        writer.endObject()
    }

    static func fault(_ error: AuditQueryError) -> APIError {
        switch error {
        case .tooMuch(let message):
            APIError(status: 422, code: "too_much", message: message)
        case .unreadable(let message):
            APIError(status: 503, code: "unreadable", message: message)
        }
    }

    // MARK: POST

    private static func records(_ document: JSONValue) throws(APIError) -> [AuditRecord] {
        let list = document.array ?? [document]
        guard !list.isEmpty, list.count <= mostRecords else {
            throw .badBody("a list of 1 to \(mostRecords) records, or one record")
        }
        var records: [AuditRecord] = []
        for (place, one) in list.enumerated() {
            do throws(AuditRefusal) {
                let record = try record(one)
                try record.check()
                records.append(record)
            } catch {
                throw .badBody(
                    (document.array == nil ? "" : "record \(place): ") + error.message)
            }
        }
        return records
    }

    private static let members = [
        "action", "result", "agent", "user", "session", "trace_id", "time", "details",
    ]

    private static func record(_ document: JSONValue) throws(AuditRefusal) -> AuditRecord {
        guard let given = document.members else { throw .invalid("a record is a JSON object") }
        for (name, _) in given where !members.contains(name) {
            throw .invalid(
                "there is no \(name.shortened()); known are " + members.joined(separator: ", "))
        }
        func text(_ name: String) throws(AuditRefusal) -> String? {
            switch document[name] {
            case nil, .null: return nil
            case .string(let text): return text
            default: throw .invalid("\(name) is a text")
            }
        }
        guard let action = try text("action") else { throw .invalid("action is missing") }
        var record = AuditRecord(
            action: action, result: try text("result") ?? "success", source: .api,
            agent: try text("agent"), user: try text("user"), session: try text("session"),
            traceID: try text("trace_id"), details: document["details"])
        if let time = try text("time") {
            guard let moment = unixNanoseconds(rfc3339: time) else {
                throw .invalid("time is a moment as 2026-11-20T08:15:00Z")
            }
            record.happened = moment
        }
        return record
    }

    private static func append(
        _ records: [AuditRecord], to trail: AuditTrail, _ request: APIRequest, _ loop: EventLoop
    ) {
        let home = LoopOwned(request, on: loop)
        let count = records.count
        trail.append(records) { result in
            home.post { $0.answer(outcome(result, count)) }
        }
    }

    private static func outcome(
        _ result: Result<UInt64, AuditRefusal>, _ count: Int
    ) -> Result<[UInt8], APIError> {
        switch result {
        case .success(let last):
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("appended", count)
            writer.field("first_sequence", last + 1 - UInt64(count))
            writer.field("last_sequence", last)
            writer.endObject()
            return .success(writer.bytes)
        case .failure(let refusal):
            let status = refusal.kind == .invalid ? 400 : 503
            return .failure(
                APIError(
                    status: status, code: status == 400 ? "bad_body" : "not_appended",
                    message: refusal.message))
        }
    }
}
