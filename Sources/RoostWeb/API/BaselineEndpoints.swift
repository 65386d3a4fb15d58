import RoostAnalytics
import RoostCollector
import RoostCore

/// `POST regressions/baselines`: what agents, tools, models and workflows are compared with.
enum BaselineEndpoints {
    static func all(_ context: APIContext) -> [Endpoint] {
        [
            Endpoint(
                method: .post, path: API.root + "regressions/baselines", name: "postBaselines",
                summary:
                    "Takes what is usual now for the baseline of a subject, or forgets the "
                    + "baseline of a subject or of all",
                bodySchema: "BaselineChange", answer: .json(schema: "BaselineChange"),
                isAdministrative: true, bodyNamesSomething: true,
                handle: { request throws(APIError) in
                    let change = try Change(try request.document())
                    try make(change, context)
                    // The audit trail has it by then.
                    let home = LoopOwned(request, on: context.loop)
                    context.collector.audit.whenSettled {
                        home.post { $0.answer { change.write(into: &$0) } }
                    }
                })
        ]
    }

    private struct Change: Sendable {
        var isAccepted: Bool
        /// Nil is all.
        var subject: FindingSubject?

        init(_ document: JSONValue) throws(APIError) {
            guard let action = document["action"]?.string, ["accept", "reset"].contains(action)
            else { throw .badBody("action has to be accept or reset") }
            isAccepted = action == "accept"
            guard let subject = document["subject"] else {
                guard !isAccepted else { throw .badBody("accept needs a subject") }
                return
            }
            let kinds = FindingSubject.Kind.allCases
            guard let word = subject["kind"]?.string,
                let kind = kinds.first(where: { $0.word == word }),
                let name = subject["name"]?.string
            else {
                throw .badBody(
                    "subject is an object of a name and a kind, one of "
                        + kinds.map(\.word).joined(separator: ", "))
            }
            self.subject = FindingSubject(kind, name)
        }

        func write(into writer: inout JSONWriter) {
            writer.beginObject()
            writer.field("action", isAccepted ? "accept" : "reset")
            if let subject {
                writer.object("subject") { writer in
                    writer.field("kind", subject.kind.word)
                    writer.field("name", subject.name)
                }
            }
            writer.endObject()
        }
    }

    /// An act that the audit trail tells of.
    private static func make(_ change: Change, _ context: APIContext) throws(APIError) {
        let isDone = context.collector.analytics.change { analytics in
            guard let subject = change.subject else {
                analytics.resetBaselines()
                return true
            }
            return change.isAccepted
                ? analytics.acceptBaseline(of: subject) : analytics.resetBaseline(of: subject)
        }
        guard let isDone else { throw .switchedOff("analytics") }
        guard isDone else {
            throw .notFound(
                "baseline of the \(change.subject?.kind.word ?? "subject")",
                change.subject?.name ?? "")
        }
        var details: [(name: String, value: JSONValue)] = []
        if let subject = change.subject {
            details = [("kind", .string(subject.kind.word)), ("name", .string(subject.name))]
        }
        context.collector.audit.note(
            change.isAccepted ? "baseline.accept" : "baseline.reset", details)
    }
}
