/// What a handler says to a request that asks for a WebSocket: yes, and who will serve it.
public struct WebSocketAcceptance {
    /// Held until the socket is closed.
    public var handler: any WebSocketHandler
    /// One of those that the request named in `sec-websocket-protocol`; nil for none.
    public var subprotocol: String?
    /// How often the peer is asked whether it is there. One that is silent for two of them and
    /// another's time is given up.
    public var heartbeat: Duration = .seconds(30)
    /// Longest message that is taken from the peer.
    public var maxMessageBytes = 64 << 10
    /// A message is dropped while more than this waits to be sent.
    public var maxUnsentBytes = 256 << 10

    public init(_ handler: any WebSocketHandler) { self.handler = handler }
}

/// A handshake that is in order, and how it will be answered.
struct WebSocketUpgrade {
    let acceptance: WebSocketAcceptance
    /// The value of `sec-websocket-accept`.
    let acceptKey: [UInt8]

    private static let version = "13"

    /// Headers by which a server says what it would speak, RFC 6455 §4.4 and RFC 9110 §15.5.22.
    static func offer(overHTTP2 isHTTP2: Bool) -> [(String, String)] {
        let version = ("sec-websocket-version", Self.version)
        return isHTTP2 ? [version] : [("upgrade", "websocket"), ("connection", "upgrade"), version]
    }

    /// Throws `upgradeRequired` when the request asks for no WebSocket or for another version,
    /// `malformed` when it does so wrongly. RFC 6455 §4.2.1.
    init(
        _ acceptance: WebSocketAcceptance, head: RequestHead, hasBody: Bool
    ) throws(RequestFault) {
        guard !head.isHTTP2, hasToken("websocket", in: head.header("upgrade")),
            hasToken("upgrade", in: head.header("connection"))
        else { throw .upgradeRequired }
        guard head.methodIs("GET"), !hasBody else {
            throw .malformed("a WebSocket handshake is a GET without a body")
        }
        guard head.header("sec-websocket-version") == Self.version else { throw .upgradeRequired }
        guard let key = head.header("sec-websocket-key"), isSixteenBytes(inBase64: key) else {
            throw .malformed("sec-websocket-key is not sixteen bytes in base64")
        }
        self.acceptance = acceptance
        acceptKey = webSocketAcceptKey(key)
    }
}

/// What proves that a server understood a handshake's key, RFC 6455 §4.2.2.
func webSocketAcceptKey(_ key: String) -> [UInt8] {
    let digest = sha1(Array(key.utf8) + Array("258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
    return unpaddedBase64(digest) + [UInt8(ascii: "=")]
}

/// Whether a list of tokens, separated by commas, holds one, whatever the case of its letters.
private func hasToken(_ lowercaseToken: StaticString, in list: String?) -> Bool {
    guard let list else { return false }
    return list.utf8.split(separator: UInt8(ascii: ",")).contains { item in
        unsafe Array(item).withUnsafeBytes {
            unsafe equalsIgnoringCase(trimmed($0), lowercaseToken)
        }
    }
}

private func isSixteenBytes(inBase64 text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 24, bytes[22...].allSatisfy({ $0 == UInt8(ascii: "=") }) else {
        return false
    }
    return bytes[..<22].allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "/"): true
        default: false
        }
    }
}
