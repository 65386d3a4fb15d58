import CNghttp2

/// The doors through which nghttp2 calls an `HTTP2Session`, and the options that all share.
///
/// Each callback finds its session, calls one method, and answers a C code.
enum HTTP2Callbacks {
    /// Made once and never freed; nghttp2 copies it into every session.
    nonisolated(unsafe) static let shared: OpaquePointer? = {
        var callbacks: OpaquePointer?
        unsafe nghttp2_session_callbacks_new(&callbacks)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrame)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClose)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
            callbacks, onInvalidFrame)
        return unsafe callbacks
    }()

    /// Made once and never freed; nghttp2 copies what it needs.
    nonisolated(unsafe) static let options: OpaquePointer? = {
        var options: OpaquePointer?
        unsafe nghttp2_option_new(&options)
        unsafe nghttp2_option_set_no_closed_streams(options, 1)
        // Floods: answers owed to PING and SETTINGS, entries of one SETTINGS, streams that are
        // opened only to be reset (a burst of 1,000, then 100 a second), CONTINUATION frames: of
        // these every read that brings a part of one's head counts, so that four whose heads come
        // byte by byte are within it.
        unsafe nghttp2_option_set_max_outbound_ack(options, 256)
        unsafe nghttp2_option_set_max_settings(options, 32)
        unsafe nghttp2_option_set_stream_reset_rate_limit(options, 1_000, 100)
        unsafe nghttp2_option_set_max_continuations(options, 36)
        return unsafe options
    }()

    private static func find(_ user: UnsafeMutableRawPointer?) -> HTTP2Session? {
        guard let user = unsafe user else { return nil }
        return unsafe Unmanaged<HTTP2Session>.fromOpaque(user).takeUnretainedValue()
    }

    private static let onBeginHeaders: nghttp2_on_begin_headers_callback = { _, frame, user in
        guard let frame = unsafe frame, let session = unsafe find(user) else { return 0 }
        unsafe session.beginHeaders(
            streamID: frame.pointee.hd.stream_id,
            isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
        return 0
    }

    private static let onHeader: nghttp2_on_header_callback = {
        _, _, name, nameLength, value, valueLength, _, user in
        guard let user = unsafe user else { return 0 }
        // Once per header: without the retain and release that `find` costs.
        unsafe Unmanaged<HTTP2Session>.fromOpaque(user)._withUnsafeGuaranteedRef { session in
            unsafe session.header(
                name: UnsafeRawBufferPointer(start: name, count: nameLength),
                value: UnsafeRawBufferPointer(start: value, count: valueLength))
        }
        return 0
    }

    private static let onFrame: nghttp2_on_frame_recv_callback = { _, frame, user in
        guard let frame = unsafe frame, let session = unsafe find(user) else { return 0 }
        let header = unsafe frame.pointee.hd
        let endsStream = UInt32(header.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            session.headersEnded(streamID: header.stream_id, endsStream: endsStream)
        case NGHTTP2_DATA.rawValue where endsStream: session.streamEnded(header.stream_id)
        case NGHTTP2_GOAWAY.rawValue: session.peerSaidGoodbye()
        default: break
        }
        return 0
    }

    private static let onData: nghttp2_on_data_chunk_recv_callback = {
        _, _, streamID, bytes, count, user in
        unsafe find(user)?.data(
            streamID: streamID, UnsafeRawBufferPointer(start: bytes, count: count))
        return 0
    }

    private static let onStreamClose: nghttp2_on_stream_close_callback = { _, streamID, _, user in
        unsafe find(user)?.streamClosed(streamID)
        return 0
    }

    private static let onInvalidFrame: nghttp2_on_invalid_frame_recv_callback = { _, _, _, user in
        unsafe find(user)?.noteProtocolError()
        return 0
    }

    /// Gives nghttp2 the next bytes of an answer, and behind the last of a gRPC message its
    /// trailers, which can only be submitted from here.
    static let readBody: nghttp2_data_source_read_callback = {
        _, streamID, target, room, flags, _, user in
        guard let target = unsafe target, let flags = unsafe flags,
            let session = unsafe find(user),
            let exchange = session.exchange(streamID)
        else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        switch unsafe session.readBody(of: exchange, into: target, room) {
        case .stalled: return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .more(let count): return count
        case .last(let count, let hasTrailers):
            unsafe flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if hasTrailers { unsafe flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue }
            return count
        }
    }
}
