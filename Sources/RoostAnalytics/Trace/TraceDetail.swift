public import RoostCore
import RoostIngest
import RoostWire

/// A whole trace as JSON: what it comes to, and each span with everything that was sent of it.
public enum TraceDetail {
    /// Writes an object: the fields of the summary with `span_count` for `spans`, then
    /// `omitted_spans`, `root`, `resources`, `scopes` and `spans`, these in the order of the
    /// document's steps.
    ///
    /// `chunks` are those that the document was made of. Attributes of one key stand once, as first
    /// sent. Whole numbers beyond 2⁵³ are texts, since most readers of JSON would round them; bytes
    /// are Base64.
    public static func write(
        chunks: [ByteBlock], document: TraceDocument, into writer: inout JSONWriter
    ) {
        var parts = DetailParts(
            TraceSpanPlaces(document), high: document.traceIDHigh, low: document.traceIDLow)
        parts.find(in: chunks, payer: &writer)
        writer.beginObject()
        TraceSummary(of: document).writeFields(into: &writer, count: "span_count")
        writer.field("omitted_spans", document.omitted)
        writer.key("root")
        if let root = document.root { writer.value(root) } else { writer.null() }
        writer.array("resources") { writer in for one in parts.resources { writer.raw(one) } }
        writer.array("scopes") { writer in for one in parts.scopes { writer.raw(one) } }
        writer.array("spans") { writer in
            let times = TraceTimes(document)
            var depths = [Int](repeating: 0, count: document.steps.count)
            for place in document.steps.indices {
                if writer.isCut { return }
                let parent = document.steps[place].parent
                // Parents mostly stand before; one whose clock is late has depth 0 yet.
                if let parent { depths[place] = depths[parent] + 1 }
                writer.beginObject()
                document.steps[place].writeFields(
                    into: &writer, place: place, depth: depths[place], offset: times.starts[place])
                parts.write(place, of: chunks, into: &writer)
                writer.endObject()
            }
        }
        writer.endObject()
    }
}

extension TraceStep {
    fileprivate func writeFields(
        into writer: inout JSONWriter, place: Int, depth: Int, offset: Int
    ) {
        writer.field("step", place)
        writer.optional("span_id", spanID == 0 ? "" : HexText.span(spanID))
        writer.optional("parent_span_id", parentSpanID == 0 ? "" : HexText.span(parentSpanID))
        writer.key("parent")
        if let parent { writer.value(parent) } else { writer.null() }
        writer.field("depth", depth)
        writer.optional("name", name)
        writer.optional("service", service)
        writer.field("kind", kindWord)
        writer.field("activity", activity.name)
        writer.field("source", source == .log ? "log" : "span")
        writer.field("status", word)
        writer.optional("status_message", statusMessage)
        writer.optional("error_type", errorType)
        writer.moment("start_time", start)
        writer.moment("end_time", end)
        writer.field("offset_seconds", Double(offset) / 1e9)
        writer.seconds("duration", duration)
        writer.optional("agent", agent)
        writer.optional("workflow", workflow)
        writer.optional("model", model)
        writer.optional("provider", provider)
        writer.optional("tool", tool)
        writer.optional("session", session)
        writer.optional("user", user)
        writer.optional(
            "time_to_first_token_seconds",
            timeToFirstToken == 0 ? nil : Double(timeToFirstToken) / 1e9)
        writer.tokens("tokens", tokens)
        writer.optional("cost_usd", cost)
        writer.field("cost_source", "\(costSource)")
        writer.field("is_counted", isCounted)
    }
}

/// Which step a span of the bytes belongs to.
struct TraceSpanPlaces {
    private var index = SpanIndex()
    private var isPending: [Bool] = []

    init(_ document: TraceDocument) {
        index.begin(document.steps.count)
        for (place, step) in document.steps.enumerated() {
            isPending.append(step.isPending)
            if step.spanID != 0 { index.set(step.spanID, Int32(truncatingIfNeeded: place)) }
        }
    }

    var count: Int { isPending.count }

    /// The step of a span; of one that only announces its parent, that of the parent.
    func place(span: UInt64, parent: UInt64) -> Int? {
        if let place = index.find(span) { return Int(place) }
        guard parent != 0, let place = index.find(parent), isPending[Int(place)] else { return nil }
        return Int(place)
    }
}

/// What the bytes say of each span, and of the resources and scopes as JSON.
private struct DetailParts: TraceVisitor {
    /// Where a span stands, and which resource and scope it has.
    private struct Part {
        var chunk: Int32 = -1
        var resource: Int32 = 0
        var scope: Int32 = 0
        var offset = 0
        var count = 0
    }

    private let places: TraceSpanPlaces
    private let high: UInt64
    private let low: UInt64
    /// By step.
    private var parts: [Part]
    private(set) var resources: [[UInt8]] = []
    private(set) var scopes: [[UInt8]] = []
    private var resourceNumbers: [[UInt8]: Int32] = [:]
    private var scopeNumbers: [[UInt8]: Int32] = [:]
    private var resource: Int32 = 0
    private var scope: Int32 = 0
    private var chunk: Int32 = 0
    private var begin = 0
    private var payer = JSONWriter()

