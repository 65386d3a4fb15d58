/// Turns what the cursor threw into what a sender is told: the fault with the name of the field.
///
/// Only for requests that are refused, so it may walk the request a second time.
@usableFromInline @inline(never)
func wireError(_ fault: WireFault, in body: UnsafeRawBufferPointer, signal: Signal) -> WireError {
    var names: [String] = []
    var cursor = unsafe WireCursor(body)
    var message: Message? = .request(signal)
    while let current = message, names.count < maxNames {
        message = step(into: &cursor, current, towards: fault.offset, &names)
    }
    return WireError(
        reason: fault.reason, offset: fault.offset, field: names.joined(separator: "."))
}

/// A path longer than this says no more than its beginning.
private let maxNames = 16

/// Finds the field that covers `offset`, adds its name, and enters it when it is a message.
private func step(
    into cursor: inout WireCursor, _ message: Message, towards offset: Int, _ names: inout [String]
) -> Message? {
    while cursor.hasMore {
        guard let tag = try? cursor.tag() else { return nil }
        let field = message.field(tag >> 3)
        let payload = tag & 7 == 2 ? try? cursor.message() : nil
        let isBroken = payload == nil && (try? cursor.skip(tag)) == nil
        guard isBroken || offset < cursor.position else { continue }
        names.append(field?.name ?? "field \(tag >> 3)")
        guard let payload, offset >= payload.position, let child = field?.child else { return nil }
        cursor = payload
        return child
    }
    return nil
}

