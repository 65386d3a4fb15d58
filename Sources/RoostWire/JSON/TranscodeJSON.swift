public import RoostCore

/// Turns an OTLP/JSON request into the same request as protobuf.
///
/// The order of fields is kept, fields with their default value are left out, lengths are minimal.
/// Ids are taken as hexadecimal of any even length; whether they fit is for the reader of the
/// result to judge, item by item. Throws `tooLarge` when the result would be longer than
/// `maxBytes`; at no time is more memory taken than twice that. Any thread.
///
/// `reservation` is held by the block. OTLP specification, "JSON Protobuf Encoding".
public func transcodeJSON(
    _ json: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int,
    reservation: MemoryReservation? = nil
) throws(JSONError) -> ByteBlock {
    let message: OTLPMessage =
        switch signal {
        case .traces: .traceRequest
        case .metrics: .metricsRequest
        case .logs: .logsRequest
        }
    let schema = JSONSchema.otlp
    do throws(JSONFault) {
        return try unsafe schema.fields.withUnsafeBufferPointer { fields throws(JSONFault) in
            try unsafe schema.starts.withUnsafeBufferPointer { starts throws(JSONFault) in
                var transcoder = unsafe JSONTranscoder(
                    json.assumingMemoryBound(to: UInt8.self), fields: fields, starts: starts,
                    maxBytes: maxBytes)
                return try transcoder.request(message, reservation: reservation)
            }
        }
    } catch {
        throw JSONError(
            kind: error.kind, reason: error.reason, offset: error.offset, field: error.path)
    }
}
