/// A JSON document as a value, for the small ones that people and programs send to the web port.
///
/// RFC 8259, and strict: no comments, no trailing commas, valid UTF-8, nothing behind the document.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    /// A number that would be another one if it were written from a `Double`, as it was read.
    case decimal(String)
    case string(String)
    case array([JSONValue])
    /// In the order of the document; of equal names the last counts for `subscript`.
    case object([(name: String, value: JSONValue)])

    /// Why a text is no JSON document, and at which byte.
    public struct Fault: Error, Equatable {
        public let reason: String
        public let offset: Int
    }

    /// Values may be nested this deep.
    public static let deepest = 32

    /// A document of more than `mostValues`, counting those inside of others, is a fault where the
    /// first one too many begins.
    public init(
        parsing bytes: some Collection<UInt8>, mostValues: Int = .max
    ) throws(Fault) {
        var parser = JSONParser(bytes: Array(bytes), keeps: true, mostValues: mostValues)
        self = try parser.document()
    }

    /// Reads what there is of a document whose end was cut off: members and elements that are whole,
    /// and of the objects and arrays around the cut what they have of these. A fault ends the reading
    /// as the cut does.
    public init(parsingCut bytes: some Collection<UInt8>) throws(Fault) {
        var parser = JSONParser(bytes: Array(bytes), keeps: true, isCut: true)
        self = try parser.document()
    }

    /// Whether `bytes` are a document; nothing is kept of it.
    public static func isDocument(_ bytes: [UInt8]) -> Bool {
        var parser = JSONParser(bytes: bytes, keeps: false)
        return (try? parser.document()) != nil
    }

    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let one), .bool(let other)): one == other
        case (.number(let one), .number(let other)): one == other
        case (.decimal(let one), .decimal(let other)): one == other
        case (.string(let one), .string(let other)): one == other
        case (.array(let one), .array(let other)): one == other
        case (.object(let one), .object(let other)):
            one.count == other.count && zip(one, other).allSatisfy { $0 == $1 }
        default: false
        }
    }

    /// The member of an object.
    public subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The nearest that there is; nil when that is no number.
    public var number: Double? {
        switch self {
        case .number(let number): number
        case .decimal(let text): Double(text).flatMap { $0.isFinite ? $0 : nil }
        default: nil
        }
    }

    public var bool: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    public var members: [(name: String, value: JSONValue)]? {
        if case .object(let members) = self { members } else { nil }
    }
}

