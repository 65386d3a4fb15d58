/// Takes the one message of a unary call out of its frame: a flag byte, four bytes of length in
/// big-endian order, the message.
///
/// gRPC over HTTP/2, "Length-Prefixed-Message"; DATA frames may cut it anywhere.
struct GRPCMessageReader {
    private var prefix: UInt64 = 0
    private var prefixCount = 0
    private var received = 0
    private(set) var isCompressed = false
    /// Of the message as sent; known when `hasPrefix`.
    private(set) var length = 0

    private static let prefixBytes = 5

    var hasPrefix: Bool { prefixCount == GRPCMessageReader.prefixBytes }

    /// Answers how many of `bytes` belong to the prefix; those after it are message, to be told to
    /// `take` when the prefix has been judged.
    ///
    /// Throws `tooLarge` as soon as the prefix says so, and `badGRPCFrame` for an unknown flag.
    mutating func feed(
        _ bytes: UnsafeRawBufferPointer, limit: Int
    ) throws(RequestFault) -> Int {
        var used = 0
        if !hasPrefix {
            while used < bytes.count, !hasPrefix {
                prefix = unsafe prefix << 8 | UInt64(bytes[used])
                prefixCount &+= 1
                used &+= 1
            }
            guard hasPrefix else { return used }
            let flag = prefix >> 32
            guard flag <= 1 else {
                throw .badGRPCFrame("the first byte of the gRPC message is \(flag), not 0 or 1")
            }
            isCompressed = flag == 1
            length = Int(prefix & 0xFFFF_FFFF)
            guard length <= limit else { throw .tooLarge(limit: limit) }
        }
        return used
    }

    /// Counts bytes of the message; throws for those behind it.
    mutating func take(_ count: Int) throws(RequestFault) {
        received &+= count
        guard received <= length || count == 0 else {
            throw .badGRPCFrame("a unary call has more than one gRPC message")
        }
    }

    /// Whether the message is whole, at the end of the request.
    func checkEnd() throws(RequestFault) {
        guard hasPrefix else {
            throw .badGRPCFrame(
                prefixCount == 0
                    ? "the request has no gRPC message" : "the request ends in a message's prefix")
        }
        guard received == length else {
            throw .badGRPCFrame(
                "the request ends after \(received) of the message's \(length) bytes")
        }
    }
}

/// Milliseconds of a `grpc-timeout`, rounded up: one to eight digits and a unit.
///
/// Nil when it is not one. gRPC over HTTP/2, "Timeout".
func parseGRPCTimeout(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
    guard 2...9 ~= bytes.count,
        let value = unsafe decimal(
            UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - 1)]))
    else { return nil }
    let amount = UInt64(value)
    switch unsafe bytes[bytes.count - 1] {
    case UInt8(ascii: "H"): return amount * 3_600_000
    case UInt8(ascii: "M"): return amount * 60_000
    case UInt8(ascii: "S"): return amount * 1_000
    case UInt8(ascii: "m"): return amount
    case UInt8(ascii: "u"): return (amount + 999) / 1_000
    case UInt8(ascii: "n"): return (amount + 999_999) / 1_000_000
    default: return nil
    }
}

/// A status message as `grpc-message` wants it: everything outside 0x20 to 0x7E, and the percent
/// sign, percent-encoded. Cut at 1,024 bytes of the plain text, on a scalar's border.
func percentEncodedGRPCMessage(_ text: String) -> [UInt8] {
    var encoded: [UInt8] = []
    var taken = 0
    for scalar in text.unicodeScalars {
        let width = UTF8.width(scalar)
        guard taken + width <= 1_024 else { break }
        taken += width
        for byte in UTF8.encode(scalar) ?? .init() {
            if 0x20...0x7E ~= byte, byte != 0x25 {
                encoded.append(byte)
            } else {
                encoded.append(0x25)
                encoded.append(upperHexDigit(byte >> 4))
                encoded.append(upperHexDigit(byte & 15))
            }
        }
    }
    return encoded
}

private func upperHexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? 0x30 &+ value : 0x37 &+ value
}

/// Base64 without padding, RFC 4648 §4 and §3.2.
func unpaddedBase64(_ bytes: [UInt8]) -> [UInt8] {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    var start = 0
    while start < bytes.count {
        let left = min(3, bytes.count - start)
        var group: UInt32 = 0
        for place in 0..<3 {
            group = group << 8 | (place < left ? UInt32(bytes[start + place]) : 0)
        }
        for place in 0...left { text.append(digits[Int(group >> UInt32(18 - 6 * place) & 63)]) }
        start += 3
    }
    return text
}

/// The gRPC code that stands for an HTTP status, for handlers that answer in HTTP's terms.
///
/// gRPC, "HTTP to gRPC Status Code Mapping".
func grpcCode(forStatus status: Int) -> Int32 {
    switch status {
    case 200: 0
    case 400: 13
    case 401: 16
    case 403: 7
    case 404: 12
    case 429, 502, 503, 504: 14
    default: 2
    }
}
