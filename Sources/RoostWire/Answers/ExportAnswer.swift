import COTLP
import RoostCore

/// The bodies of answers to an export request. OTLP specification, "OTLP/HTTP Response".
public enum ExportAnswer {
    /// The answer to a request that was taken, whole or in part.
    ///
    /// With nothing rejected and no message `partial_success` is absent: no bytes at all, or `{}`.
    /// Nothing rejected and a message is a warning. The message is cut at 4 KiB.
    public static func response(
        signal: Signal, rejected: Int, message: String?, encoding: Encoding
    ) -> [UInt8] {
        let text = answerText(message ?? "")
        let count = max(rejected, 0)
        switch encoding {
        case .json: return json(signal, Int64(count), text)
        case .protobuf:
            return count == 0 && text.isEmpty ? [] : protobuf(signal, Int64(count), text)
        }
    }

    /// `google.rpc.Status`, the body of every answer from 400 on and of `grpc-status-details-bin`.
    ///
    /// `code` is a gRPC status code. Texts are cut at 4 KiB.
    public static func status(
        code: Int32, message: String, details: [StatusDetail], encoding: Encoding
    ) -> [UInt8] {
        let text = answerText(message)
        switch encoding {
        case .json:
            var writer = JSONWriter()
            writer.beginObject()
            writer.field("code", code)
            writer.field("message", text)
            if !details.isEmpty {
                writer.array("details") { writer in
                    for detail in details { detail.write(to: &writer) }
                }
            }
            writer.endObject()
            return writer.bytes
        case .protobuf:
            var scratch = PackScratch()
            var status = unsafe Google__Rpc__Status()
            unsafe google__rpc__status__init(&status)
            unsafe status.code = code
            unsafe status.message = scratch.string(text)
            let packedDetails = unsafe details.map { detail in unsafe detail.any(&scratch) }
            unsafe status.n_details = details.count
            unsafe status.details = scratch.array(packedDetails)
            return unsafe packed(status)
        }
    }

    private static func json(_ signal: Signal, _ rejected: Int64, _ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if rejected > 0 || !text.isEmpty {
            writer.object("partialSuccess") { writer in
                // 64-bit integers are strings in JSON.
                if rejected > 0 { writer.field(rejectedKey(signal), String(rejected)) }
                if !text.isEmpty { writer.field("errorMessage", text) }
            }
        }
        writer.endObject()
        return writer.bytes
    }

    private static func rejectedKey(_ signal: Signal) -> String {
        switch signal {
        case .traces: "rejectedSpans"
        case .metrics: "rejectedDataPoints"
        case .logs: "rejectedLogRecords"
        }
    }

    private static func protobuf(_ signal: Signal, _ rejected: Int64, _ text: String) -> [UInt8] {
        var scratch = PackScratch()
        let message = unsafe scratch.string(text)
        switch signal {
        case .traces:
            typealias Partial =
                Opentelemetry__Proto__Collector__Trace__V1__ExportTracePartialSuccess
            typealias Answer =
                Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse
            var partial = unsafe Partial()
            unsafe opentelemetry__proto__collector__trace__v1__export_trace_partial_success__init(
                &partial)
            unsafe partial.rejected_spans = rejected
            unsafe partial.error_message = message
            var answer = unsafe Answer()
            unsafe opentelemetry__proto__collector__trace__v1__export_trace_service_response__init(
                &answer)
            unsafe answer.partial_success = scratch.place(partial)
            return unsafe packed(answer)
        case .metrics:
            typealias Partial =
                Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsPartialSuccess
            typealias Answer =
                Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceResponse
            var partial = unsafe Partial()
            let startPartial =
                unsafe opentelemetry__proto__collector__metrics__v1__export_metrics_partial_success__init
            unsafe startPartial(&partial)
            unsafe partial.rejected_data_points = rejected
            unsafe partial.error_message = message
            var answer = unsafe Answer()
            let startAnswer =
                unsafe opentelemetry__proto__collector__metrics__v1__export_metrics_service_response__init
            unsafe startAnswer(&answer)
            unsafe answer.partial_success = scratch.place(partial)
            return unsafe packed(answer)
        case .logs:
            typealias Partial = Opentelemetry__Proto__Collector__Logs__V1__ExportLogsPartialSuccess
            typealias Answer = Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceResponse
            var partial = unsafe Partial()
            unsafe opentelemetry__proto__collector__logs__v1__export_logs_partial_success__init(
                &partial)
            unsafe partial.rejected_log_records = rejected
            unsafe partial.error_message = message
            var answer = unsafe Answer()
            unsafe opentelemetry__proto__collector__logs__v1__export_logs_service_response__init(
                &answer)
            unsafe answer.partial_success = scratch.place(partial)
            return unsafe packed(answer)
        }
    }
}
