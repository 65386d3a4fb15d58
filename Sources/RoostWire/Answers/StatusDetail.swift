import COTLP
import RoostCore

/// What can stand in the details of a `google.rpc.Status`. googleapis, `google/rpc/error_details`.
public enum StatusDetail: Equatable, Sendable {
    /// The same request may succeed after this delay; below 0 counts as 0.
    case retryInfo(delayMilliseconds: Int)
    /// The request will never succeed: `field` is the path of what is wrong with it.
    case badRequest(field: String, description: String)

    private var typeURL: String {
        switch self {
        case .retryInfo: "type.googleapis.com/google.rpc.RetryInfo"
        case .badRequest: "type.googleapis.com/google.rpc.BadRequest"
        }
    }

    /// As an object with `@type`, the JSON form of `google.protobuf.Any`.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("@type", typeURL)
        switch self {
        case .retryInfo(let delay):
            writer.field("retryDelay", StatusDetail.durationText(milliseconds: max(delay, 0)))
        case .badRequest(let field, let description):
            writer.array("fieldViolations") { writer in
                writer.beginObject()
                writer.field("field", answerText(field))
                writer.field("description", answerText(description))
                writer.endObject()
            }
        }
        writer.endObject()
    }

    /// As a `google.protobuf.Any` in `scratch`.
    func any(_ scratch: inout PackScratch) -> UnsafeMutablePointer<Google__Protobuf__Any> {
        var any = unsafe Google__Protobuf__Any()
        unsafe google__protobuf__any__init(&any)
        unsafe any.type_url = scratch.string(typeURL)
        unsafe any.value = scratch.bytes(packedDetail())
        return unsafe scratch.place(any)
    }

    private func packedDetail() -> [UInt8] {
        var scratch = PackScratch()
        switch self {
        case .retryInfo(let milliseconds):
            let delay = max(milliseconds, 0)
            var duration = unsafe Google__Protobuf__Duration()
            unsafe google__protobuf__duration__init(&duration)
            unsafe duration.seconds = Int64(delay / 1_000)
            unsafe duration.nanos = Int32(delay % 1_000 * 1_000_000)
            var info = unsafe Google__Rpc__RetryInfo()
            unsafe google__rpc__retry_info__init(&info)
            unsafe info.retry_delay = scratch.place(duration)
            return unsafe packed(info)
        case .badRequest(let field, let description):
            var violation = unsafe Google__Rpc__BadRequest__FieldViolation()
            unsafe google__rpc__bad_request__field_violation__init(&violation)
            unsafe violation.field = scratch.string(answerText(field))
            unsafe violation.description = scratch.string(answerText(description))
            var request = unsafe Google__Rpc__BadRequest()
            unsafe google__rpc__bad_request__init(&request)
            unsafe request.n_field_violations = 1
            unsafe request.field_violations = scratch.array([scratch.place(violation)])
            return unsafe packed(request)
        }
    }

    /// `2s` or `1.500s`; proto3 JSON has no, three, six or nine decimals.
    private static func durationText(milliseconds: Int) -> String {
        let rest = milliseconds % 1_000
        let seconds = String(milliseconds / 1_000)
        if rest == 0 { return seconds + "s" }
        let digits = String(rest)
        return seconds + "." + String(repeating: "0", count: 3 - digits.count) + digits + "s"
    }
}
