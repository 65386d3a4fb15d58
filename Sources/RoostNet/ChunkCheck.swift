/// Follows the framing of a chunked body, RFC 9112 §7.1, and finds where it is broken.
///
/// The library behind `HTTP1Parser` takes any byte where a line must end. Whoever stands before
/// Roost may see another end of the body then, and with it another request.
struct ChunkCheck {
    private enum State {
        case size(digits: Int)
        case sizeEnd
        case data(left: UInt64)
        case dataCR, dataLF
        case trailerStart, trailer, trailerLF, lastLF
    }

    private var state = State.size(digits: 0)
    private var size: UInt64 = 0

    enum Finding: Equatable {
        /// Sound so far.
        case goesOn
        /// The body's last byte is the one before this place.
        case ends(at: Int)
        case broken(RequestFault)
    }

    mutating func check(_ bytes: UnsafeRawBufferPointer) -> Finding {
        var place = 0
        while place < bytes.count {
            if case .data(let left) = state {
                let here = min(left, UInt64(bytes.count &- place))
                place &+= Int(here)
                state = left == here ? .dataCR : .data(left: left &- here)
                continue
            }
            let byte = unsafe bytes[place]
            place &+= 1
            guard step(byte) else { return .broken(.malformed("a chunk is not framed as one")) }
            if case .lastLF = state, byte == 0x0A { return .ends(at: place) }
        }
        return .goesOn
    }

    /// False when `byte` must not stand here.
    private mutating func step(_ byte: UInt8) -> Bool {
        switch state {
        case .size(let digits):
            if let value = hexDigit(byte) {
                guard digits < 16, size <= UInt64.max >> 4 else { return false }
                size = size << 4 | UInt64(value)
                state = .size(digits: digits + 1)
                return true
            }
            guard digits > 0 else { return false }
            return endOfSize(byte)
        case .sizeEnd: return endOfSize(byte)
        case .dataCR:
            state = .dataLF
            return byte == 0x0D
        case .dataLF:
            if isLineEnd {
                isLineEnd = false
                state = size == 0 ? .trailerStart : .data(left: size)
            } else {
                state = .size(digits: 0)
            }
            size = 0
            return byte == 0x0A
        case .trailerStart:
            state = byte == 0x0D ? .lastLF : .trailer
            return byte != 0x0A
        case .trailer:
            if byte == 0x0D { state = .trailerLF }
            return byte != 0x0A
        case .trailerLF:
            state = .trailerStart
            return byte == 0x0A
        case .lastLF: return byte == 0x0A
        case .data: return true
        }
    }

    /// The line feed that is due ends the line of a size, not a chunk.
    private var isLineEnd = false

    /// What follows the digits: an extension, or the end of the line.
    private mutating func endOfSize(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x0D:
            isLineEnd = true
            state = .dataLF
            return true
        case 0x3B, 0x20, 0x09:
            state = .sizeEnd
            return true
        case 0x21...0x7E, 0x80...0xFF:
            // Extensions are read over; behind the digits they begin with a semicolon.
            if case .size = state { return false }
            return true
        default: return false
        }
    }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