    init(_ places: TraceSpanPlaces, high: UInt64, low: UInt64) {
        self.places = places
        self.high = high
        self.low = low
        parts = [Part](repeating: Part(), count: places.count)
    }

    /// Looks through the bytes; `payer` pays for what is kept of them.
    mutating func find(in chunks: [ByteBlock], payer: inout JSONWriter) {
        swap(&self.payer, &payer)
        for (number, block) in chunks.enumerated() {
            chunk = Int32(truncatingIfNeeded: number)
            begin = unsafe block.withBytes { Int(bitPattern: $0.baseAddress) }
            block.show(to: &self)
        }
        swap(&self.payer, &payer)
    }

    /// Fields of an object.
    func write(_ place: Int, of chunks: [ByteBlock], into writer: inout JSONWriter) {
        let part = parts[place]
        guard part.chunk >= 0 else {
            writer.object("attributes") { _ in }
            return
        }
        let slice = ByteSlice(
            block: chunks[Int(part.chunk)], offset: part.offset, count: part.count)
        unsafe slice.withBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            let message = unsafe WireBytes(
                base: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
            guard let span = SpanView(again: message) else { return }
            span.writeDetail(into: &writer)
        }
        writer.field("resource", Int(part.resource))
        writer.field("scope", Int(part.scope))
    }

    mutating func resource(_ view: ResourceView) {
        guard !payer.isCut else { return }
        var writer = JSONWriter()
        writer.beginObject()
        writer.attributes("attributes", view.attributes)
        writer.optional("schema_url", view.schemaURL.string)
        writer.field("dropped_attributes_count", view.droppedAttributesCount)
        writer.endObject()
        resource = Self.number(writer.bytes, &resources, &resourceNumbers, &payer)
    }

    mutating func scope(_ view: ScopeView) {
        guard !payer.isCut else { return }
        var writer = JSONWriter()
        writer.beginObject()
        writer.optional("name", view.name.string)
        writer.optional("version", view.version.string)
        writer.attributes("attributes", view.attributes)
        writer.optional("schema_url", view.schemaURL.string)
        writer.endObject()
        scope = Self.number(writer.bytes, &scopes, &scopeNumbers, &payer)
    }

    private static func number(
        _ bytes: [UInt8], _ list: inout [[UInt8]], _ numbers: inout [[UInt8]: Int32],
        _ payer: inout JSONWriter
    ) -> Int32 {
        if let known = numbers[bytes] { return known }
        payer.pay(for: bytes.count + TraceWeight.bytesOfEntry)
        let number = Int32(truncatingIfNeeded: list.count)
        list.append(bytes)
        numbers[bytes] = number
        return number
    }

    mutating func span(_ span: SpanView) {
        guard !payer.isCut, span.traceID.word(at: 0) == high, span.traceID.word(at: 8) == low
        else { return }
        let parent = span.parentSpanID.isEmpty ? 0 : span.parentSpanID.word(at: 0)
        guard let place = places.place(span: span.spanID.word(at: 0), parent: parent),
            parts[place].chunk < 0
        else { return }
        parts[place] = Part(
            chunk: chunk, resource: resource, scope: scope,
            offset: unsafe Int(bitPattern: span.bytes.base) - begin, count: span.bytes.count)
    }
}

extension SpanView {
    fileprivate func writeDetail(into writer: inout JSONWriter) {
        writer.attributes("attributes", attributes)
        writer.array("events") { writer in
            events.forEach { event in
                guard !writer.isCut else { return }
                writer.beginObject()
                writer.optional("name", event.name.string)
                writer.moment("time", event.timeUnixNano)
                writer.attributes("attributes", event.attributes)
                writer.endObject()
            }
        }
        writer.array("links") { writer in
            links.forEach { link in
                guard !writer.isCut else { return }
                writer.beginObject()
                writer.field(
                    "trace_id", HexText.trace(link.traceID.word(at: 0), link.traceID.word(at: 8)))
                writer.field("span_id", HexText.span(link.spanID.word(at: 0)))
                writer.optional("trace_state", link.traceState.string)
                writer.attributes("attributes", link.attributes)
                writer.endObject()
            }
        }
        writer.optional("trace_state", traceState.string)
        writer.field("flags", flags)
        writer.field("dropped_attributes_count", droppedAttributesCount)
        writer.field("dropped_events_count", droppedEventsCount)
        writer.field("dropped_links_count", droppedLinksCount)
    }
}

extension WireBytes {
    /// Eight bytes from `offset` on, the most significant first; 0 when they are not there.
    func word(at offset: Int) -> UInt64 {
        guard offset >= 0, count >= offset + 8 else { return 0 }
        return unsafe UInt64(
            bigEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
    }
}