/// The messages of OTLP, as far as their fields have to be named.
private indirect enum Message {
    case request(Signal), entry(Signal), scopeEntry(Signal)
    case resource, entityRef, scope, keyValue, anyValue, arrayValue, keyValueList
    case span, event, link, status, logRecord
    case metric, data(point: Message), numberPoint, histogramPoint, exponentialHistogramPoint
    case buckets, summaryPoint, quantile, exemplar

    func field(_ number: UInt32) -> (name: String, child: Message?)? {
        let known = fields.first { $0.0 == number }
        return known.map { ($0.1, $0.2) }
    }

    private var fields: [(UInt32, String, Message?)] {
        switch self {
        case .request(let signal):
            return [
                (
                    1, ["resource_spans", "resource_metrics", "resource_logs"][signal.rawValue],
                    .entry(signal)
                )
            ]
        case .entry(let signal):
            return [
                (1, "resource", .resource), (3, "schema_url", nil),
                (
                    2, ["scope_spans", "scope_metrics", "scope_logs"][signal.rawValue],
                    .scopeEntry(signal)
                ),
            ]
        case .scopeEntry(.traces):
            return [(1, "scope", .scope), (2, "spans", .span), (3, "schema_url", nil)]
        case .scopeEntry(.metrics):
            return [(1, "scope", .scope), (2, "metrics", .metric), (3, "schema_url", nil)]
        case .scopeEntry(.logs):
            return [(1, "scope", .scope), (2, "log_records", .logRecord), (3, "schema_url", nil)]
        case .resource:
            return [
                (1, "attributes", .keyValue), (2, "dropped_attributes_count", nil),
                (3, "entity_refs", .entityRef),
            ]
        case .entityRef:
            return [
                (1, "schema_url", nil), (2, "type", nil), (3, "id_keys", nil),
                (4, "description_keys", nil),
            ]
        case .scope:
            return [
                (1, "name", nil), (2, "version", nil), (3, "attributes", .keyValue),
                (4, "dropped_attributes_count", nil),
            ]
        case .keyValue:
            return [(1, "key", nil), (2, "value", .anyValue), (3, "key_strindex", nil)]
        case .anyValue:
            return [
                (1, "string_value", nil), (2, "bool_value", nil), (3, "int_value", nil),
                (4, "double_value", nil), (5, "array_value", .arrayValue),
                (6, "kvlist_value", .keyValueList), (7, "bytes_value", nil),
                (8, "string_value_strindex", nil),
            ]
        case .arrayValue: return [(1, "values", .anyValue)]
        case .keyValueList: return [(1, "values", .keyValue)]
        case .span, .event, .link, .status: return traceFields
        case .logRecord:
            return [
                (1, "time_unix_nano", nil), (2, "severity_number", nil), (3, "severity_text", nil),
                (5, "body", .anyValue), (6, "attributes", .keyValue),
                (7, "dropped_attributes_count", nil), (8, "flags", nil), (9, "trace_id", nil),
                (10, "span_id", nil), (11, "observed_time_unix_nano", nil),
                (12, "event_name", nil),
            ]
        default: return metricFields
        }
    }

    private var traceFields: [(UInt32, String, Message?)] {
        switch self {
        case .span:
            [
                (1, "trace_id", nil), (2, "span_id", nil), (3, "trace_state", nil),
                (4, "parent_span_id", nil), (5, "name", nil), (6, "kind", nil),
                (7, "start_time_unix_nano", nil), (8, "end_time_unix_nano", nil),
                (9, "attributes", .keyValue), (10, "dropped_attributes_count", nil),
                (11, "events", .event), (12, "dropped_events_count", nil), (13, "links", .link),
                (14, "dropped_links_count", nil), (15, "status", .status), (16, "flags", nil),
            ]
        case .event:
            [
                (1, "time_unix_nano", nil), (2, "name", nil), (3, "attributes", .keyValue),
                (4, "dropped_attributes_count", nil),
            ]
        case .link:
            [
                (1, "trace_id", nil), (2, "span_id", nil), (3, "trace_state", nil),
                (4, "attributes", .keyValue), (5, "dropped_attributes_count", nil),
                (6, "flags", nil),
            ]
        default: [(2, "message", nil), (3, "code", nil)]
        }
    }

    private var metricFields: [(UInt32, String, Message?)] {
        let times: [(UInt32, String, Message?)] = [
            (2, "start_time_unix_nano", nil), (3, "time_unix_nano", nil),
        ]
        switch self {
        case .metric:
            return [
                (1, "name", nil), (2, "description", nil), (3, "unit", nil),
                (5, "gauge", .data(point: .numberPoint)), (7, "sum", .data(point: .numberPoint)),
                (9, "histogram", .data(point: .histogramPoint)),
                (10, "exponential_histogram", .data(point: .exponentialHistogramPoint)),
                (11, "summary", .data(point: .summaryPoint)), (12, "metadata", .keyValue),
            ]
        case .data(let point):
            return [
                (1, "data_points", point), (2, "aggregation_temporality", nil),
                (3, "is_monotonic", nil),
            ]
        case .numberPoint:
            return times + [
                (4, "as_double", nil), (5, "exemplars", .exemplar), (6, "as_int", nil),
                (7, "attributes", .keyValue), (8, "flags", nil),
            ]
        case .histogramPoint:
            return times + [
                (4, "count", nil), (5, "sum", nil), (6, "bucket_counts", nil),
                (7, "explicit_bounds", nil), (8, "exemplars", .exemplar),
                (9, "attributes", .keyValue), (10, "flags", nil), (11, "min", nil),
                (12, "max", nil),
            ]
        case .exponentialHistogramPoint:
            return times + [
                (1, "attributes", .keyValue), (4, "count", nil), (5, "sum", nil),
                (6, "scale", nil), (7, "zero_count", nil), (8, "positive", .buckets),
                (9, "negative", .buckets), (10, "flags", nil), (11, "exemplars", .exemplar),
                (12, "min", nil), (13, "max", nil), (14, "zero_threshold", nil),
            ]
        case .buckets: return [(1, "offset", nil), (2, "bucket_counts", nil)]
        case .summaryPoint:
            return times + [
                (4, "count", nil), (5, "sum", nil), (6, "quantile_values", .quantile),
                (7, "attributes", .keyValue), (8, "flags", nil),
            ]
        case .quantile: return [(1, "quantile", nil), (2, "value", nil)]
        default:
            return [
                (2, "time_unix_nano", nil), (3, "as_double", nil), (4, "span_id", nil),
                (5, "trace_id", nil), (6, "as_int", nil), (7, "filtered_attributes", .keyValue),
            ]
        }
    }
}
