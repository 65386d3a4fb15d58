import RoostAudit
import RoostCore

/// The document of `audit/summary`.
enum AuditSummaryAnswer {
    static func write(
        _ trail: AuditTrail, _ query: AuditQuery, since: UInt64, until: UInt64, slots: Int,
        limit: Int, into writer: inout JSONWriter
    ) throws(APIError) {
        guard since < until else {
            throw APIError(
                status: 400, code: "contradicting_parameters",
                message: "since has to be before until")
        }
        let summary: AuditSummary
        do throws(AuditQueryError) {
            summary = try trail.summary(query, since: since, until: until, slots: slots)
        } catch {
            throw AuditEndpoints.fault(error)
        }
        writer.beginObject()
        writer.field("since", rfc3339(unixNanoseconds: summary.since))
        writer.field("until", rfc3339(unixNanoseconds: summary.until))
        writer.field("complete", summary.isComplete)
        writer.object("total") { tally(summary.all, into: &$0) }
        writeActions(summary, limit, into: &writer)
        writeNames("users", "user", summary.users, limit, into: &writer)
        writeNames("agents", "agent", summary.agents, limit, into: &writer)
        writer.field("different_users", summary.users.count)
        writer.field("different_agents", summary.agents.count)
        let length = (until - since) / UInt64(max(1, summary.slots.count))
        writer.array("slots") { writer in
            for (place, slot) in summary.slots.enumerated() {
                writer.beginObject()
                writer.field(
                    "start", rfc3339(unixNanoseconds: since &+ length &* UInt64(place)))
                tally(slot, into: &writer)
                writer.endObject()
            }
        }
        writer.endObject()
    }

    private static func writeActions(
        _ summary: AuditSummary, _ limit: Int, into writer: inout JSONWriter
    ) {
        let busiest = summary.pairs.sorted {
            ($1.value, $0.key.action, $0.key.result) < ($0.value, $1.key.action, $1.key.result)
        }
        writer.array("actions") { writer in
            for (pair, records) in busiest.prefix(limit) {
                writer.beginObject()
                writer.field("action", pair.action)
                writer.field("result", pair.result)
                writer.field("records", records)
                writer.endObject()
            }
        }
    }

    private static func writeNames(
        _ list: String, _ key: String, _ names: [ExactText: AuditSummary.Tally], _ limit: Int,
        into writer: inout JSONWriter
    ) {
        let busiest = names.sorted { ($1.value.records, $0.key) < ($0.value.records, $1.key) }
        writer.array(list) { writer in
            for (name, counts) in busiest.prefix(limit) {
                writer.beginObject()
                writer.field(key, name.text)
                tally(counts, into: &writer)
                writer.endObject()
            }
        }
    }

    private static func tally(_ tally: AuditSummary.Tally, into writer: inout JSONWriter) {
        writer.field("records", tally.records)
        writer.field("denied", tally.denied)
        writer.field("failure", tally.failed)
    }
}
