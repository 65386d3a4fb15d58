import RoostCore
import RoostWire

/// A trace as Zipkin's JSON, version 2: a list of spans. Tags are texts only; the names of those
/// that stand for fields of OTLP are those of OpenTelemetry's mapping to Zipkin.
enum ZipkinTrace {
    static func write(
        _ chunks: [ByteBlock], _ trace: ExportedTrace, into writer: inout JSONWriter
    ) {
        var visitor = Visitor(trace: trace)
        writer.beginArray()
        // Moved there and back, since two that share a document would copy it.
        swap(&visitor.writer, &writer)
        chunks.show(to: &visitor)
        swap(&visitor.writer, &writer)
        writer.endArray()
    }

    private struct Visitor: TraceVisitor {
        var trace: ExportedTrace
        var writer = JSONWriter()
        private var service = ""
        private var resourceTags: [(String, String)] = []
        private var scopeTags: [(String, String)] = []

        init(trace: ExportedTrace) { self.trace = trace }

        mutating func resource(_ view: ResourceView) {
            service = ""
            resourceTags = []
            view.attributes.forEach { key, value in
                if key.equals("service.name"), value.kind == .string {
                    service = value.stringBytes.string
                } else {
                    resourceTags.append((key.string, value.jsonText))
                }
            }
        }

        mutating func scope(_ view: ScopeView) {
            scopeTags = []
            if !view.name.isEmpty { scopeTags.append(("otel.scope.name", view.name.string)) }
            if !view.version.isEmpty {
                scopeTags.append(("otel.scope.version", view.version.string))
            }
        }

        mutating func span(_ span: SpanView) {
            guard !writer.isCut, trace.takes(span) else { return }
            writer.beginObject()
            writer.field("traceId", span.traceID.hex)
            writer.field("id", span.spanID.hex)
            if !span.parentSpanID.isEmpty { writer.field("parentId", span.parentSpanID.hex) }
            writer.field("name", span.name.string)
            if let kind = Visitor.kind(span.kind) { writer.field("kind", kind) }
            let times = ShownTimes(span)
            writer.field("timestamp", times.start / 1000)
            // Zipkin takes 0 for unknown.
            writer.field("duration", max(1, times.duration / 1000))
            let local = service.isEmpty ? "unknown_service" : service
            writer.object("localEndpoint") { $0.field("serviceName", local) }
            if let peer = Visitor.peer(of: span) {
                writer.object("remoteEndpoint") { $0.field("serviceName", peer) }
            }
            if !span.events.isEmpty {
                writer.array("annotations") { Visitor.annotations(span, times.start, &$0) }
            }
            let others = [scopeTags, resourceTags]
            writer.object("tags") { Visitor.tags(of: span, before: others, &$0) }
            writer.endObject()
        }

        private static func kind(_ kind: Int32) -> String? {
            switch kind {
            case 2: "SERVER"
            case 3: "CLIENT"
            case 4: "PRODUCER"
            case 5: "CONSUMER"
            default: nil
            }
        }

        /// Who was called.
        private static func peer(of span: SpanView) -> String? {
            guard span.kind == 3 || span.kind == 4 else { return nil }
            var (peer, address): (String?, String?)
            span.attributes.forEach { key, value in
                // A list is nobody's name.
                if value.kind == .array || value.kind == .kvlist || value.kind == .bytes { return }
                if key.equals("peer.service") { peer = value.jsonText }
                if key.equals("server.address") { address = value.jsonText }
            }
            return peer ?? address
        }

        /// Each key once: the span's own word first.
        private static func tags(
            of span: SpanView, before others: [[(String, String)]], _ writer: inout JSONWriter
        ) {
            var keys = Set<ExactText>()
            func add(_ key: String, _ text: String) {
                if keys.insert(ExactText(key)).inserted { writer.field(key, text) }
            }
            span.attributes.forEach { key, value in
                let key = key.string
                guard keys.insert(ExactText(key)).inserted else { return }
                writer.key(key)
                writer.zipkinText(value)
            }
            if span.statusCode == 1 { add("otel.status_code", "OK") }
            if span.statusCode == 2 {
                add("otel.status_code", "ERROR")
                add("error", span.statusMessage.isEmpty ? "true" : span.statusMessage.string)
            }
            if !span.traceState.isEmpty { add("w3c.tracestate", span.traceState.string) }
            for list in others { for (key, text) in list { add(key, text) } }
        }

        /// An event without a time is shown where its span begins.
        private static func annotations(
            _ span: SpanView, _ start: UInt64, _ writer: inout JSONWriter
        ) {
            span.events.forEach { event in
                guard !writer.isCut else { return }
                let time = event.timeUnixNano
                writer.beginObject()
                writer.field("timestamp", (time > 0 ? time : start) / 1000)
                if event.attributes.isEmpty {
                    writer.field("value", event.name.string)
                } else {
                    writer.key("value")
                    writer.text { value in
                        value.beginObject()
                        value.attributes(event.name.string, event.attributes)
                        value.endObject()
                    }
                }
                writer.endObject()
            }
        }
    }
}

extension JSONWriter {
    /// A value as a text.
    fileprivate mutating func zipkinText(_ value: AnyValueView) {
        switch value.kind {
        case .none: self.value("")
        case .array, .kvlist: text { $0.value(value) }
        case .bytes: self.value(value)
        default: self.value(value.jsonText)
        }
    }
}
