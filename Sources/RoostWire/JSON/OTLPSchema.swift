/// The messages that can occur in an OTLP request, and their fields as OTLP/JSON names them.
///
/// opentelemetry-proto 1.11; JSON names are lowerCamelCase only (OTLP specification, "JSON
/// Protobuf Encoding").
enum OTLPMessage: UInt8, CaseIterable {
    case anyValue, arrayValue, keyValueList, keyValue, scope, entityRef, resource
    case traceRequest, resourceSpans, scopeSpans, span, event, link, status
    case metricsRequest, resourceMetrics, scopeMetrics, metric
    case gauge, sum, histogram, exponentialHistogram, summary
    case numberPoint, histogramPoint, exponentialHistogramPoint, buckets
    case summaryPoint, quantile, exemplar
    case logsRequest, resourceLogs, scopeLogs, logRecord

    /// How many bytes its length usually takes; a wrong guess costs a move of the message.
    var usualLengthBytes: Int {
        switch self {
        case .resourceSpans, .scopeSpans, .resourceMetrics, .scopeMetrics, .resourceLogs,
            .scopeLogs:
            3
        case .span, .logRecord, .metric, .resource, .histogramPoint, .gauge, .sum, .histogram,
            .exponentialHistogram, .summary, .exponentialHistogramPoint:
            2
        default: 1
        }
    }

    var fields: [JSONField] {
        switch self {
        case .anyValue, .arrayValue, .keyValueList, .keyValue, .scope, .entityRef, .resource:
            commonFields
        case .traceRequest, .resourceSpans, .scopeSpans, .span, .event, .link, .status:
            traceFields
        case .metricsRequest, .resourceMetrics, .scopeMetrics, .metric, .gauge, .sum, .histogram,
            .exponentialHistogram, .summary:
            metricFields
        case .numberPoint, .histogramPoint, .exponentialHistogramPoint, .buckets, .summaryPoint,
            .quantile, .exemplar:
            pointFields
        case .logsRequest, .resourceLogs, .scopeLogs, .logRecord:
            logFields
        }
    }

    private var commonFields: [JSONField] {
        switch self {
        case .anyValue:
            [
                JSONField(.string, "stringValue", 1).oneof(1),
                JSONField(.int64, "intValue", 3).oneof(1),
                JSONField(.bool, "boolValue", 2).oneof(1),
                JSONField(.double, "doubleValue", 4).oneof(1),
                .one(.arrayValue, "arrayValue", 5).oneof(1),
                .one(.keyValueList, "kvlistValue", 6).oneof(1),
                JSONField(.base64, "bytesValue", 7).oneof(1),
                JSONField(.int32, "stringValueStrindex", 8).oneof(1),
            ]
        case .arrayValue: [.list(.anyValue, "values", 1)]
        case .keyValueList: [.list(.keyValue, "values", 1)]
        case .keyValue:
            [
                JSONField(.string, "key", 1),
                .one(.anyValue, "value", 2),
                JSONField(.int32, "keyStrindex", 3),
            ]
        case .scope:
            [
                JSONField(.string, "name", 1),
                JSONField(.string, "version", 2),
                .list(.keyValue, "attributes", 3),
                JSONField(.uint32, "droppedAttributesCount", 4),
            ]
        case .entityRef:
            [
                JSONField(.string, "schemaUrl", 1),
                JSONField(.string, "type", 2),
                JSONField(.string, "idKeys", 3, repeated: true),
                JSONField(.string, "descriptionKeys", 4, repeated: true),
            ]
        case .resource:
            [
                .list(.keyValue, "attributes", 1),
                JSONField(.uint32, "droppedAttributesCount", 2),
                .list(.entityRef, "entityRefs", 3),
            ]
        default: []
        }
    }

