import RoostCore

@testable import RoostNet

/// Frames of a WebSocket client: read the same whichever way they come in pieces.
///
/// When the first byte is odd, the rest is a list of frames that are put right: first byte, length
/// (two bytes), payload, masked with nothing.
final class WebSocketTarget: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        let bytes = unsafe WebSocketTarget.frames(input)
        var choices = unsafe Choices(input)
        var pieces: [[UInt8]] = []
        unsafe bytes.withUnsafeBytes { all in
            unsafe choices.cut(all) { unsafe pieces.append(Array($0)) }
        }
        let whole = read([bytes])
        let parts = read(pieces)
        promise(whole.events == parts.events, "\(whole.events) / \(parts.events)")
        promise(whole.fault == parts.fault, "\(whole.fault as Any) / \(parts.fault as Any)")
    }

    private static func frames(_ input: UnsafeRawBufferPointer) -> [UInt8] {
        var reader = unsafe InputReader(input)
        guard reader.byte() % 2 == 1 else { return reader.rest() }
        var bytes: [UInt8] = []
        while !reader.isAtEnd {
            let first = reader.byte()
            let payload = reader.some(reader.number() % 2_000)
            bytes.append(first)
            if payload.count < 126 {
                bytes.append(0x80 | UInt8(payload.count))
            } else {
                bytes += [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
            }
            bytes += [0, 0, 0, 0] + payload
        }
        return bytes
    }

    private func read(_ pieces: [[UInt8]]) -> (events: [WebSocketEvent], fault: WebSocketFault?) {
        var reader = WebSocketReader(limit: 1_000)
        var events: [WebSocketEvent] = []
        var isOver = false
        for piece in pieces {
            do throws(WebSocketFault) {
                try unsafe ByteBlock(piece).withBytes { (bytes) throws(WebSocketFault) in
                    try unsafe reader.read(bytes) { event in
                        events.append(event)
                        if case .close = event { isOver = true }
                        return !isOver
                    }
                }
            } catch {
                // After a close frame nobody looks on.
                return (events, isOver ? nil : error)
            }
            promise(reader.heldBytes < 16 << 10, "\(reader.heldBytes) bytes are held")
            if isOver { break }
        }
        return (events, nil)
    }
}
