/// One side of a connection that turns bytes from the peer into answers, without knowing how the
/// bytes travel: over a socket, with or without TLS between. Loop thread only.
protocol ProtocolSession: AnyObject {
    /// Takes all of `bytes`.
    func receive(_ bytes: UnsafeRawBufferPointer)

    /// Appends what must go out, at most a few hundred KiB; it is called again when that has left
    /// for the socket, until it appends nothing.
    func drain(into output: inout OutputBuffer)

    /// The peer has finished sending; answers may still be read by it.
    func peerEnded()

    /// The connection is over: every request is detached.
    func abandon()

    /// Looks for what took too long.
    func checkDeadlines(now: UInt64)

    /// When `checkDeadlines` has something to look for; `.max` for never.
    var nextDeadline: UInt64 { get }

    /// Since when it has had no request, by the loop's clock; nil while it has one.
    var idleSince: UInt64? { get }

    /// When the oldest of its requests began, by the loop's clock, where of none the end has come
    /// and nothing is left to be said; nil where something is, or it has no request.
    var unfinishedSince: UInt64? { get }

    /// Finishes the requests it has and takes no more.
    func beginDraining()

    /// Close when all output has left.
    var mustClose: Bool { get }

    /// The peer has a part of an answer, and could take it for the whole if the connection ended.
    var isMidAnswer: Bool { get }

    /// Close at once, whatever has not left: the answer under way never ends.
    var isBrokenOff: Bool { get }

    /// False while it has more input than it can use.
    var wantsInput: Bool { get }

    /// Bytes of memory in which it keeps input that waits and output that has not left.
    var heldBytes: Int { get }

    /// Of these, the bytes of requests that wait to be read.
    var heldRequestBytes: Int { get }

    /// Who speaks from now on; it has all input and output that this one had left.
    var successor: (any ProtocolSession)? { get }
}

extension ProtocolSession {
    var successor: (any ProtocolSession)? { nil }

    /// Where answers and messages have ends of their own.
    var isMidAnswer: Bool { false }
    var isBrokenOff: Bool { false }

    var unfinishedSince: UInt64? { nil }

    var heldRequestBytes: Int { 0 }
}

/// Whoever carries a session's bytes.
protocol SessionHost: AnyObject {
    /// There is output that no `receive` under way will lead to draining.
    func sessionHasOutput()

    /// Bytes that were drained and that the socket has not taken.
    var unwrittenBytes: Int { get }
}

/// The first bytes of every HTTP/2 connection, RFC 9113 §3.4.
let http2Preface: [UInt8] = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

/// Which protocol a connection begins with.
enum FirstBytes: Equatable {
    case http1
    case http2
    /// So far they could be either.
    case undecided

    /// As ALPN has chosen; the bytes are then read as that whatever they are.
    init(_ name: ApplicationProtocol) { self = name == .http2 ? .http2 : .http1 }

    init(_ bytes: UnsafeRawBufferPointer) {
        for offset in 0..<min(bytes.count, http2Preface.count)
        where unsafe bytes[offset] != http2Preface[offset] {
            self = .http1
            return
        }
        self = bytes.count >= http2Preface.count ? .http2 : .undecided
    }
}