    private var traceFields: [JSONField] {
        switch self {
        case .traceRequest: [.list(.resourceSpans, "resourceSpans", 1)]
        case .resourceSpans:
            [
                .one(.resource, "resource", 1),
                .list(.scopeSpans, "scopeSpans", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .scopeSpans:
            [
                .one(.scope, "scope", 1),
                .list(.span, "spans", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .span:
            [
                JSONField(.hex, "traceId", 1),
                JSONField(.hex, "spanId", 2),
                JSONField(.string, "traceState", 3),
                JSONField(.hex, "parentSpanId", 4),
                JSONField(.fixed32, "flags", 16),
                JSONField(.string, "name", 5),
                .named(.spanKind, "kind", 6),
                JSONField(.fixed64, "startTimeUnixNano", 7),
                JSONField(.fixed64, "endTimeUnixNano", 8),
                .list(.keyValue, "attributes", 9),
                JSONField(.uint32, "droppedAttributesCount", 10),
                .list(.event, "events", 11),
                JSONField(.uint32, "droppedEventsCount", 12),
                .list(.link, "links", 13),
                JSONField(.uint32, "droppedLinksCount", 14),
                .one(.status, "status", 15),
            ]
        case .event:
            [
                JSONField(.fixed64, "timeUnixNano", 1),
                JSONField(.string, "name", 2),
                .list(.keyValue, "attributes", 3),
                JSONField(.uint32, "droppedAttributesCount", 4),
            ]
        case .link:
            [
                JSONField(.hex, "traceId", 1),
                JSONField(.hex, "spanId", 2),
                JSONField(.string, "traceState", 3),
                .list(.keyValue, "attributes", 4),
                JSONField(.uint32, "droppedAttributesCount", 5),
                JSONField(.fixed32, "flags", 6),
            ]
        case .status:
            [JSONField(.string, "message", 2), .named(.statusCode, "code", 3)]
        default: []
        }
    }

    private var metricFields: [JSONField] {
        switch self {
        case .metricsRequest: [.list(.resourceMetrics, "resourceMetrics", 1)]
        case .resourceMetrics:
            [
                .one(.resource, "resource", 1),
                .list(.scopeMetrics, "scopeMetrics", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .scopeMetrics:
            [
                .one(.scope, "scope", 1),
                .list(.metric, "metrics", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .metric:
            [
                JSONField(.string, "name", 1),
                JSONField(.string, "description", 2),
                JSONField(.string, "unit", 3),
                .one(.gauge, "gauge", 5).oneof(1),
                .one(.sum, "sum", 7).oneof(1),
                .one(.histogram, "histogram", 9).oneof(1),
                .one(.exponentialHistogram, "exponentialHistogram", 10).oneof(1),
                .one(.summary, "summary", 11).oneof(1),
                .list(.keyValue, "metadata", 12),
            ]
        case .gauge: [.list(.numberPoint, "dataPoints", 1)]
        case .sum:
            [
                .list(.numberPoint, "dataPoints", 1),
                .named(.temporality, "aggregationTemporality", 2),
                JSONField(.bool, "isMonotonic", 3),
            ]
        case .histogram:
            [
                .list(.histogramPoint, "dataPoints", 1),
                .named(.temporality, "aggregationTemporality", 2),
            ]
        case .exponentialHistogram:
            [
                .list(.exponentialHistogramPoint, "dataPoints", 1),
                .named(.temporality, "aggregationTemporality", 2),
            ]
        case .summary: [.list(.summaryPoint, "dataPoints", 1)]
        default: []
        }
    }

    private var pointFields: [JSONField] {
        switch self {
        case .numberPoint:
            [
                .list(.keyValue, "attributes", 7),
                JSONField(.fixed64, "startTimeUnixNano", 2),
                JSONField(.fixed64, "timeUnixNano", 3),
                JSONField(.double, "asDouble", 4).oneof(1),
                JSONField(.sfixed64, "asInt", 6).oneof(1),
                .list(.exemplar, "exemplars", 5),
                JSONField(.uint32, "flags", 8),
            ]
        case .histogramPoint:
            [
                .list(.keyValue, "attributes", 9),
                JSONField(.fixed64, "startTimeUnixNano", 2),
                JSONField(.fixed64, "timeUnixNano", 3),
                JSONField(.fixed64, "count", 4),
                JSONField(.double, "sum", 5).oneof(1),
                JSONField(.fixed64, "bucketCounts", 6, repeated: true),
                JSONField(.double, "explicitBounds", 7, repeated: true),
                .list(.exemplar, "exemplars", 8),
                JSONField(.uint32, "flags", 10),
                JSONField(.double, "min", 11).oneof(2),
                JSONField(.double, "max", 12).oneof(4),
            ]
        case .exponentialHistogramPoint:
            [
                .list(.keyValue, "attributes", 1),
                JSONField(.fixed64, "startTimeUnixNano", 2),
                JSONField(.fixed64, "timeUnixNano", 3),
                JSONField(.fixed64, "count", 4),
                JSONField(.double, "sum", 5).oneof(1),
                JSONField(.sint32, "scale", 6),
                JSONField(.fixed64, "zeroCount", 7),
                .one(.buckets, "positive", 8),
                .one(.buckets, "negative", 9),
                JSONField(.uint32, "flags", 10),
                .list(.exemplar, "exemplars", 11),
                JSONField(.double, "min", 12).oneof(2),
                JSONField(.double, "max", 13).oneof(4),
                JSONField(.double, "zeroThreshold", 14),
            ]
        case .buckets:
            [
                JSONField(.sint32, "offset", 1),
                JSONField(.uint64, "bucketCounts", 2, repeated: true),
            ]
        case .summaryPoint:
            [
                .list(.keyValue, "attributes", 7),
                JSONField(.fixed64, "startTimeUnixNano", 2),
                JSONField(.fixed64, "timeUnixNano", 3),
                JSONField(.fixed64, "count", 4),
                JSONField(.double, "sum", 5),
                .list(.quantile, "quantileValues", 6),
                JSONField(.uint32, "flags", 8),
            ]
        case .quantile: [JSONField(.double, "quantile", 1), JSONField(.double, "value", 2)]
        case .exemplar:
            [
                .list(.keyValue, "filteredAttributes", 7),
                JSONField(.fixed64, "timeUnixNano", 2),
                JSONField(.double, "asDouble", 3).oneof(1),
                JSONField(.sfixed64, "asInt", 6).oneof(1),
                JSONField(.hex, "spanId", 4),
                JSONField(.hex, "traceId", 5),
            ]
        default: []
        }
    }

    private var logFields: [JSONField] {
        switch self {
        case .logsRequest: [.list(.resourceLogs, "resourceLogs", 1)]
        case .resourceLogs:
            [
                .one(.resource, "resource", 1),
                .list(.scopeLogs, "scopeLogs", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .scopeLogs:
            [
                .one(.scope, "scope", 1),
                .list(.logRecord, "logRecords", 2),
                JSONField(.string, "schemaUrl", 3),
            ]
        case .logRecord:
            [
                JSONField(.fixed64, "timeUnixNano", 1),
                JSONField(.fixed64, "observedTimeUnixNano", 11),
                .named(.severity, "severityNumber", 2),
                JSONField(.string, "severityText", 3),
                .one(.anyValue, "body", 5),
                .list(.keyValue, "attributes", 6),
                JSONField(.uint32, "droppedAttributesCount", 7),
                JSONField(.fixed32, "flags", 8),
                JSONField(.hex, "traceId", 9),
                JSONField(.hex, "spanId", 10),
                JSONField(.string, "eventName", 12),
            ]
        default: []
        }
    }
}

/// The enumerations of OTLP. JSON has their numbers; names are taken too, for senders that use an
/// ordinary protobuf printer.
enum OTLPEnum: UInt8 {
    case spanKind, statusCode, temporality, severity

    /// By number, from 0 on without a gap.
    var names: [StaticString] {
        switch self {
        case .spanKind:
            [
                "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
            ]
        case .statusCode: ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]
        case .temporality:
            [
                "AGGREGATION_TEMPORALITY_UNSPECIFIED", "AGGREGATION_TEMPORALITY_DELTA",
                "AGGREGATION_TEMPORALITY_CUMULATIVE",
            ]
        case .severity:
            [
                "SEVERITY_NUMBER_UNSPECIFIED",
                "SEVERITY_NUMBER_TRACE", "SEVERITY_NUMBER_TRACE2", "SEVERITY_NUMBER_TRACE3",
                "SEVERITY_NUMBER_TRACE4",
                "SEVERITY_NUMBER_DEBUG", "SEVERITY_NUMBER_DEBUG2", "SEVERITY_NUMBER_DEBUG3",
                "SEVERITY_NUMBER_DEBUG4",
                "SEVERITY_NUMBER_INFO", "SEVERITY_NUMBER_INFO2", "SEVERITY_NUMBER_INFO3",
                "SEVERITY_NUMBER_INFO4",
                "SEVERITY_NUMBER_WARN", "SEVERITY_NUMBER_WARN2", "SEVERITY_NUMBER_WARN3",
                "SEVERITY_NUMBER_WARN4",
                "SEVERITY_NUMBER_ERROR", "SEVERITY_NUMBER_ERROR2", "SEVERITY_NUMBER_ERROR3",
                "SEVERITY_NUMBER_ERROR4",
                "SEVERITY_NUMBER_FATAL", "SEVERITY_NUMBER_FATAL2", "SEVERITY_NUMBER_FATAL3",
                "SEVERITY_NUMBER_FATAL4",
            ]
        }
    }
}
