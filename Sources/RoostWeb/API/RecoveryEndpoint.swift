import RoostAnalytics
import RoostCollector
import RoostCore

/// `POST failures/recoveries`: somebody says that a failure was got over.
enum RecoveryEndpoint {
    static func make(_ context: APIContext) -> Endpoint {
        Endpoint(
            method: .post, path: API.root + "failures/recoveries", name: "postRecovery",
            summary: "Says that a failure was got over",
            bodySchema: "FailureRecovery", answer: .json(schema: "FailureRecovery"),
            isAdministrative: true, bodyNamesSomething: true,
            handle: { request throws(APIError) in
                let (now, document) = (request.now, try request.document())
                guard let text = document["id"]?.string, 1...20 ~= text.utf8.count,
                    text.utf8.allSatisfy({ 0x30...0x39 ~= $0 })
                else { throw .badBody("id is that of a failure, as a text") }
                guard let id = UInt64(text) else { throw .notFound("failure", text) }
                let isDone = context.collector.analytics.change { $0.markRecovered(id, now: now) }
                guard let isDone else { throw .switchedOff("analytics") }
                guard isDone else { throw .notFound("failure to be got over", String(id)) }
                context.collector.audit.note("failure.recover", [("id", .string(String(id)))])
                // The audit trail has it by then.
                let home = LoopOwned(request, on: context.loop)
                context.collector.audit.whenSettled {
                    home.post { request in
                        request.answer { writer in
                            writer.beginObject()
                            writer.field("id", String(id))
                            writer.endObject()
                        }
                    }
                }
            })
    }
}
