/// The head of a request: cheap to pass and to keep, its strings are made when they are asked for.
///
/// Loop thread only.
public struct RequestHead {
    let block: HeaderBlock
    let peer: Peer
    public let isHTTP2: Bool
    /// The content type is `application/grpc` or `application/grpc+proto`, over HTTP/2.
    public internal(set) var isGRPC = false

    init(block: HeaderBlock, peer: Peer, isHTTP2: Bool) {
        self.block = block
        self.peer = peer
        self.isHTTP2 = isHTTP2
    }

    /// A head that came from no connection, for the tests of handlers.
    public init(
        method: String, target: String, headers: [(String, String)] = [], isHTTP2: Bool = false,
        isGRPC: Bool = false, peerAddress: String = "127.0.0.1", isEncrypted: Bool = false
    ) {
        let block = HeaderBlock()
        unsafe withBytes(method) { unsafe block.setMethod($0) }
        unsafe withBytes(target) { unsafe block.setTarget($0) }
        for (name, value) in headers {
            unsafe withBytes(name) { name in
                unsafe withBytes(value) { unsafe block.addField(name: name, value: $0) }
            }
        }
        self.init(
            block: block, peer: Peer(text: peerAddress, isEncrypted: isEncrypted), isHTTP2: isHTTP2)
        self.isGRPC = isGRPC
    }

    public var method: String { unsafe String(decoding: block.methodBytes, as: UTF8.self) }

    /// Percent-encoded, as it came, without the query.
    public var path: String { unsafe String(decoding: block.pathBytes, as: UTF8.self) }

    /// What follows the question mark, percent-encoded; empty when there is none.
    public var query: String { unsafe String(decoding: block.queryBytes, as: UTF8.self) }

    /// Compares bytes, without making a String.
    public func methodIs(_ text: StaticString) -> Bool { unsafe equals(block.methodBytes, text) }

    /// Compares bytes, without making a String.
    public func pathIs(_ text: StaticString) -> Bool { unsafe equals(block.pathBytes, text) }

    /// The value of a header; several of the same name are joined with ", ", of `cookie` with "; ".
    public func header(_ lowercaseName: StaticString) -> String? {
        unsafe block.joinedValue(
            UnsafeRawBufferPointer(
                start: lowercaseName.utf8Start, count: lowercaseName.utf8CodeUnitCount))
    }

    /// The value of a header; several of the same name are joined as by `header(_:)`.
    public func header(named lowercaseName: String) -> String? {
        unsafe withBytes(lowercaseName) { unsafe block.joinedValue($0) }
    }

    /// Whether the header's first value, without parameters after a semicolon and whatever its
    /// case, is `lowercaseValue`. Makes no String.
    public func header(_ lowercaseName: StaticString, is lowercaseValue: StaticString) -> Bool {
        guard let value = unsafe block.firstValue(of: lowercaseName) else { return false }
        return unsafe equalsIgnoringCase(withoutParameters(value), lowercaseValue)
    }

    /// All headers in their order, names in lower case.
    public var headers: [(name: String, value: String)] {
        (0..<block.fieldCount).map { index in
            unsafe (
                String(decoding: block.name(at: index), as: UTF8.self),
                String(decoding: block.value(at: index), as: UTF8.self)
            )
        }
    }

    /// The announced length of the body as sent; nil when it was not announced.
    public var contentLength: Int? {
        unsafe block.firstValue(of: "content-length").flatMap { unsafe length($0) }
    }

    /// Whom the request is for: the target's when that is a whole URL (RFC 9112 §3.2.2), else the
    /// `host` header's.
    public var authority: String? {
        if let bytes = unsafe block.authorityBytes {
            return unsafe String(decoding: bytes, as: UTF8.self)
        }
        return header("host")
    }

    /// With its parameters.
    public var contentType: String? { header("content-type") }

    /// The number of the peer's host, without its port.
    public var peerAddress: String { peer.text }

    /// It came over TLS.
    public var isEncrypted: Bool { peer.isEncrypted }
}

/// Who is at the other end, worded when somebody asks.
final class Peer {
    private let address: SocketAddress?
    private(set) lazy var text = address?.host ?? ""
    let isEncrypted: Bool

    init(address: SocketAddress, isEncrypted: Bool) {
        self.address = address
        self.isEncrypted = isEncrypted
    }

    init(text: String, isEncrypted: Bool = false) {
        address = nil
        self.isEncrypted = isEncrypted
        self.text = text
    }
}

private func withBytes<Result>(
    _ text: String, _ body: (UnsafeRawBufferPointer) -> Result
) -> Result {
    var text = text
    return text.withUTF8 { unsafe body(UnsafeRawBufferPointer($0)) }
}

/// What stands before the first semicolon.
func withoutParameters(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let end = unsafe bytes.firstIndex(of: 0x3B) ?? bytes.count
    return unsafe trimmed(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
}

/// A length of decimal digits only; what does not fit is `Int.max`.
func length(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count > 0 else { return nil }
    let zeros = unsafe bytes.firstIndex { $0 != 0x30 } ?? bytes.count
    let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[zeros...])
    guard rest.count > 18 else { return rest.count == 0 ? 0 : unsafe decimal(rest) }
    return unsafe rest.allSatisfy { 0x30...0x39 ~= $0 } ? Int.max : nil
}

/// A number of decimal digits only, at most 18 of them.
func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
    guard 1...18 ~= bytes.count else { return nil }
    var value = 0
    for offset in 0..<bytes.count {
        let byte = unsafe bytes[offset]
        guard 0x30...0x39 ~= byte else { return nil }
        value = value &* 10 &+ Int(byte &- 0x30)
    }
    return value
}
