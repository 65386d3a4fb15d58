import RoostCore
public import RoostWire

/// A trace as Jaeger's query API shows it. Times are whole microseconds.
///
/// What OTLP says and Jaeger has no field for becomes a tag, under the names that Jaeger's own
/// translation uses.
enum JaegerTrace {
    static func write(
        _ chunks: [ByteBlock], _ trace: ExportedTrace, shifts: [UInt64: Int] = [:],
        into writer: inout JSONWriter
    ) {
        var visitor = Visitor(trace: trace, shifts: shifts)
        writer.beginObject()
        writer.field("traceID", trace.id)
        writer.array("spans") { writer in
            // Moved there and back, since two that share a document would copy it.
            swap(&visitor.writer, &writer)
            chunks.show(to: &visitor)
            swap(&visitor.writer, &writer)
        }
        writer.object("processes") { writer in
            for (number, process) in visitor.processes.enumerated() {
                writer.key("p\(number + 1)")
                writer.raw(process)
            }
        }
        writer.key("warnings")
        writer.null()
        writer.endObject()
    }

    private struct Visitor: TraceVisitor {
        var trace: ExportedTrace
        let shifts: [UInt64: Int]
        var writer = JSONWriter()
        private(set) var processes: [[UInt8]] = []
        private var numbers: [[UInt8]: Int] = [:]
        /// Of the resource at hand, that has no number before it has a span.
        private var process: [UInt8] = []
        private var scopeName = ""
        private var scopeVersion = ""

        init(trace: ExportedTrace, shifts: [UInt64: Int]) {
            self.trace = trace
            self.shifts = shifts
        }

        mutating func resource(_ view: ResourceView) {
            var service = ""
            view.attributes.forEach { key, value in
                if Visitor.isService(key, value) { service = value.stringBytes.string }
            }
            var object = JSONWriter()
            object.beginObject()
            object.field("serviceName", service.isEmpty ? "unknown_service" : service)
            object.array("tags") { tags in
                view.attributes.forEach { key, value in
                    if !Visitor.isService(key, value) { tags.jaegerTag(key.string, value) }
                }
            }
            object.endObject()
            process = object.bytes
        }

        private static func isService(_ key: WireBytes, _ value: AnyValueView) -> Bool {
            key.equals("service.name") && value.kind == .string
        }

        mutating func scope(_ view: ScopeView) {
            scopeName = view.name.string
            scopeVersion = view.version.string
        }

        mutating func span(_ span: SpanView) {
            guard !writer.isCut, trace.takes(span) else { return }
            let number = numbers[process] ?? processes.count
            if number == processes.count {
                writer.pay(for: process.count + TraceWeight.bytesOfEntry)
                numbers[process] = number
                processes.append(process)
            }
            writer.beginObject()
            writer.field("traceID", span.traceID.hex)
            writer.field("spanID", span.spanID.hex)
            writer.field("flags", span.flags & 1)
            writer.field("operationName", span.name.string)
            writer.array("references") { Visitor.references(span, &$0) }
            let times = ShownTimes(span)
            let shift = shifts[span.spanID.word(at: 0)] ?? 0
            writer.field("startTime", Visitor.moved(times.start, by: shift) / 1000)
            writer.field("duration", times.duration / 1000)
            let (name, version) = (scopeName, scopeVersion)
            writer.array("tags") { Visitor.tags(span, scope: name, version, &$0) }
            writer.array("logs") { Visitor.logs(span, times.start, by: shift, &$0) }
            writer.field("processID", "p\(number + 1)")
            writer.key("warnings")
            var warnings = times.warning.map { [$0] } ?? []
            if shift != 0 {
                warnings.append(
                    "the clock of its service differs from its caller's; it is shown "
                        + "\(shift.magnitude / 1_000_000) ms \(shift < 0 ? "earlier" : "later")")
            }
            if warnings.isEmpty {
                writer.null()
            } else {
                writer.beginArray()
                for warning in warnings { writer.value(warning) }
                writer.endArray()
            }
            writer.endObject()
        }

        private static func moved(_ time: UInt64, by shift: Int) -> UInt64 {
            UInt64(bitPattern: Int64(bitPattern: time) &+ Int64(shift))
        }

