import RoostAnalytics
import RoostCore
import RoostStore
import RoostWire

/// Reads just enough of a trace for the tests of the store.
struct TestUnderstanding: TraceUnderstanding {
    func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock],
        activities: [[UInt8]]
    ) -> UnderstoodTrace {
        var visitor = Visitor()
        visitor.summary.traceIDHigh = traceIDHigh
        visitor.summary.traceIDLow = traceIDLow
        var rejections = Rejections()
        for block in spans {
            _ = unsafe block.withBytes {
                try? unsafe readTraces($0, visitor: &visitor, rejections: &rejections)
            }
        }
        for block in logs {
            _ = unsafe block.withBytes {
                try? unsafe readLogs($0, visitor: &visitor, rejections: &rejections)
            }
        }
        var summary = visitor.summary
        if !visitor.hasRoot, !spans.isEmpty { summary.status = .running }
        if summary.workflow.isEmpty { summary.workflow = summary.name }
        if spans.isEmpty { summary.spans += Int(activities.first?.first ?? 0) }
        return UnderstoodTrace(summary: summary, activities: [UInt8(summary.spans & 0xFF)])
    }

    private struct Visitor: TraceVisitor, LogsVisitor {
        var summary = TraceSummary()
        var hasRoot = false
        var service = ""

        mutating func resource(_ resource: ResourceView) {
            var found = ""
            resource.attributes.forEach { key, value in
                if key.equals("service.name") { found = value.stringBytes.string }
            }
            service = found
            if !service.isEmpty, !summary.services.contains(service) {
                summary.services.append(service)
            }
        }

        mutating func scope(_ scope: ScopeView) {}

        mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
            let text = value.stringBytes.string
            if key.equals("agent"), !summary.agents.contains(text) { summary.agents.append(text) }
            if key.equals("workflow") { summary.workflow = text }
            if key.equals("session") { summary.session = text }
        }

        mutating func span(_ span: SpanView) {
            summary.spans += 1
            if summary.start == 0 || span.startTimeUnixNano < summary.start {
                summary.start = span.startTimeUnixNano
            }
            summary.end = max(summary.end, span.endTimeUnixNano)
            if span.statusCode == 2 { summary.errors += 1 }
            if summary.service.isEmpty { summary.service = service }
            if summary.name.isEmpty { summary.name = span.name.string }
            if span.parentSpanID.isEmpty {
                hasRoot = true
                summary.service = service
                summary.name = span.name.string
                summary.status = span.statusCode == 2 ? .error : .ok
            }
        }

        mutating func logRecord(_ record: LogRecordView) {
            summary.spans += 1
            if summary.start == 0 { summary.start = record.timeUnixNano }
            summary.end = max(summary.end, record.timeUnixNano)
            summary.service = service
            summary.name = "events"
            record.attributes.forEach { key, value in
                if key.equals("session.id") { summary.session = value.stringBytes.string }
            }
        }
    }
}
