public import RoostCore

/// Turns an OTLP/JSON request into the same request as protobuf.
///
/// The order of fields is kept, fields with their default value are left out, lengths are minimal.
/// What makes only an item malformed is for the reader of the result to reject, item by item: ids
/// of any length, and strings that are no text, which come out as bytes that are not UTF-8. An id
/// that is not hexadecimal comes out as one byte. `flaw` is the first such string or id, with its
/// place in the JSON; nil when there is none. Throws `tooLarge` when the result would be longer
/// than `maxBytes`; at no time is more memory taken than twice that. Any thread.
///
/// `reservation` is held by the block. OTLP specification, "JSON Protobuf Encoding".
public func transcodeJSON(
    _ json: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int,
    reservation: MemoryReservation? = nil, flaw: inout JSONError?
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
                let request = try transcoder.request(message, reservation: reservation)
                flaw = transcoder.flaw.map(JSONError.init)
                return request
            }
        }
    } catch {
        throw JSONError(error)
    }
}

/// The same for those who do not ask what is flawed.
public func transcodeJSON(
    _ json: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int,
    reservation: MemoryReservation? = nil
) throws(JSONError) -> ByteBlock {
    var flaw: JSONError?
    return unsafe try transcodeJSON(
        json, signal: signal, maxBytes: maxBytes, reservation: reservation, flaw: &flaw)
}

extension JSONError {
    fileprivate init(_ fault: JSONFault) {
        self.init(
            kind: fault.kind, reason: fault.reason, offset: fault.offset, field: fault.path)
    }
}