        private static func references(_ span: SpanView, _ writer: inout JSONWriter) {
            if !span.parentSpanID.isEmpty {
                writer.jaegerReference("CHILD_OF", span.traceID, span.parentSpanID)
            }
            span.links.forEach { link in
                writer.jaegerReference("FOLLOWS_FROM", link.traceID, link.spanID)
            }
        }

        private static func tags(
            _ span: SpanView, scope: String, _ version: String, _ writer: inout JSONWriter
        ) {
            if !scope.isEmpty { writer.jaegerTag("otel.scope.name", scope) }
            if !version.isEmpty { writer.jaegerTag("otel.scope.version", version) }
            span.attributes.forEach { writer.jaegerTag($0.string, $1) }
            switch span.kind {
            case 1: writer.jaegerTag("span.kind", "internal")
            case 2: writer.jaegerTag("span.kind", "server")
            case 3: writer.jaegerTag("span.kind", "client")
            case 4: writer.jaegerTag("span.kind", "producer")
            case 5: writer.jaegerTag("span.kind", "consumer")
            default: break
            }
            switch span.statusCode {
            case 1: writer.jaegerTag("otel.status_code", "OK")
            case 2:
                writer.jaegerTag("otel.status_code", "ERROR")
                writer.jaegerTag("error", true)
            default: break
            }
            if !span.statusMessage.isEmpty {
                writer.jaegerTag("otel.status_description", span.statusMessage.string)
            }
            if !span.traceState.isEmpty {
                writer.jaegerTag("w3c.tracestate", span.traceState.string)
            }
        }

        /// An event without a time is shown where its span begins.
        private static func logs(
            _ span: SpanView, _ start: UInt64, by shift: Int, _ writer: inout JSONWriter
        ) {
            span.events.forEach { event in
                guard !writer.isCut else { return }
                let time = event.timeUnixNano > 0 ? event.timeUnixNano : start
                writer.beginObject()
                writer.field("timestamp", moved(time, by: shift) / 1000)
                writer.array("fields") { writer in
                    if !event.name.isEmpty { writer.jaegerTag("event", event.name.string) }
                    event.attributes.forEach { writer.jaegerTag($0.string, $1) }
                }
                writer.endObject()
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func jaegerReference(
        _ type: String, _ trace: WireBytes, _ span: WireBytes
    ) {
        beginObject()
        field("refType", type)
        field("traceID", trace.hex)
        field("spanID", span.hex)
        endObject()
    }

    fileprivate mutating func jaegerTag(_ key: String, _ text: String) {
        beginObject()
        field("key", key)
        field("type", "string")
        field("value", text)
        endObject()
    }

    fileprivate mutating func jaegerTag(_ key: String, _ flag: Bool) {
        beginObject()
        field("key", key)
        field("type", "bool")
        field("value", flag)
        endObject()
    }

    /// What has no type of its own is text: lists and maps as JSON.
    fileprivate mutating func jaegerTag(_ key: String, _ value: AnyValueView) {
        switch value.kind {
        case .bool: return jaegerTag(key, value.boolValue)
        case .string: return jaegerTag(key, value.stringBytes.string)
        case .none: return jaegerTag(key, "")
        case .array, .kvlist, .int, .double, .bytes: break
        }
        beginObject()
        field("key", key)
        switch value.kind {
        case .int: field("type", "int64")
        case .double: field("type", "float64")
        case .bytes: field("type", "binary")
        default: field("type", "string")
        }
        self.key("value")
        if value.kind == .array || value.kind == .kvlist {
            text { $0.value(value) }
        } else {
            self.value(value)
        }
        endObject()
    }
}

extension AnyValueView {
    /// Text as it is, anything else as JSON, without the quotes of numbers and bytes that JSON has as
    /// texts.
    public var jsonText: String {
        if kind == .string { return stringBytes.string }
        var writer = JSONWriter()
        writer.value(self)
        let quote: UInt8 = 0x22
        let isQuoted = writer.bytes.first == quote && writer.bytes.last == quote
        let bytes = isQuoted ? writer.bytes.dropFirst().dropLast() : writer.bytes[...]
        return String(decoding: bytes, as: UTF8.self)
    }
}
