import RoostCore
import RoostWire

/// A trace as OTLP/JSON: proto3's JSON mapping with ids in hexadecimal and enums as numbers (OTLP
/// specification, "JSON Protobuf Encoding"). Fields that have their default value are left out.
enum OTLPTrace {
    static func write(
        _ chunks: [ByteBlock], _ trace: ExportedTrace, into writer: inout JSONWriter
    ) {
        var visitor = Visitor(trace: trace)
        writer.beginObject()
        writer.array("resourceSpans") { writer in
            // Moved there and back, since two that share a document would copy it.
            swap(&visitor.writer, &writer)
            chunks.show(to: &visitor)
            visitor.closeResource()
            swap(&visitor.writer, &writer)
        }
        writer.endObject()
    }

    private struct Visitor: TraceVisitor {
        var trace: ExportedTrace
        var writer = JSONWriter()
        /// What comes before the spans of each, and the end of what comes behind them.
        private var resource: [UInt8] = []
        private var resourceSchema = ""
        private var scope: [UInt8] = []
        private var scopeSchema = ""
        private var isResourceOpen = false
        private var isScopeOpen = false

        init(trace: ExportedTrace) { self.trace = trace }

        mutating func resource(_ view: ResourceView) {
            closeResource()
            var object = JSONWriter()
            object.beginObject()
            object.otlpAttributes(view.attributes)
            object.otlp("droppedAttributesCount", view.droppedAttributesCount)
            object.endObject()
            resource = object.bytes
            resourceSchema = view.schemaURL.string
        }

        mutating func scope(_ view: ScopeView) {
            closeScope()
            var object = JSONWriter()
            object.beginObject()
            object.otlp("name", view.name)
            object.otlp("version", view.version)
            object.otlpAttributes(view.attributes)
            object.otlp("droppedAttributesCount", view.droppedAttributesCount)
            object.endObject()
            scope = object.bytes
            scopeSchema = view.schemaURL.string
        }

        mutating func span(_ span: SpanView) {
            guard !writer.isCut, trace.takes(span) else { return }
            open()
            writer.otlp(span)
        }

        /// A resource or scope of which no span is written is not written either.
        private mutating func open() {
            if !isResourceOpen {
                writer.beginObject()
                writer.key("resource")
                writer.raw(resource)
                writer.key("scopeSpans")
                writer.beginArray()
                isResourceOpen = true
            }
            if !isScopeOpen {
                writer.beginObject()
                writer.key("scope")
                writer.raw(scope)
                writer.key("spans")
                writer.beginArray()
                isScopeOpen = true
            }
        }

        private mutating func closeScope() {
            guard isScopeOpen else { return }
            isScopeOpen = false
            writer.endArray()
            if !scopeSchema.isEmpty { writer.field("schemaUrl", scopeSchema) }
            writer.endObject()
        }

        mutating func closeResource() {
            closeScope()
            guard isResourceOpen else { return }
            isResourceOpen = false
            writer.endArray()
            if !resourceSchema.isEmpty { writer.field("schemaUrl", resourceSchema) }
            writer.endObject()
        }
    }
}

extension JSONWriter {
    fileprivate mutating func otlp(_ span: SpanView) {
        beginObject()
        field("traceId", span.traceID.hex)
        field("spanId", span.spanID.hex)
        otlp("traceState", span.traceState)
        if !span.parentSpanID.isEmpty { field("parentSpanId", span.parentSpanID.hex) }
        otlp("flags", span.flags)
        otlp("name", span.name)
        if span.kind != 0 { field("kind", span.kind) }
        otlpTime("startTimeUnixNano", span.startTimeUnixNano)
        otlpTime("endTimeUnixNano", span.endTimeUnixNano)
        otlpAttributes(span.attributes)
        otlp("droppedAttributesCount", span.droppedAttributesCount)
        if !span.events.isEmpty {
            array("events") { writer in span.events.forEach { writer.otlp($0) } }
        }
        otlp("droppedEventsCount", span.droppedEventsCount)
        if !span.links.isEmpty {
            array("links") { writer in span.links.forEach { writer.otlp($0) } }
        }
        otlp("droppedLinksCount", span.droppedLinksCount)
        if span.statusCode != 0 || !span.statusMessage.isEmpty {
            object("status") { writer in
                writer.otlp("message", span.statusMessage)
                if span.statusCode != 0 { writer.field("code", span.statusCode) }
            }
        }
        endObject()
    }

    private mutating func otlp(_ event: EventView) {
        beginObject()
        otlpTime("timeUnixNano", event.timeUnixNano)
        otlp("name", event.name)
        otlpAttributes(event.attributes)
        otlp("droppedAttributesCount", event.droppedAttributesCount)
        endObject()
    }

    private mutating func otlp(_ link: LinkView) {
        beginObject()
        field("traceId", link.traceID.hex)
        field("spanId", link.spanID.hex)
        otlp("traceState", link.traceState)
        otlpAttributes(link.attributes)
        otlp("droppedAttributesCount", link.droppedAttributesCount)
        otlp("flags", link.flags)
        endObject()
    }

    fileprivate mutating func otlp(_ name: String, _ text: WireBytes) {
        if !text.isEmpty { field(name, text.string) }
    }

    fileprivate mutating func otlp(_ name: String, _ number: UInt32) {
        if number != 0 { field(name, number) }
    }

    /// 64-bit numbers are texts.
    private mutating func otlpTime(_ name: String, _ time: UInt64) {
        if time != 0 { field(name, "\(time)") }
    }

    fileprivate mutating func otlpAttributes(_ list: AttributeList) {
        if list.isEmpty { return }
        array("attributes") { writer in
            list.forEach { writer.otlpEntry($0, $1) }
        }
    }

    private mutating func otlpEntry(_ key: WireBytes, _ value: AnyValueView) {
        beginObject()
        otlp("key", key)
        self.key("value")
        otlpValue(value)
        endObject()
    }

    private mutating func otlpValue(_ value: AnyValueView) {
        beginObject()
        switch value.kind {
        case .none: break
        case .string: field("stringValue", value.stringBytes.string)
        case .bool: field("boolValue", value.boolValue)
        case .int: field("intValue", "\(value.intValue)")
        case .double:
            let number = value.doubleValue
            if number.isFinite {
                field("doubleValue", number)
            } else {
                field("doubleValue", SpecialNumber.name(number))
            }
        case .bytes: field("bytesValue", Base64.text(value.stringBytes))
        case .array:
            object("arrayValue") { writer in
                writer.array("values") { writer in
                    value.forEachElement { writer.otlpValue($0) }
                }
            }
        case .kvlist:
            object("kvlistValue") { writer in
                writer.array("values") { writer in
                    value.forEachEntry { writer.otlpEntry($0, $1) }
                }
            }
        }
        endObject()
    }
}

extension WireBytes {
    /// Its bytes in hexadecimal, small letters.
    var hex: String {
        var digits: [UInt8] = []
        digits.reserveCapacity(count * 2)
        for byte in array {
            digits.append(hexDigit(byte >> 4))
            digits.append(hexDigit(byte & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }
}
