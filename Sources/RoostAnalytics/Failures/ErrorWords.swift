/// The words of an error type: `ConnectionRefusedError`, `ECONNREFUSED` and `connection refused`
/// as letters and where words begin, so that a sign is not found inside of an innocent word
/// (`pars` in `Sparse`, `refus` in `ECONNREFUSED`, `tool` in `too large`).
struct ErrorWords {
    /// Small letters and digits.
    private var letters: [UInt8] = []
    /// Whether a word begins there; one more than letters, since the end is one, too.
    private var begins: [Bool] = []

    /// What is read of an error type, in bytes.
    private static let most = 256

    private enum Sort { case none, small, capital, digit }

    /// A word begins behind anything that is no letter or digit, where digits meet letters, at a
    /// capital behind a small letter and at the last of several capitals that a small one follows.
    init(_ text: String) {
        let bytes = Array(text.utf8.prefix(ErrorWords.most))
        let sorts = bytes.map(ErrorWords.sort)
        for (place, sort) in sorts.enumerated() where sort != .none {
            let before = place > 0 ? sorts[place - 1] : .none
            let isHump =
                sort == .capital && before == .capital && place + 1 < sorts.count
                && sorts[place + 1] == .small
            let goesOn = before == sort || (before == .capital && sort == .small)
            letters.append(sort == .capital ? bytes[place] + 0x20 : bytes[place])
            begins.append(isHump || !goesOn)
        }
        begins.append(true)
    }

    private static func sort(_ byte: UInt8) -> Sort {
        switch byte {
        case 0x30...0x39: .digit
        case 0x41...0x5A: .capital
        case 0x61...0x7A: .small
        default: .none
        }
    }

    func hold(_ sign: ErrorSign) -> Bool {
        guard sign.letters.count <= letters.count else { return false }
        return (0...(letters.count - sign.letters.count)).contains { stands(sign, at: $0) }
    }

    private func stands(_ sign: ErrorSign, at start: Int) -> Bool {
        guard sign.isAnywhere || begins[start] else { return false }
        for place in sign.letters.indices {
            guard letters[start + place] == sign.letters[place] else { return false }
            if place > 0, begins[start + place], !sign.pauses[place] { return false }
        }
        return !sign.isWhole || begins[start + sign.letters.count]
    }
}

/// What tells a sort of error: the beginning of a word, or of several, each of which but the last
/// is whole and may be run together with the next. A `*` before it lets it stand within a word, a
/// `.` behind it says that a word ends with it; a number is always whole.
struct ErrorSign: Sendable, ExpressibleByStringLiteral {
    private(set) var letters: [UInt8] = []
    /// Before which letters a word may end.
    private(set) var pauses: [Bool] = []
    private(set) var isAnywhere = false
    private(set) var isWhole = false

    init(stringLiteral text: String) {
        var isPause = false
        for byte in text.utf8 {
            switch byte {
            case 0x2A: isAnywhere = true
            case 0x2E: isWhole = true
            case 0x20: isPause = true
            default:
                letters.append(byte)
                pauses.append(isPause)
                isPause = false
            }
        }
        if let first = letters.first, first < 0x3A { isWhole = true }
    }
}
