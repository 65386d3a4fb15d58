public import RoostCore
import RoostIngest
package import RoostWire

/// What one trace can be written as for other tools.
public enum TraceExportFormat: String, Sendable, CaseIterable {
    /// OTLP/JSON, a `TracesData`.
    case otlp
    /// As Jaeger's query API answers, and as its UI takes in files.
    case jaeger
    /// Zipkin's JSON, version 2.
    case zipkin
}

/// Writes traces from their bytes, every span once.
public enum TraceExport {
    /// A whole document. `chunks` may hold the same span twice and spans of other traces. Where the
    /// writer has no room for all of it, it `isCut`; so it is in all that is written of traces.
    public static func write(
        _ format: TraceExportFormat, chunks: [ByteBlock], traceIDHigh: UInt64, traceIDLow: UInt64,
        into writer: inout JSONWriter
    ) {
        let trace = ExportedTrace(high: traceIDHigh, low: traceIDLow)
        switch format {
        case .otlp: OTLPTrace.write(chunks, trace, into: &writer)
        case .zipkin: ZipkinTrace.write(chunks, trace, into: &writer)
        case .jaeger:
            writer.beginObject()
            writer.array("data") { writer in
                JaegerTrace.write(chunks, trace, into: &writer)
            }
            writer.field("total", 1)
            writer.field("limit", 0)
            writer.field("offset", 0)
            writer.key("errors")
            writer.null()
            writer.endObject()
        }
    }

    /// One of the `data` of an answer of Jaeger's query API. `shifts` are those of the document, see
    /// `TraceDocument.clockShifts`.
    public static func writeJaegerTrace(
        chunks: [ByteBlock], traceIDHigh: UInt64, traceIDLow: UInt64, shifts: [UInt64: Int] = [:],
        into writer: inout JSONWriter
    ) {
        JaegerTrace.write(
            chunks, ExportedTrace(high: traceIDHigh, low: traceIDLow), shifts: shifts,
            into: &writer)
    }
}

/// When a span ran, as it is shown.
package struct ShownTimes {
    /// Unix nanoseconds.
    let start: UInt64
    /// Nanoseconds; 0 when it cannot be known.
    package let duration: UInt64
    /// Why it is not as the span says.
    let warning: String?

    package init(_ span: SpanView) {
        let (told, end) = (span.startTimeUnixNano, span.endTimeUnixNano)
        if end < told {
            (start, duration) = (told, 0)
            warning = "the span ended before it began"
        } else if end - told > Activity.longest {
            (start, duration) = (end, 0)
            warning = "the span says that it lasted longer than a year; it is shown where it ended"
        } else {
            (start, duration) = (told, end - told)
            warning = nil
        }
    }
}

/// Which spans belong to the trace, and which of them were met.
struct ExportedTrace {
    let high: UInt64
    let low: UInt64
    private var seen = Set<UInt64>()

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    var id: String { HexText.trace(high, low) }

    /// Whether a span is one of the trace and has not been met.
    mutating func takes(_ span: SpanView) -> Bool {
        span.traceID.word(at: 0) == high && span.traceID.word(at: 8) == low
            && seen.insert(span.spanID.word(at: 0)).inserted
    }
}

extension [ByteBlock] {
    /// Shows each block of `TracesData` to a visitor.
    func show(to visitor: inout some TraceVisitor) {
        for chunk in self { chunk.show(to: &visitor) }
    }
}

extension ByteBlock {
    func show(to visitor: inout some TraceVisitor) {
        unsafe withBytes { bytes in
            var rejections = Rejections()
            _ = try? unsafe readTraces(bytes, visitor: &visitor, rejections: &rejections)
        }
    }
}
