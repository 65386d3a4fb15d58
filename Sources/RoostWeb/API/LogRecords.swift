import RoostCore
import RoostWire

/// Log records as JSON, from the requests that brought them.
enum LogRecords {
    /// Into an array that is open, in the order of the requests and of the records in them.
    static func write(_ requests: [ByteBlock], into writer: inout JSONWriter) {
        var visitor = Visitor()
        // Moved there and back, since two that share a document would copy it.
        swap(&visitor.writer, &writer)
        for request in requests {
            unsafe request.withBytes { bytes in
                var rejections = Rejections()
                // It was valid when it was taken.
                _ = try? unsafe readLogs(bytes, visitor: &visitor, rejections: &rejections)
            }
        }
        swap(&visitor.writer, &writer)
    }

    private struct Visitor: LogsVisitor {
        var writer = JSONWriter()
        private var service = ""
        private var scope = ""

        mutating func resource(_ resource: ResourceView) {
            var name = ""
            resource.attributes.forEach { key, value in
                if key.string == "service.name" { name = value.stringBytes.string }
            }
            service = name
        }

        mutating func scope(_ scope: ScopeView) { self.scope = scope.name.string }

        mutating func logRecord(_ record: LogRecordView) {
            writer.beginObject()
            let time = record.timeUnixNano > 0 ? record.timeUnixNano : record.observedTimeUnixNano
            writer.field("time", rfc3339(unixNanoseconds: time))
            writer.field("service", service)
            writer.field("scope", scope)
            writer.field("event", record.eventName.string)
            writer.field("severity_number", record.severityNumber)
            writer.field("severity", record.severityText.string)
            writer.key("trace_id")
            Self.id(record.traceID, &writer)
            writer.key("span_id")
            Self.id(record.spanID, &writer)
            writer.key("body")
            LogRecords.value(record.body, depth: 0, into: &writer)
            writer.object("attributes") { writer in
                var names: Set<ExactText> = []
                record.attributes.forEach { key, value in
                    let name = key.string
                    guard names.insert(ExactText(name)).inserted else { return }
                    writer.key(name)
                    LogRecords.value(value, depth: 0, into: &writer)
                }
            }
            writer.endObject()
        }

        private static func id(_ bytes: WireBytes, _ writer: inout JSONWriter) {
            guard !bytes.isEmpty else { return writer.null() }
            let digits = unsafe bytes.buffer.flatMap { [hexDigit($0 >> 4), hexDigit($0 & 15)] }
            writer.value(String(decoding: digits, as: UTF8.self))
        }
    }

    private static let deepest = 32

    private static func value(_ value: AnyValueView, depth: Int, into writer: inout JSONWriter) {
        guard depth < deepest else { return writer.null() }
        switch value.kind {
        case .none: writer.null()
        case .string: writer.value(value.stringBytes.string)
        case .bool: writer.value(value.boolValue)
        case .int:
            // Most readers of JSON would round what is larger.
            let number = value.intValue
            if number.magnitude <= 1 << 53 {
                writer.value(number)
            } else {
                writer.value("\(number)")
            }
        case .double: writer.value(value.doubleValue)
        case .bytes: writer.value("(\(value.stringBytes.count) bytes)")
        case .array:
            writer.beginArray()
            value.forEachElement { LogRecords.value($0, depth: depth + 1, into: &writer) }
            writer.endArray()
        case .kvlist:
            writer.beginObject()
            value.forEachEntry { key, value in
                writer.key(key.string)
                LogRecords.value(value, depth: depth + 1, into: &writer)
            }
            writer.endObject()
        }
    }
}
