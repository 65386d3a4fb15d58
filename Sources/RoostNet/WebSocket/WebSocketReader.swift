/// What a peer did wrong, with the code that tells it so. RFC 6455 §7.4.1.
enum WebSocketFault: Error, Equatable {
    case protocolError(String)
    case unsupportedData
    case invalidText
    case tooBig(limit: Int)
    case noMemory

    var code: UInt16 {
        switch self {
        case .protocolError: 1002
        case .unsupportedData: 1003
        case .invalidText: 1007
        case .tooBig: 1009
        case .noMemory: 1011
        }
    }

    /// Fits into a close frame.
    var reason: String {
        switch self {
        case .protocolError(let reason): reason
        case .unsupportedData: "only texts are taken"
        case .invalidText: "not UTF-8"
        case .tooBig(let limit): "a message is longer than \(limit) bytes"
        case .noMemory: "no memory is free"
        }
    }
}

/// What a peer said.
enum WebSocketEvent: Equatable {
    case text([UInt8])
    case ping([UInt8])
    case pong
    /// 1005 where the peer gave no code.
    case close(code: UInt16)

    /// Bytes of memory that it takes where it waits.
    var heldBytes: Int {
        let own = MemoryLayout<WebSocketEvent>.stride
        switch self {
        case .text(let bytes), .ping(let bytes): return own + bytes.capacity + Self.arrayHeadBytes
        case .pong, .close: return own
        }
    }

    private static let arrayHeadBytes = 32
}

/// Messages and control frames out of the frames of one client, checked. RFC 6455 §5 and §8.1.
struct WebSocketReader {
    private let frames = WebSocketFrameReader()
    private let limit: Int

    /// Bytes of the frame under way that are still to come.
    private var missing: UInt64 = 0
    /// Of a message whose last frame has not come.
    private var message: [UInt8] = []
    private var isInMessage = false
    private var control: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Bytes of memory for what is not whole yet.
    var heldBytes: Int { message.capacity }

    /// Calls `each` for what has become whole, in its order. Not to be called again after it threw
    /// or `each` answered false.
    mutating func read(
        _ bytes: UnsafeRawBufferPointer, _ each: (WebSocketEvent) -> Bool
    ) throws(WebSocketFault) {
        var goesOn = true
        unsafe try frames.read(bytes) { part throws(WebSocketFault) in
            guard goesOn, let event = try take(part) else { return }
            goesOn = each(event)
        }
    }

    private mutating func take(
        _ part: WebSocketFramePart
    ) throws(WebSocketFault) -> WebSocketEvent? {
        if missing == 0 {
            try begin(part)
            missing = part.payloadBytes
        }
        unsafe missing -= UInt64(part.bytes.count)
        let isControl = part.opcode >= WebSocketOpcode.close.rawValue
        if isControl {
            unsafe control.append(contentsOf: part.bytes)
        } else {
            unsafe message.append(contentsOf: part.bytes)
        }
        guard missing == 0 else { return nil }
        if isControl {
            defer { control = [] }
            return try controlEvent(part.opcode)
        }
        isInMessage = !part.isFinal
        guard part.isFinal else { return nil }
        defer { message = [] }
        guard isUTF8(message) else { throw .invalidText }
        return .text(message)
    }

    /// A frame begins: whether it may stand here.
    private func begin(_ part: WebSocketFramePart) throws(WebSocketFault) {
        guard part.isMasked else { throw .protocolError("a client's frame is not masked") }
        guard part.reservedBits == 0 else {
            throw .protocolError("a reserved bit is set, and no extension was agreed on")
        }
        switch WebSocketOpcode(rawValue: part.opcode) {
        case nil: throw .protocolError("opcode \(part.opcode) means nothing")
        case .close, .ping, .pong: return
        case .binary:
            throw isInMessage ? .protocolError("a message inside another") : .unsupportedData
        case .text:
            guard !isInMessage else { throw .protocolError("a message inside another") }
        case .continuation:
            guard isInMessage else { throw .protocolError("a continuation of nothing") }
        }
        guard part.payloadBytes <= UInt64(limit - message.count) else {
            throw .tooBig(limit: limit)
        }
    }

    private func controlEvent(_ opcode: UInt8) throws(WebSocketFault) -> WebSocketEvent {
        switch WebSocketOpcode(rawValue: opcode) {
        case .ping: return .ping(control)
        case .pong: return .pong
        default: return .close(code: try closeCode())
        }
    }

    private func closeCode() throws(WebSocketFault) -> UInt16 {
        guard !control.isEmpty else { return 1005 }
        guard control.count >= 2 else { throw .protocolError("half a close code") }
        guard isUTF8(Array(control[2...])) else { throw .invalidText }
        let code = UInt16(control[0]) << 8 | UInt16(control[1])
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: return code
        default: throw .protocolError("\(code) is no close code")
        }
    }
}

private func isUTF8(_ bytes: [UInt8]) -> Bool {
    do {
        _ = try UTF8Span(validating: bytes.span)
        return true
    } catch {
        return false
    }
}
