import RoostCollector
import RoostCore
import RoostNet

/// `/health` and `/ready`, in the words of `contract.md`.
enum HealthAnswers {
    /// Liveness: whether every thread still turns.
    static func health(_ collector: CollectorView) -> Response {
        let stopped = collector.hearts.stopped
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("status", stopped.isEmpty ? "ok" : "unavailable")
        writer.field("version", collector.version)
        writer.field("uptime_seconds", collector.uptimeSeconds)
        if !stopped.isEmpty {
            writer.array("reasons") { writer in
                for name in stopped { writer.value("thread \(name) has stopped") }
            }
        }
        writer.endObject()
        return WebAnswer.json(stopped.isEmpty ? 200 : 503, writer.bytes)
    }

    /// Readiness: whether data is taken now.
    static func ready(_ collector: CollectorView) -> Response {
        let reasons = collector.unreadyReasons
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("status", reasons.isEmpty ? "ok" : "unavailable")
        if !reasons.isEmpty {
            writer.array("reasons") { writer in
                for reason in reasons { writer.value(reason) }
            }
        }
        writer.endObject()
        return WebAnswer.json(reasons.isEmpty ? 200 : 503, writer.bytes)
    }
}
