import RoostCore
import RoostWire

/// Whether any span of these requests has all of these attributes, its own or its resource's, as
/// text. As Jaeger has it, `error` is also its status.
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
    private var ofSpan: Set<String> = []

    init(tags: [String: String]) { self.tags = tags }

    mutating func resource(_ resource: ResourceView) {
        var met: Set<String> = []
        resource.attributes.forEach { key, value in
            if matches(key, value) { met.insert(key.string) }
        }
        ofResource = met
    }

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        if !isFound, matches(key, value) { ofSpan.insert(key.string) }
    }

    mutating func spanRejected() { ofSpan = [] }

    mutating func span(_ span: SpanView) {
        if isFound { return }
        var met = ofResource.union(ofSpan)
        if let error = tags["error"], error == (span.statusCode == 2 ? "true" : "false") {
            met.insert("error")
        }
        isFound = tags.keys.allSatisfy(met.contains)
        ofSpan = []
    }

    private func matches(_ key: WireBytes, _ value: AnyValueView) -> Bool {
        guard let wanted = tags[key.string] else { return false }
        switch value.kind {
        case .string: return value.stringBytes.string == wanted
        case .bool: return (value.boolValue ? "true" : "false") == wanted
        case .int: return String(value.intValue) == wanted
        case .double:
            return "\(value.doubleValue)" == wanted || Double(wanted) == value.doubleValue
        default: return false
        }
    }
}
