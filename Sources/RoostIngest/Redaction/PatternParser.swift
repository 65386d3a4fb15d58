/// What is wrong with a regular expression, and where.
public struct PatternError: Error, Equatable, Sendable {
    public let reason: String
    /// Counts characters from 1.
    public let column: Int
}

/// A regular expression as it is written.
indirect enum PatternNode: Sendable {
    /// One byte of a set.
    case byte(ByteSet)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `most` nil is without bound.
    case times(PatternNode, least: Int, most: Int?)
    case lineStart, lineEnd, wordEdge

    /// Any one character that takes more than one byte in UTF-8.
    static let wideCharacter: PatternNode = {
        let tail = PatternNode.byte(set(0x80...0xBF))
        return .choice([
            .sequence([.byte(set(0xC2...0xDF)), tail]),
            .sequence([.byte(set(0xE0...0xEF)), tail, tail]),
            .sequence([.byte(set(0xF0...0xF4)), tail, tail, tail]),
        ])
    }()

    private static func set(_ range: ClosedRange<UInt8>) -> ByteSet {
        var set = ByteSet()
        set.insert(range)
        return set
    }
}

/// Reads regular expressions in the part of POSIX and Perl syntax that can be searched for in
/// linear time: no back references, no looking around, no lazy repetition.
struct PatternParser {
    private let characters: [Unicode.Scalar]
    private var index = 0
    private var depth = 0
    private var ignoresCase = false

    private static let maxDepth = 32
    private static let maxTimes = 1000

    private init(_ text: String) { characters = Array(text.unicodeScalars) }

    static func parse(_ text: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(text)
        guard !parser.characters.isEmpty else { throw parser.error("is empty") }
        guard parser.characters.count <= 1000 else {
            throw parser.error("is longer than 1000 characters")
        }
        if parser.take("(?i)") { parser.ignoresCase = true }
        let node = try parser.choice()
        guard parser.peek == nil else { throw parser.error("has a ) without its (") }
        return node
    }

    private var peek: Unicode.Scalar? { index < characters.count ? characters[index] : nil }

    private func error(_ reason: String, at place: Int? = nil) -> PatternError {
        PatternError(reason: reason, column: (place ?? index) + 1)
    }

    private mutating func take(_ text: String) -> Bool {
        let wanted = Array(text.unicodeScalars)
        guard characters[index...].starts(with: wanted) else { return false }
        index += wanted.count
        return true
    }

