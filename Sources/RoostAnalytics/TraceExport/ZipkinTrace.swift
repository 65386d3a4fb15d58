import RoostCore
import RoostWire

/// A trace as Zipkin's JSON, version 2: a list of spans. Tags are texts only; the names of those
/// that stand for fields of OTLP are those of OpenTelemetry's mapping to Zipkin.
enum ZipkinTrace {
    static func write(
        _ chunks: [ByteBlock], _ trace: ExportedTrace, into writer: inout JSONWriter
    ) {
        let visitor = chunks.visited(by: Visitor(trace: trace))
        writer.beginArray()
        for span in visitor.spans { writer.raw(span) }
        writer.endArray()
    }

    private struct Visitor: TraceVisitor {
        var trace: ExportedTrace
        private(set) var spans: [[UInt8]] = []
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
            guard trace.takes(span) else { return }
            var writer = JSONWriter()
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
            writer.object("localEndpoint") {
                $0.field("serviceName", service.isEmpty ? "unknown_service" : service)
            }
            let tags = tags(of: span)
            if let peer = tags.peer {
                writer.object("remoteEndpoint") { $0.field("serviceName", peer) }
            }
            if !span.events.isEmpty {
                writer.array("annotations") { Visitor.annotations(span, times.start, &$0) }
            }
            writer.object("tags") { writer in
                for (key, text) in tags.all { writer.field(key, text) }
            }
            writer.endObject()
            spans.append(writer.bytes)
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

        /// Each key once: the span's own word first.
        private func tags(of span: SpanView) -> (all: [(String, String)], peer: String?) {
            var keys = Set<ExactText>()
            var all: [(String, String)] = []
            var (peer, address): (String?, String?)
            func add(_ key: String, _ text: String) {
                if keys.insert(ExactText(key)).inserted { all.append((key, text)) }
            }
            span.attributes.forEach { key, value in
                if key.equals("peer.service") { peer = value.jsonText }
                if key.equals("server.address") { address = value.jsonText }
                add(key.string, value.kind == .none ? "" : value.jsonText)
            }
            if span.statusCode == 1 { add("otel.status_code", "OK") }
            if span.statusCode == 2 {
                add("otel.status_code", "ERROR")
                add("error", span.statusMessage.isEmpty ? "true" : span.statusMessage.string)
            }
            if !span.traceState.isEmpty { add("w3c.tracestate", span.traceState.string) }
            for (key, text) in scopeTags + resourceTags { add(key, text) }
            let isCaller = span.kind == 3 || span.kind == 4
            return (all, isCaller ? peer ?? address : nil)
        }

        /// An event without a time is shown where its span begins.
        private static func annotations(
            _ span: SpanView, _ start: UInt64, _ writer: inout JSONWriter
        ) {
            span.events.forEach { event in
                let time = event.timeUnixNano
                writer.beginObject()
                writer.field("timestamp", (time > 0 ? time : start) / 1000)
                if event.attributes.isEmpty {
                    writer.field("value", event.name.string)
                } else {
                    var value = JSONWriter()
                    value.beginObject()
                    value.attributes(event.name.string, event.attributes)
                    value.endObject()
                    writer.field("value", String(decoding: value.bytes, as: UTF8.self))
                }
                writer.endObject()
            }
        }
    }
}
