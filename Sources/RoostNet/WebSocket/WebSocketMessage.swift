public import RoostCore

/// A text for WebSocket peers in the frame that carries it, made once for all who get it.
///
/// A server's frames are not masked (RFC 6455 §5.1), so every peer gets the same bytes. Any thread.
public struct WebSocketMessage: Sendable {
    let frame: ByteBlock

    /// `text` is UTF-8; whoever calls sees to that. `reservation` pays for the frame while anybody
    /// holds it.
    public init(text: [UInt8], reservation: MemoryReservation? = nil) {
        self = unsafe text.withUnsafeBytes {
            unsafe WebSocketMessage($0, reservation: reservation)
        }
    }

    public init(text: String) { self.init(text: Array(text.utf8)) }

    public init(text: ByteSlice, reservation: MemoryReservation? = nil) {
        self = unsafe text.withBytes {
            unsafe WebSocketMessage($0, reservation: reservation)
        }
    }

    private init(_ text: UnsafeRawBufferPointer, reservation: MemoryReservation?) {
        let head = frameHead(opcode: .text, payloadBytes: text.count)
        unsafe frame = ByteBlock(
            capacity: head.count + text.count, reservation: reservation
        ) { target in
            unsafe target.copyBytes(from: head)
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[head.count...])
                .copyMemory(from: text)
            return head.count + text.count
        }
    }

    /// Bytes on the wire, its frame's head among them.
    public var byteCount: Int { frame.count }

    /// For a peer that is counted for it, with what it costs to keep.
    var cost: Int { frame.count &+ 32 }
}

/// What a frame is, RFC 6455 §5.2.
enum WebSocketOpcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10
}

/// The head of a whole message's frame from a server, RFC 6455 §5.2.
func frameHead(opcode: WebSocketOpcode, payloadBytes: Int) -> [UInt8] {
    let first = 0x80 | opcode.rawValue
    func length(_ bytes: Int) -> [UInt8] {
        (0..<bytes).map { UInt8(truncatingIfNeeded: payloadBytes >> (8 * (bytes - 1 - $0))) }
    }
    switch payloadBytes {
    case ..<126: return [first, UInt8(payloadBytes)]
    case ..<65_536: return [first, 126] + length(2)
    default: return [first, 127] + length(8)
    }
}
