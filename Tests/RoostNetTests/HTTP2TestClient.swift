import CNghttp2

@testable import RoostNet

/// The client side of HTTP/2 for tests: nghttp2 again, talking to a session in memory.
@safe final class HTTP2TestClient {
    struct Answer: Equatable {
        var headers: [String: String] = [:]
        var trailers: [String: String] = [:]
        var body: [UInt8] = []
        var isClosed = false
        var resetCode: UInt32?
    }

    private var session: OpaquePointer?
    private let server: any ProtocolSession
    private(set) var answers: [Int32: Answer] = [:]
    private var uploads: [Int32: Upload] = [:]
    var goaways = 0

    /// A body on its way up; it ends the stream only when told so.
    private struct Upload {
        var bytes: [UInt8]
        var ends: Bool
        var trailers: [(String, String)] = []
    }

    init(_ server: any ProtocolSession) {
        self.server = server
        var callbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, user in
            let client = unsafe find(user)
            let name = unsafe String(
                decoding: UnsafeBufferPointer(start: name, count: nameCount), as: UTF8.self)
            let value = unsafe String(
                decoding: UnsafeBufferPointer(start: value, count: valueCount), as: UTF8.self)
            guard let frame = unsafe frame else { return 0 }
            let id = unsafe frame.pointee.hd.stream_id
            if unsafe frame.pointee.headers.cat == NGHTTP2_HCAT_RESPONSE {
                client.answers[id, default: Answer()].headers[name] = value
            } else {
                client.answers[id, default: Answer()].trailers[name] = value
            }
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, id, bytes, count, user in
            unsafe find(user).answers[id, default: Answer()].body += UnsafeBufferPointer(
                start: bytes, count: count)
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            _, id, code, user in
            unsafe find(user).answers[id, default: Answer()].isClosed = true
            return 0
        }
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            guard let frame = unsafe frame else { return 0 }
            switch unsafe UInt32(frame.pointee.hd.type) {
            case NGHTTP2_GOAWAY.rawValue: unsafe find(user).goaways += 1
            case NGHTTP2_RST_STREAM.rawValue:
                let id = unsafe frame.pointee.hd.stream_id
                unsafe find(user).answers[id, default: Answer()].resetCode =
                    unsafe frame.pointee.rst_stream.error_code
            default: break
            }
            return 0
        }
        unsafe nghttp2_session_client_new(
            &session, callbacks, Unmanaged.passUnretained(self).toOpaque())
        unsafe nghttp2_session_callbacks_del(callbacks)
        unsafe nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil, 0)
    }

    deinit { unsafe nghttp2_session_del(session) }

    /// Opens a stream; a nil body ends it at once.
    func request(
        _ headers: [(String, String)], body: [UInt8]? = nil, ends: Bool = true,
        trailers: [(String, String)] = []
    ) -> Int32 {
        var id: Int32 = -1
        unsafe withFields(headers) { fields, count in
            guard let body else {
                id = unsafe nghttp2_submit_request(session, nil, fields, count, nil, nil)
                return
            }
            var provider = unsafe nghttp2_data_provider(
                source: nghttp2_data_source(fd: 0), read_callback: HTTP2TestClient.onRead)
            id = unsafe nghttp2_submit_request(session, nil, fields, count, &provider, nil)
            uploads[id] = Upload(bytes: body, ends: ends, trailers: trailers)
        }
        return id
    }

    /// A POST of gRPC with these bytes, frame and all.
    func call(
        _ bytes: [UInt8], _ extra: [(String, String)] = [], type: String = "application/grpc",
        ends: Bool = true
    ) -> Int32 {
        request(
            [
                (":method", "POST"), (":scheme", "http"), (":path", "/s/M"),
                (":authority", "x"), ("te", "trailers"), ("content-type", type),
            ] + extra, body: bytes, ends: ends)
    }

    /// Adds to a body that was left open.
    func upload(_ id: Int32, _ bytes: [UInt8], ends: Bool) {
        uploads[id]?.bytes += bytes
        uploads[id]?.ends = ends
        unsafe nghttp2_session_resume_data(session, id)
    }

    func cancel(_ id: Int32) {
        unsafe nghttp2_submit_rst_stream(session, 0, id, UInt32(NGHTTP2_CANCEL.rawValue))
    }

    func answer(_ id: Int32) -> Answer { answers[id] ?? Answer() }

    /// Lets both sides talk until neither has anything to say; cuts what it sends into pieces.
    func talk(pieces: Int = .max) {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            var up: [UInt8] = []
            var bytes: UnsafePointer<UInt8>?
            while case let count = unsafe nghttp2_session_mem_send(session, &bytes), count > 0 {
                unsafe up += UnsafeBufferPointer(start: bytes, count: Int(count))
            }
            var start = 0
            while start < up.count {
                let end = start + min(pieces, up.count - start)
                unsafe up.withUnsafeBytes {
                    unsafe server.receive(UnsafeRawBufferPointer(rebasing: $0[start..<end]))
                }
                start = end
                isQuiet = false
            }
            let down = drained(server)
            if !down.isEmpty {
                isQuiet = false
                unsafe down.withUnsafeBufferPointer {
                    _ = unsafe nghttp2_session_mem_recv(session, $0.baseAddress, $0.count)
                }
            }
        }
    }

    private static let onRead: nghttp2_data_source_read_callback = {
        session, id, target, room, flags, _, user in
        let client = unsafe find(user)
        guard var upload = client.uploads[id] else { return 0 }
        let count = min(room, upload.bytes.count)
        if count == 0, !upload.ends { return Int(NGHTTP2_ERR_DEFERRED.rawValue) }
        for index in 0..<count { unsafe target?[index] = upload.bytes[index] }
        upload.bytes.removeFirst(count)
        client.uploads[id] = upload
        if upload.bytes.isEmpty, upload.ends {
            unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if !upload.trailers.isEmpty {
                unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                unsafe client.withFields(upload.trailers) { fields, count in
                    unsafe nghttp2_submit_trailer(session, id, fields, count)
                }
            }
        }
        return count
    }

    private func withFields(
        _ headers: [(String, String)], _ body: (UnsafePointer<nghttp2_nv>, Int) -> Void
    ) {
        let fields = HeaderFields()
        for (name, value) in headers { fields.add(name, value) }
        unsafe fields.withFields(body)
    }
}

private func find(_ user: UnsafeMutableRawPointer?) -> HTTP2TestClient {
    unsafe Unmanaged<HTTP2TestClient>.fromOpaque(user!).takeUnretainedValue()
}