    private mutating func choice() throws(PatternError) -> PatternNode {
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while let next = peek, next != "|", next != ")" { parts.append(try repeated()) }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repeated() throws(PatternError) -> PatternNode {
        let start = index
        var node = try atom()
        while let next = peek, "*+?{".unicodeScalars.contains(next) {
            let place = index
            guard start != place else { throw error("repeats nothing") }
            let (least, most) = try bounds()
            if let most, most < least { throw error("repeats from more to less", at: place) }
            if peek == "?" { throw error("lazy repetition is not known; the longest match counts") }
            if peek == "+" { throw error("possessive repetition is not known") }
            node = .times(node, least: least, most: most)
        }
        return node
    }

    private mutating func bounds() throws(PatternError) -> (Int, Int?) {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let place = index
        index += 1
        guard let least = number() else {
            throw error("{ wants a number; a literal one is \\{", at: place)
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else { throw error("{ without its }", at: place) }
        guard max(least, most ?? 0) <= Self.maxTimes else {
            throw error("repeats more than \(Self.maxTimes) times", at: place)
        }
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let next = peek, ("0"..."9").contains(next), value ?? 0 <= Self.maxTimes {
            value = (value ?? 0) * 10 + Int(next.value - 0x30)
            index += 1
        }
        return value
    }

    private mutating func atom() throws(PatternError) -> PatternNode {
        guard let next = peek else { throw error("ends too early") }
        index += 1
        switch next {
        case "(": return try group(from: index - 1)
        case "[": return try characterClass(from: index - 1)
        case ".": return .choice([.byte(ByteSet("\n").asciiComplement), .wideCharacter])
        case "^": return .lineStart
        case "$": return .lineEnd
        case "\\": return try escape()
        case "*", "+", "?", "{": throw error("\(next) repeats nothing", at: index - 1)
        default: return literal(next)
        }
    }

    private mutating func group(from start: Int) throws(PatternError) -> PatternNode {
        if peek == "?", !take("?:") {
            throw error("only (…) and (?:…) are known, and (?i) at the front")
        }
        depth += 1
        guard depth <= Self.maxDepth else { throw error("has too many groups in groups") }
        let node = try choice()
        depth -= 1
        guard take(")") else { throw error("( without its )", at: start) }
        return node
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternNode {
        let bytes = Array(String(scalar).utf8)
        if bytes.count == 1 { return .byte(set(bytes[0])) }
        return .sequence(
            bytes.map { byte in
                var set = ByteSet()
                set.insert(byte)
                return .byte(set)
            })
    }

    private func set(_ byte: UInt8) -> ByteSet {
        var set = ByteSet()
        set.insert(byte)
        if ignoresCase, ByteSet.letters.contains(byte) { set.insert(byte ^ 0x20) }
        return set
    }

    private mutating func escape() throws(PatternError) -> PatternNode {
        let place = index - 1
        guard let next = peek else { throw error("ends with a \\", at: place) }
        index += 1
        if next == "b" { return .wordEdge }
        if let (set, isNegated) = Self.named(next) {
            return isNegated
                ? .choice([.byte(set.asciiComplement), .wideCharacter]) : .byte(set)
        }
        return .byte(set(try escapedByte(next, at: place)))
    }

    private static func named(_ scalar: Unicode.Scalar) -> (ByteSet, isNegated: Bool)? {
        let word = ByteSet("A-Za-z0-9_")
        let space = ByteSet(" \t\n\u{0B}\u{0C}\r")
        return switch scalar {
        case "d": (.digits, false)
        case "D": (.digits, true)
        case "w": (word, false)
        case "W": (word, true)
        case "s": (space, false)
        case "S": (space, true)
        default: nil
        }
    }

    private mutating func escapedByte(
        _ scalar: Unicode.Scalar, at place: Int
    ) throws(PatternError) -> UInt8 {
        switch scalar {
        case "n": return 0x0A
        case "r": return 0x0D
        case "t": return 0x09
        case "x":
            guard index + 1 < characters.count,
                let byte = UInt8(
                    String(characters[index]) + String(characters[index + 1]), radix: 16),
                byte < 0x80
            else { throw error("\\x wants two hexadecimal digits below 80", at: place) }
            index += 2
            return byte
        default:
            guard scalar.isASCII, !ByteSet.alphanumerics.contains(UInt8(scalar.value)) else {
                throw error("\\\(scalar) is not known", at: place)
            }
            return UInt8(scalar.value)
        }
    }

    private mutating func characterClass(from start: Int) throws(PatternError) -> PatternNode {
        let isNegated = take("^")
        var members = ByteSet()
        var isFirst = true
        while let next = peek, next != "]" || isFirst {
            isFirst = false
            if next == "\\", index + 1 < characters.count,
                let (named, isOther) = Self.named(characters[index + 1])
            {
                guard !isOther else {
                    throw error("\\\(characters[index + 1]) is not known inside [ ]")
                }
                members = members.union(named)
                index += 2
                continue
            }
            let low = try member()
            var high = low
            if peek == "-", index + 1 < characters.count, characters[index + 1] != "]" {
                index += 1
                let place = index
                high = try member()
                guard low <= high else { throw error("the range runs backwards", at: place) }
            }
            for byte in low...high { members = members.union(set(byte)) }
        }
        guard take("]") else { throw error("[ without its ]", at: start) }
        return isNegated
            ? .choice([.byte(members.asciiComplement), .wideCharacter]) : .byte(members)
    }

    private mutating func member() throws(PatternError) -> UInt8 {
        let place = index
        guard let next = peek else { throw error("[ without its ]") }
        index += 1
        if next == "\\" {
            guard let escaped = peek else { throw error("ends with a \\", at: place) }
            index += 1
            return try escapedByte(escaped, at: place)
        }
        guard next.isASCII else {
            throw error("only ASCII characters can stand inside [ ]", at: place)
        }
        return UInt8(next.value)
    }
}
