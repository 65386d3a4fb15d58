/// The head of an answer over HTTP/1.1. RFC 9112 §4 and §6.
struct HTTP1Answer {
    /// How the peer knows where the body ends.
    enum Length {
        /// There is none, whatever the headers say.
        case none
        case bytes(Int)
        case chunked
        /// Where the connection ends.
        case untilClose
    }

    /// Whether another request may follow.
    enum Persistence {
        /// As the version has it.
        case usual
        case close
        /// Said to a peer of HTTP/1.0, where it is not usual.
        case keepAlive
    }

    private let response: Response
    private let length: Length
    private let persistence: Persistence
    private let date: [UInt8]

    init(_ response: Response, _ length: Length, _ persistence: Persistence, date: [UInt8]) {
        self.response = response
        self.length = length
        self.persistence = persistence
        self.date = date
    }

    func write(to output: inout OutputBuffer) {
        output.append("HTTP/1.1 " as StaticString)
        output.append(String(response.status))
        output.append(reasonPhrase(response.status))
        for (name, value) in response.headers {
            output.append(name)
            output.append(": " as StaticString)
            output.append(headerValue: value)
            output.append("\r\n" as StaticString)
        }
        switch length {
        case .none, .untilClose: break
        case .chunked: output.append("transfer-encoding: chunked\r\n" as StaticString)
        case .bytes(let count):
            output.append("content-length: " as StaticString)
            output.append(String(count))
            output.append("\r\n" as StaticString)
        }
        switch persistence {
        case .usual: break
        case .close: output.append("connection: close\r\n" as StaticString)
        case .keepAlive: output.append("connection: keep-alive\r\n" as StaticString)
        }
        output.append("date: " as StaticString)
        output.append(date)
        output.append("\r\n\r\n" as StaticString)
    }

    /// The answer to a handshake: what follows is a WebSocket. RFC 6455 §4.2.2.
    static func write(
        _ upgrade: WebSocketUpgrade, date: [UInt8], to output: inout OutputBuffer
    ) {
        output.append(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                as StaticString)
        output.append("sec-websocket-accept: " as StaticString)
        output.append(upgrade.acceptKey)
        if let subprotocol = upgrade.acceptance.subprotocol {
            output.append("\r\nsec-websocket-protocol: " as StaticString)
            output.append(headerValue: subprotocol)
        }
        output.append("\r\ndate: " as StaticString)
        output.append(date)
        output.append("\r\n\r\n" as StaticString)
    }
}

extension OutputBuffer {
    /// Without the control characters that would end the line.
    fileprivate mutating func append(headerValue value: String) {
        for byte in value.utf8 {
            append(byte: (byte < 0x20 && byte != 0x09) || byte == 0x7F ? 0x20 : byte)
        }
    }
}

/// What follows the code in the status line, up to the line's end.
private func reasonPhrase(_ status: Int) -> StaticString {
    switch status {
    case 200: " OK\r\n"
    case 202: " Accepted\r\n"
    case 204: " No Content\r\n"
    case 301: " Moved Permanently\r\n"
    case 302: " Found\r\n"
    case 303: " See Other\r\n"
    case 304: " Not Modified\r\n"
    case 400: " Bad Request\r\n"
    case 401: " Unauthorized\r\n"
    case 403: " Forbidden\r\n"
    case 404: " Not Found\r\n"
    case 405: " Method Not Allowed\r\n"
    case 406: " Not Acceptable\r\n"
    case 408: " Request Timeout\r\n"
    case 411: " Length Required\r\n"
    case 413: " Content Too Large\r\n"
    case 414: " URI Too Long\r\n"
    case 415: " Unsupported Media Type\r\n"
    case 417: " Expectation Failed\r\n"
    case 426: " Upgrade Required\r\n"
    case 429: " Too Many Requests\r\n"
    case 431: " Request Header Fields Too Large\r\n"
    case 500: " Internal Server Error\r\n"
    case 501: " Not Implemented\r\n"
    case 503: " Service Unavailable\r\n"
    case 504: " Gateway Timeout\r\n"
    default: " \r\n"
    }
}
