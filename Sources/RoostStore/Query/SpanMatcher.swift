import RoostAnalytics
import RoostCore
import RoostIngest
import RoostWire

/// Whether one span of this request has all that is asked for, and belongs to this service as it is
/// listed.
///
/// Tags are attributes of the span, of its resource or of its events, and those that Jaeger's form of
/// a span has for its kind, its status, its scope and its trace state (`JaegerTrace`).
func hasSpan(in request: ByteBlock, _ query: SpanQuery, of service: String?) -> Bool {
    var matcher = SpanMatcher(query, of: service)
    var rejections = Rejections()
    _ = unsafe request.withBytes {
        try? unsafe readTraces($0, visitor: &matcher, rejections: &rejections)
    }
    return matcher.isFound
}

private struct SpanMatcher: TraceVisitor {
    private(set) var isFound = false
    private let query: SpanQuery
    private let service: String?
    private let operation: String?
    /// The places of tags, by the hash of their keys.
    private var byKey: [UInt64: [Int]] = [:]
    /// The places of those that a span may tell beside its attributes, and of names of events.
    private var toldTags: [Int] = []
    private var eventTags: [Int] = []
    private var isOfService = false
    private var scopeName = ""
    private var scopeVersion = ""
    /// Places of the tags that were met.
    private var ofResource: Set<Int> = []
    private var ofSpan: Set<Int> = []

    init(_ query: SpanQuery, of service: String?) {
        self.query = query
        self.service = service
        operation = service == nil ? nil : query.operation.map { ListedName.cut($0) }
        for (place, tag) in query.tags.enumerated() {
            var key = tag.key
            byKey[key.withUTF8 { unsafe ByteHash.hash($0, seed: 0) }, default: []].append(place)
            if Self.toldKeys.contains(tag.key) { toldTags.append(place) }
            if tag.key == "event" { eventTags.append(place) }
        }
    }

    mutating func resource(_ resource: ResourceView) {
        var name = ""
        var met: Set<Int> = []
        resource.attributes.forEach { key, value in
            if key.equals("service.name"), value.kind == .string {
                name = value.stringBytes.string
            }
            note(key, value, in: &met)
        }
        ofResource = met
        isOfService = service.map { isName($0, of: name) } ?? true
    }

    /// Summaries have names that are shorter than those that are listed.
    private func isName(_ wanted: String, of name: String) -> Bool {
        ListedName.service(name).isExactly(wanted)
            || ListedName.cut(name, to: ActivityBatch.longestText).isExactly(wanted)
    }

    mutating func scope(_ scope: ScopeView) {
        scopeName = scope.name.string
        scopeVersion = scope.version.string
    }

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        if !isFound, isOfService { note(key, value, in: &ofSpan) }
    }

    mutating func spanRejected() { ofSpan = [] }

    mutating func span(_ span: SpanView) {
        defer { ofSpan = [] }
        guard !isFound, isOfService, hasName(span), lastsRight(span) else { return }
        var met = ofResource.union(ofSpan)
        for place in toldTags where !met.contains(place) {
            let tag = query.tags[place]
            if tag.value.isExactly(told(tag.key, of: span)), !tag.value.isEmpty {
                met.insert(place)
            }
        }
        if met.count < query.tags.count { noteEvents(span, in: &met) }
        isFound = met.count == query.tags.count
    }

    private func hasName(_ span: SpanView) -> Bool {
        guard let operation else { return true }
        return unsafe span.name.buffer.prefix(ListedName.bytes(of: span.name))
            .elementsEqual(operation.utf8)
    }

    private func lastsRight(_ span: SpanView) -> Bool {
        guard query.minDuration != nil || query.maxDuration != nil else { return true }
        let duration = ShownTimes(span).duration
        return duration >= query.minDuration ?? 0 && duration <= query.maxDuration ?? .max
    }

    private static let kinds = ["", "internal", "server", "client", "producer", "consumer"]

    private static let toldKeys: Set<String> = [
        "error", "otel.status_code", "otel.status_description", "otel.scope.name",
        "otel.scope.version", "span.kind", "w3c.tracestate",
    ]

    /// What a span tells beside its attributes; empty when nothing.
    private func told(_ key: String, of span: SpanView) -> String {
        switch key {
        case "error": span.statusCode == 2 ? "true" : "false"
        case "otel.status_code":
            span.statusCode == 1 ? "OK" : span.statusCode == 2 ? "ERROR" : ""
        case "otel.status_description": span.statusMessage.string
        case "otel.scope.name": scopeName
        case "otel.scope.version": scopeVersion
        case "span.kind": (0...5).contains(span.kind) ? Self.kinds[Int(span.kind)] : ""
        case "w3c.tracestate": span.traceState.string
        default: ""
        }
    }

    private func noteEvents(_ span: SpanView, in met: inout Set<Int>) {
        span.events.forEach { event in
            for place in eventTags {
                let name = query.tags[place].value
                if !name.isEmpty, isSame(event.name, name) { met.insert(place) }
            }
            event.attributes.forEach { note($0, $1, in: &met) }
        }
    }

    private func note(_ key: WireBytes, _ value: AnyValueView, in met: inout Set<Int>) {
        guard !byKey.isEmpty else { return }
        let hash = unsafe ByteHash.hash(UnsafeRawPointer(key.base), count: key.count, seed: 0)
        for place in byKey[hash] ?? []
        where isSame(key, query.tags[place].key) && isText(query.tags[place].value, of: value) {
            met.insert(place)
        }
    }

    private func isSame(_ bytes: WireBytes, _ text: String) -> Bool {
        unsafe bytes.buffer.elementsEqual(text.utf8)
    }

    private func isText(_ wanted: String, of value: AnyValueView) -> Bool {
        switch value.kind {
        case .string: isSame(value.stringBytes, wanted)
        case .bool: (value.boolValue ? "true" : "false") == wanted
        case .int: String(value.intValue) == wanted
        case .double: "\(value.doubleValue)" == wanted || Double(wanted) == value.doubleValue
        // Bytes are shown in base64.
        case .array, .kvlist, .bytes: value.jsonText.isExactly(wanted)
        case .none: wanted.isEmpty
        }
    }
}
