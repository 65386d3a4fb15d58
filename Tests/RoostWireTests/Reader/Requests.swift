import RoostCore

@testable import RoostWire

// Requests written by hand, and visitors that write down what they saw.

let traceID = [UInt8](repeating: 0xA1, count: 16)
let spanID = [UInt8](repeating: 0xB2, count: 8)

/// A span with ids and a name, and `more` behind them.
func span(_ name: String, _ more: [UInt8] = []) -> [UInt8] {
    Proto.bytes(1, traceID) + Proto.bytes(2, spanID) + Proto.string(5, name) + more
}

/// A request of one resource and one scope; `fields` are whole fields of the scope entry.
func request(_ fields: [UInt8]..., resource: [UInt8] = [], scope: [UInt8] = []) -> [UInt8] {
    Proto.bytes(1, resource + Proto.bytes(2, scope + fields.flatMap { $0 }))
}

func item(_ bytes: [UInt8]) -> [UInt8] { Proto.bytes(2, bytes) }

func keyValue(_ key: String, _ value: [UInt8]) -> [UInt8] {
    Proto.string(1, key) + Proto.bytes(2, value)
}

func text(_ value: AnyValueView) -> String {
    switch value.kind {
    case .none: return "none"
    case .string: return value.stringBytes.string
    case .bool: return "\(value.boolValue)"
    case .int: return "\(value.intValue)"
    case .double: return "\(value.doubleValue)"
    case .bytes: return "\(value.stringBytes.array)"
    case .array:
        var parts: [String] = []
        value.forEachElement { parts.append(text($0)) }
        return "[" + parts.joined(separator: ",") + "]"
    case .kvlist:
        var parts: [String] = []
        value.forEachEntry { parts.append($0.string + ":" + text($1)) }
        return "{" + parts.joined(separator: ",") + "}"
    }
}

func text(_ attributes: AttributeList) -> String {
    var parts: [String] = []
    attributes.forEach { parts.append($0.string + "=" + text($1)) }
    return parts.joined(separator: ",")
}

/// What was shown, one line each.
struct Seen: TraceVisitor, MetricsVisitor, LogsVisitor {
    var lines: [String] = []

    mutating func resource(_ resource: ResourceView) {
        lines.append("resource \(text(resource.attributes)) \(resource.schemaURL.string)")
    }
    mutating func scope(_ scope: ScopeView) {
        lines.append("scope \(scope.name.string) \(scope.version.string)")
    }
    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        lines.append("  \(key.string)=\(text(value))")
    }
    mutating func span(_ span: SpanView) {
        lines.append("span \(span.name.string) kind \(span.kind) status \(span.statusCode)")
    }
    mutating func spanRejected() { lines.append("rejected") }
    mutating func metric(_ metric: MetricView) {
        lines.append("\(metric.kind) \(metric.name.string) \(metric.temporality)")
    }
    mutating func numberPoint(_ point: NumberPointView) { lines.append("  \(point.value)") }
    mutating func histogramPoint(_ point: HistogramPointView) {
        lines.append("  \(point.bucketCounts.array) \(point.explicitBounds.array)")
    }
    mutating func exponentialHistogramPoint(_ point: ExponentialHistogramPointView) {
        lines.append(
            "  scale \(point.scale) \(point.positive.offset) \(point.positive.counts.array)")
    }
    mutating func summaryPoint(_ point: SummaryPointView) {
        point.quantiles.forEach { lines.append("  \($0)=\($1)") }
    }
    mutating func logRecord(_ record: LogRecordView) {
        lines.append("log \(text(record.body)) \(text(record.attributes))")
    }
}

/// What reading a request came to.
struct Outcome {
    var lines: [String] = []
    var items = 0
    var rejections = Rejections()
    var error: WireError?
}

func read(_ body: [UInt8], _ signal: Signal) -> Outcome {
    var outcome = Outcome()
    var seen = Seen()
    do throws(WireError) {
        outcome.items = unsafe try ByteBlock(body).withBytes { bytes throws(WireError) in
            switch signal {
            case .traces:
                unsafe try readTraces(bytes, visitor: &seen, rejections: &outcome.rejections)
            case .metrics:
                unsafe try readMetrics(bytes, visitor: &seen, rejections: &outcome.rejections)
            case .logs:
                unsafe try readLogs(bytes, visitor: &seen, rejections: &outcome.rejections)
            }
        }
    } catch {
        outcome.error = error
    }
    outcome.lines = seen.lines
    return outcome
}

func readSpans(_ spans: [UInt8]...) -> Outcome {
    read(request(spans.flatMap { item($0) }), .traces)
}
