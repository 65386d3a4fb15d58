import CWslay

/// A part of a frame from the peer, unmasked.
@safe struct WebSocketFramePart {
    let isFinal: Bool
    let reservedBits: UInt8
    let opcode: UInt8
    let isMasked: Bool
    /// Of the whole frame.
    let payloadBytes: UInt64
    /// Valid until the next part is read.
    let bytes: UnsafeRawBufferPointer
}

/// Frames, byte by byte: the only file that knows wslay, of which it uses the reading of frames.
///
/// wslay refuses what the format forbids by itself: a control frame that is long or fragmented, a
/// length that could be written shorter. What frames mean to each other is not its matter. It holds
/// four KiB of input.
@safe final class WebSocketFrameReader {
    /// Nil when there was no memory for it.
    private let context: wslay_frame_context_ptr?
    /// What wslay has not taken yet of the bytes of a call of `read`. Freed with this object, as
    /// wslay's context is.
    private let input: UnsafeMutablePointer<UnsafeRawBufferPointer>

    init() {
        unsafe input = .allocate(capacity: 1)
        unsafe input.initialize(to: UnsafeRawBufferPointer(start: nil, count: 0))
        var callbacks = wslay_frame_callbacks()
        unsafe callbacks.recv_callback = WebSocketFrameReader.onReceive
        var made: wslay_frame_context_ptr?
        let code = unsafe wslay_frame_context_init(&made, &callbacks, input)
        unsafe context = code == 0 ? made : nil
    }

    deinit {
        if let context = unsafe context { unsafe wslay_frame_context_free(context) }
        unsafe input.deallocate()
    }

    /// Hands on the parts that are in `bytes`; stops, and is not to be called again, when `each`
    /// throws or the bytes are no frames.
    func read(
        _ bytes: UnsafeRawBufferPointer,
        _ each: (WebSocketFramePart) throws(WebSocketFault) -> Void
    ) throws(WebSocketFault) {
        guard let context = unsafe context else { throw .noMemory }
        unsafe input.pointee = unsafe bytes
        defer { unsafe input.pointee = unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        while true {
            var found = unsafe wslay_frame_iocb()
            let code = unsafe wslay_frame_recv(context, &found)
            if code == Int(WSLAY_ERR_WANT_READ.rawValue) { return }
            guard code >= 0 else { throw .protocolError("not a frame") }
            try each(
                unsafe WebSocketFramePart(
                    isFinal: found.fin != 0, reservedBits: found.rsv, opcode: found.opcode,
                    isMasked: found.mask != 0, payloadBytes: found.payload_length,
                    bytes: UnsafeRawBufferPointer(start: found.data, count: found.data_length)))
        }
    }

    private static let onReceive: wslay_frame_recv_callback = { target, room, _, user in
        guard let input = unsafe user?.assumingMemoryBound(to: UnsafeRawBufferPointer.self),
            let target = unsafe target, let start = unsafe input.pointee.baseAddress
        else { return -1 }
        let count = unsafe min(room, input.pointee.count)
        guard count > 0 else { return -1 }
        unsafe UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: count)
        unsafe input.pointee = unsafe UnsafeRawBufferPointer(rebasing: input.pointee[count...])
        return count
    }
}
