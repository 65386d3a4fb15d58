import CNghttp2

/// What a read of an answer's body brought.
enum BodyRead {
    case stalled
    case more(Int)
    case last(Int, hasTrailers: Bool)
}

/// Answers on HTTP/2 streams.
extension HTTP2Session {
    func submitHTTP(_ response: Response, for exchange: Exchange) {
        let fields = HeaderFields()
        fields.add(":status", String(response.status))
        for (name, value) in response.headers { fields.add(name, value) }
        let hasNoBody = response.status == 204 || response.status == 304
        if case .bytes(let bytes) = response.body, !hasNoBody {
            fields.add("content-length", String(bytes.count))
        }
        var body = OutgoingBody(response)
        if hasNoBody || exchange.head.methodIs("HEAD") { body.cancel() }
        if body.isStream || body.available > HTTP2Session.longAnswer { hasLongAnswers = true }
        exchange.outgoing = body
        submit(fields, for: exchange, hasBody: !body.isFinished)
    }

    func submitGRPC(_ response: Response, for exchange: Exchange) {
        let outcome =
            response.grpc
            ?? GRPCOutcome(
                code: grpcCode(forStatus: response.status), message: "")
        guard outcome.code == 0, case .bytes(let message) = response.body,
            let length = UInt32(exactly: message.count)
        else {
            if case .stream(let source) = response.body { source.cancel() }
            // Not a silent OK: a stream is no answer to a unary call.
            return submitTrailersOnly(
                outcome.code == 0 ? GRPCOutcome(code: 13, message: "no message") : outcome,
                headers: response.headers, for: exchange)
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(message.count + 5)
        frame.append(0)
        for shift in [24, 16, 8, 0] as [UInt32] {
            frame.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        frame.append(contentsOf: message)
        exchange.outgoing = OutgoingBody(Response(status: 200, body: .bytes(frame)))
        if response.headers.isEmpty {
            unsafe submit(GRPCFields.head, GRPCFields.headCount, for: exchange, hasBody: true)
        } else {
            let fields = GRPCFields.makeHead()
            for (name, value) in response.headers { fields.add(name, value) }
            submit(fields, for: exchange, hasBody: true)
        }
    }

    private func submitTrailersOnly(
        _ outcome: GRPCOutcome, headers: [(String, String)], for exchange: Exchange
    ) {
        let fields = GRPCFields.makeHead()
        for (name, value) in headers { fields.add(name, value) }
        fields.add("grpc-status", String(outcome.code))
        if !outcome.message.isEmpty {
            fields.add("grpc-message", percentEncodedGRPCMessage(outcome.message))
        }
        if !outcome.details.isEmpty {
            fields.add("grpc-status-details-bin", unpaddedBase64(outcome.details))
        }
        submit(fields, for: exchange, hasBody: false)
    }

    private func submit(_ fields: HeaderFields, for exchange: Exchange, hasBody: Bool) {
        unsafe fields.withFields { fields, count in
            unsafe submit(fields, count, for: exchange, hasBody: hasBody)
        }
    }

    private func submit(
        _ fields: UnsafePointer<nghttp2_nv>, _ count: Int, for exchange: Exchange, hasBody: Bool
    ) {
        let code: CInt
        if hasBody {
            var provider = unsafe nghttp2_data_provider(
                source: nghttp2_data_source(fd: 0), read_callback: HTTP2Callbacks.readBody)
            code = unsafe nghttp2_submit_response(
                session, exchange.streamID, fields, count, &provider)
        } else {
            exchange.outgoingDeadline = .max
            code = unsafe nghttp2_submit_response(session, exchange.streamID, fields, count, nil)
        }
        // A header that nghttp2 refuses (a bug of ours) must not leave the peer waiting.
        if code != 0 { reset(exchange, NGHTTP2_INTERNAL_ERROR) }
    }

    /// Copies the next part of the answer to `target`.
    func readBody(
        of exchange: Exchange, into target: UnsafeMutablePointer<UInt8>, _ room: Int
    ) -> BodyRead {
        exchange.outgoing.refill()
        var place = UnsafeMutableRawPointer(target)
        let count = unsafe exchange.outgoing.take(upTo: room) { bytes in
            guard let start = bytes.baseAddress else { return }
            unsafe place.copyMemory(from: start, byteCount: bytes.count)
            unsafe place += bytes.count
        }
        if count > 0 {
            exchange.outgoingDeadline = context.now &+ context.writeMilliseconds
        }
        guard exchange.outgoing.isFinished else {
            if count > 0 { return .more(count) }
            // A source may be slow for as long as it likes: only the peer has a deadline.
            exchange.outgoingDeadline = .max
            return .stalled
        }
        exchange.outgoingDeadline = .max
        let hasTrailers = exchange.head.isGRPC
        if hasTrailers {
            unsafe nghttp2_submit_trailer(
                session, exchange.streamID, GRPCFields.okTrailer, GRPCFields.okTrailerCount)
        }
        return .last(count, hasTrailers: hasTrailers)
    }
}

/// The header fields of most gRPC answers, made once.
enum GRPCFields {
    static let headCount = 3
    static let okTrailerCount = 1

    /// Never freed, never changed; names and values are literals, which nghttp2 need not copy.
    nonisolated(unsafe) static let head = unsafe makeLiteral([
        (":status", "200"), ("content-type", "application/grpc"),
        ("grpc-accept-encoding", "identity,gzip,zstd"),
    ])

    nonisolated(unsafe) static let okTrailer = unsafe makeLiteral([("grpc-status", "0")])

    static func makeHead() -> HeaderFields {
        let fields = HeaderFields()
        fields.add(":status", "200")
        fields.add("content-type", "application/grpc")
        fields.add("grpc-accept-encoding", "identity,gzip,zstd")
        return fields
    }

    private static func makeLiteral(
        _ pairs: [(StaticString, StaticString)]
    ) -> UnsafePointer<nghttp2_nv> {
        let fields = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: pairs.count)
        let flags =
            NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue | NGHTTP2_NV_FLAG_NO_COPY_VALUE.rawValue
        for (index, pair) in pairs.enumerated() {
            unsafe (fields + index).initialize(
                to: nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: pair.0.utf8Start),
                    value: UnsafeMutablePointer(mutating: pair.1.utf8Start),
                    namelen: pair.0.utf8CodeUnitCount, valuelen: pair.1.utf8CodeUnitCount,
                    flags: UInt8(flags)))
        }
        return unsafe UnsafePointer(fields)
    }
}

/// Header fields for one submission; nghttp2 copies them.
final class HeaderFields {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    func add(_ name: String, _ value: String) { add(name, Array(value.utf8)) }

    /// The name is put in lower case; control characters of the value become spaces.
    func add(_ name: String, _ value: [UInt8]) {
        for byte in name.utf8 { bytes.append(0x41...0x5A ~= byte ? byte | 0x20 : byte) }
        ends.append(bytes.count)
        for byte in value { bytes.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte) }
        ends.append(bytes.count)
    }

    func withFields(_ body: (UnsafePointer<nghttp2_nv>, Int) -> Void) {
        unsafe bytes.withUnsafeMutableBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            var fields: [nghttp2_nv] = unsafe []
            var from = 0
            for index in stride(from: 0, to: ends.count, by: 2) {
                unsafe fields.append(
                    nghttp2_nv(
                        name: start + from, value: start + ends[index],
                        namelen: ends[index] - from, valuelen: ends[index + 1] - ends[index],
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
                from = ends[index + 1]
            }
            unsafe fields.withUnsafeBufferPointer { fields in
                guard let first = fields.baseAddress else { return }
                unsafe body(first, fields.count)
            }
        }
    }
}
