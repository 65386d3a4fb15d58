import RoostCore

@testable import RoostNet

/// Notes what a socket reports, and answers as a test wants.
final class TestSocketHandler: WebSocketHandler {
    var socket: WebSocket?
    var texts: [String] = []
    var closedCodes: [UInt16] = []
    var sentCount = 0
    var onOpened: (WebSocket) -> Void = { _ in }
    var onText: (WebSocket, String) -> Void = { _, _ in }

    func opened(_ socket: WebSocket) {
        self.socket = socket
        onOpened(socket)
    }

    func received(_ text: [UInt8], on socket: WebSocket) {
        texts.append(String(decoding: text, as: UTF8.self))
        onText(socket, String(decoding: text, as: UTF8.self))
    }

    func sent(on socket: WebSocket) { sentCount += 1 }

    func closed(_ socket: WebSocket, code: UInt16) { closedCodes.append(code) }
}

/// A WebSocket without a network: a handshake through HTTP/1.1, then frames.
final class WebSocketBench {
    let bench: Bench
    let handler = TestSocketHandler()
    private(set) var session: any ProtocolSession

    static let handshake =
        "GET /live HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n"
        + "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        + "Origin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\r\n"

    init(
        _ settings: (inout ServerSettings) -> Void = { _ in },
        _ change: @escaping (inout WebSocketAcceptance) -> Void = { _ in }
    ) {
        bench = Bench(settings)
        let handler = handler
        bench.handler.admits = { _ in
            var acceptance = WebSocketAcceptance(handler)
            change(&acceptance)
            return .upgrade(acceptance)
        }
        session = bench.http1()
    }

    /// Feeds bytes and answers what comes back.
    func exchange(_ bytes: [UInt8]) -> [UInt8] {
        unsafe bytes.withUnsafeBytes { unsafe session.receive($0) }
        return output()
    }

    func exchange(_ text: String) -> String {
        String(decoding: exchange(Array(text.utf8)), as: UTF8.self)
    }

    func output() -> [UInt8] {
        var all = drained(session)
        if let next = session.successor {
            session = next
            all += drained(session)
        }
        return all
    }

    /// Does the handshake.
    func open() -> WebSocketBench {
        _ = exchange(WebSocketBench.handshake)
        return self
    }

    func pass(_ milliseconds: UInt64) -> [UInt8] {
        bench.clock.now += milliseconds
        session.checkDeadlines(now: bench.clock.now)
        return output()
    }
}

/// A frame as a client sends it.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, isMasked: Bool = true,
    reserved: UInt8 = 0
) -> [UInt8] {
    var frame = [(isFinal ? 0x80 : 0) | reserved << 4 | opcode]
    let mask: UInt8 = isMasked ? 0x80 : 0
    switch payload.count {
    case ..<126: frame.append(mask | UInt8(payload.count))
    case ..<65_536:
        frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default:
        frame.append(mask | 127)
        frame += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> (56 - 8 * $0)) }
    }
    guard isMasked else { return frame + payload }
    let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    return frame + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
}

func clientText(_ text: String) -> [UInt8] { clientFrame(1, Array(text.utf8)) }

/// A close frame from the server.
func closeFrame(_ code: UInt16, _ reason: String = "") -> [UInt8] {
    let payload = [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
    return [0x88, UInt8(payload.count)] + payload
}
