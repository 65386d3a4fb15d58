import RoostAnalytics
import RoostCore
import RoostWire

/// Whether any span of these requests has all of these tags as text: attributes of its own, of its
/// resource or of its events, and those that Jaeger's form of a span has for its kind, its status,
/// its scope and its trace state (`JaegerTrace`).
func hasSpan(in requests: [ByteBlock], with tags: [String: String]) -> Bool {
    for request in requests {
        var visitor = TagVisitor(tags: tags)
        var rejections = Rejections()
        _ = unsafe request.withBytes {
            try? unsafe readTraces($0, visitor: &visitor, rejections: &rejections)
        }
        if visitor.isFound { return true }
    }
    return false
}

private struct TagVisitor: TraceVisitor {
    let tags: [String: String]
    var isFound = false
    private var ofResource: Set<String> = []
    private var ofScope: Set<String> = []
    private var ofSpan: Set<String> = []

    init(tags: [String: String]) { self.tags = tags }

    mutating func resource(_ resource: ResourceView) {
        var met: Set<String> = []
        resource.attributes.forEach { key, value in
            if matches(key, value) { met.insert(key.string) }
        }
        ofResource = met
    }

    mutating func scope(_ scope: ScopeView) {
        ofScope = []
        note("otel.scope.name", scope.name.string, in: &ofScope)
        note("otel.scope.version", scope.version.string, in: &ofScope)
    }

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        if !isFound, matches(key, value) { ofSpan.insert(key.string) }
    }

    mutating func spanRejected() { ofSpan = [] }

    mutating func span(_ span: SpanView) {
        if isFound { return }
        var met = ofResource.union(ofScope).union(ofSpan)
        note("error", span.statusCode == 2 ? "true" : "false", in: &met)
        if (1...2).contains(span.statusCode) {
            note("otel.status_code", span.statusCode == 1 ? "OK" : "ERROR", in: &met)
        }
        if (1...5).contains(span.kind) {
            note("span.kind", Self.kinds[Int(span.kind) - 1], in: &met)
        }
        note("otel.status_description", span.statusMessage.string, in: &met)
        note("w3c.tracestate", span.traceState.string, in: &met)
        if !tags.keys.allSatisfy(met.contains) { noteEvents(span, in: &met) }
        isFound = tags.keys.allSatisfy(met.contains)
        ofSpan = []
    }

    private static let kinds = ["internal", "server", "client", "producer", "consumer"]

    private func noteEvents(_ span: SpanView, in met: inout Set<String>) {
        span.events.forEach { event in
            note("event", event.name.string, in: &met)
            event.attributes.forEach { key, value in
                if matches(key, value) { met.insert(key.string) }
            }
        }
    }

    /// A tag that is told only if it is not empty.
    private func note(_ key: String, _ value: String, in met: inout Set<String>) {
        if !value.isEmpty, tags[key] == value { met.insert(key) }
    }

    private func matches(_ key: WireBytes, _ value: AnyValueView) -> Bool {
        guard let wanted = tags[key.string] else { return false }
        switch value.kind {
        case .string: return value.stringBytes.string == wanted
        case .bool: return (value.boolValue ? "true" : "false") == wanted
        case .int: return String(value.intValue) == wanted
        case .double:
            return "\(value.doubleValue)" == wanted || Double(wanted) == value.doubleValue
        case .array, .kvlist: return value.jsonText == wanted
        case .none: return wanted.isEmpty
        case .bytes: return false
        }
    }
}