extension JSONWriter {
    /// Puts in a value as it is.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let flag): self.value(flag)
        case .number(let number):
            if let whole = Int(exactly: number) { self.value(whole) } else { self.value(number) }
        case .decimal(let text): raw(Array(text.utf8))
        case .string(let text): self.value(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(member.name)
                self.value(member.value)
            }
            endObject()
        }
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    /// Else every value is null, every text and every object empty.
    let keeps: Bool
    /// Whether a fault closes what is open.
    let isCut: Bool
    let mostValues: Int
    var offset = 0
    private var values = 0

    init(bytes: [UInt8], keeps: Bool, isCut: Bool = false, mostValues: Int = .max) {
        self.bytes = bytes
        self.keeps = keeps
        self.isCut = isCut
        self.mostValues = mostValues
    }

    mutating func document() throws(JSONValue.Fault) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw fault("something follows the document") }
        return value
    }

    private func fault(_ reason: String) -> JSONValue.Fault {
        JSONValue.Fault(reason: reason, offset: offset)
    }

    /// Ends what is open, and what that is in, with what they have.
    private mutating func close(_ fault: JSONValue.Fault) throws(JSONValue.Fault) {
        guard isCut else { throw fault }
        offset = bytes.count
    }

    private var here: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    private mutating func skipSpace() {
        while let byte = here, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            offset += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard here == byte else { return false }
        offset += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONValue.Fault) -> JSONValue {
        guard depth <= JSONValue.deepest else { throw fault("nested too deep") }
        guard values < mostValues else { throw fault("more than \(mostValues) values") }
        values += 1
        skipSpace()
        switch here {
        case nil: throw fault("the document ends early")
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func word(
        _ text: String, _ value: JSONValue
    ) throws(JSONValue.Fault) -> JSONValue {
        guard bytes[offset...].starts(with: text.utf8) else { throw fault("no JSON value") }
        offset += text.utf8.count
        return value
    }

    private mutating func object(depth: Int) throws(JSONValue.Fault) -> JSONValue {
        offset += 1
        var found: [(name: String, value: JSONValue)] = []
        do throws(JSONValue.Fault) {
            try members(depth: depth, into: &found)
        } catch {
            try close(error)
        }
        return .object(found)
    }

    private mutating func members(
        depth: Int, into members: inout [(name: String, value: JSONValue)]
    ) throws(JSONValue.Fault) {
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            guard here == UInt8(ascii: "\"") else { throw fault("a name in quotes is missing") }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw fault("a colon is missing") }
            let value = try value(depth: depth + 1)
            if keeps { members.append((name, value)) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw fault("a comma or } is missing") }
    }

    private mutating func array(depth: Int) throws(JSONValue.Fault) -> JSONValue {
        offset += 1
        var found: [JSONValue] = []
        do throws(JSONValue.Fault) {
            try elements(depth: depth, into: &found)
        } catch {
            try close(error)
        }
        return .array(found)
    }

    private mutating func elements(
        depth: Int, into elements: inout [JSONValue]
    ) throws(JSONValue.Fault) {
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        repeat {
            let value = try value(depth: depth + 1)
            if keeps { elements.append(value) }
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw fault("a comma or ] is missing") }
    }

    private mutating func number() throws(JSONValue.Fault) -> JSONValue {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        let whole = digits()
        guard whole > 0, whole == 1 || bytes[offset - whole] != UInt8(ascii: "0") else {
            throw fault("no JSON value")
        }
        if take(UInt8(ascii: ".")), digits() == 0 { throw fault("digits are missing") }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            if digits() == 0 { throw fault("digits are missing") }
        }
        if isCut, here == nil { throw fault("more digits may be missing") }
        return keeps ? kept(bytes[start..<offset]) : .null
    }

    /// So many digits, wherever the point is, come back from a double as they were.
    private static let safeDigits = 15

    private func kept(_ bytes: ArraySlice<UInt8>) -> JSONValue {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let number = Double(text), number.isFinite else { return .decimal(text) }
        let isShort =
            bytes.count <= Self.safeDigits && !bytes.contains { $0 | 0x20 == UInt8(ascii: "e") }
        if isShort { return .number(number) }
        var writer = JSONWriter()
        writer.value(.number(number))
        guard let read = DecimalNumber(bytes), read == DecimalNumber(writer.bytes) else {
            return .decimal(text)
        }
        return .number(number)
    }

    private mutating func digits() -> Int {
        let start = offset
        while let byte = here, (0x30...0x39).contains(byte) { offset += 1 }
        return offset - start
    }

    private mutating func string() throws(JSONValue.Fault) -> String {
        offset += 1
        var run = offset
        // Stays empty as long as there is no escape.
        var text: [UInt8] = []
        while let byte = here {
            offset += 1
            switch byte {
            case UInt8(ascii: "\""):
                if text.isEmpty { return try valid(bytes.span.extracting(run..<offset - 1)) }
                text.append(contentsOf: bytes[run..<offset - 1])
                return try valid(text.span)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: bytes[run..<offset - 1])
                try escape(into: &text)
                run = offset
            case 0..<0x20: throw fault("a control character in a text")
            default: break
            }
        }
        throw fault("the document ends early")
    }

    private func valid(_ text: Span<UInt8>) throws(JSONValue.Fault) -> String {
        guard let valid = try? UTF8Span(validating: text) else {
            throw fault("the text is not valid UTF-8")
        }
        return keeps ? String(copying: valid) : ""
    }

    private static let escapes: [UInt8: UInt8] = [
        0x22: 0x22, 0x5C: 0x5C, 0x2F: 0x2F, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9,
    ]

    private mutating func escape(into text: inout [UInt8]) throws(JSONValue.Fault) {
        guard let byte = here else { throw fault("the document ends early") }
        offset += 1
        if let plain = JSONParser.escapes[byte] { return text.append(plain) }
        guard byte == UInt8(ascii: "u") else { throw fault("an unknown escape in a text") }
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                throw fault("half of a surrogate pair")
            }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low) else { throw fault("half of a surrogate pair") }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault("half of a surrogate pair") }
        text.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    private mutating func hexadecimal() throws(JSONValue.Fault) -> UInt32 {
        guard offset + 4 <= bytes.count,
            bytes[offset..<offset + 4].allSatisfy({ hexValue($0) != nil })
        else { throw fault("four hexadecimal digits are missing") }
        defer { offset += 4 }
        return bytes[offset..<offset + 4].reduce(0) { $0 << 4 | UInt32(hexValue($1) ?? 0) }
    }
}

/// The value of a hexadecimal digit; nil for anything else.
@inlinable public func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte &- 0x30
    case 0x41...0x46: byte &- 0x37
    case 0x61...0x66: byte &- 0x57
    default: nil
    }
}
