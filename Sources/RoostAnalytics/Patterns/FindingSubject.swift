import RoostCore

/// What a finding is about.
public struct FindingSubject: Sendable, Hashable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        case agent, tool, model, workflow

        public var word: String {
            switch self {
            case .agent: "agent"
            case .tool: "tool"
            case .model: "model"
            case .workflow: "workflow"
            }
        }
    }

    public let kind: Kind
    /// Empty when the sender gave none.
    public let name: String

    public init(_ kind: Kind, _ name: String) {
        self.kind = kind
        self.name = name
    }

    public static func == (one: FindingSubject, other: FindingSubject) -> Bool {
        one.kind == other.kind && one.name.isExactly(other.name)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
        hasher.combine(ExactText(name))
    }

    /// For sentences: tool `search`. Names come from outside: what would end the quotation or the
    /// line is replaced, and what is too long is cut.
    var quoted: String {
        name.isEmpty ? "\(kind.word) without a name" : "\(kind.word) `\(shown)`"
    }

    var shown: String {
        var text = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            guard text.count < 80 else { return String(text) + "…" }
            switch scalar {
            case "`": text.append("'")
            case _ where scalar.properties.generalCategory == .control: text.append(" ")
            default: text.append(scalar)
            }
        }
        return String(text)
    }
}

/// A subject in numbers, as facts have it.
struct SubjectKey: Hashable, Sendable {
    var kind: FindingSubject.Kind
    var number: Int32

    init(_ kind: FindingSubject.Kind, _ number: Int32) {
        self.kind = kind
        self.number = number
    }

    /// Kind and number in one word.
    var packed: UInt64 { UInt64(kind.rawValue) << 32 | UInt64(UInt32(bitPattern: number)) }

    init?(packed: UInt64) {
        guard let raw = UInt8(exactly: packed >> 32), let kind = FindingSubject.Kind(rawValue: raw)
        else { return nil }
        self.kind = kind
        number = Int32(bitPattern: UInt32(truncatingIfNeeded: packed))
    }

    func subject(_ symbols: Symbols) -> FindingSubject {
        FindingSubject(kind, symbols.text(number))
    }
}

/// One span that shows what a finding says.
public struct FindingExample: Sendable, Equatable {
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// 0 when the trace as a whole shows it.
    public var spanID: UInt64 = 0
    /// Unix nanoseconds of arrival.
    public var time: UInt64 = 0

    public init() {}

    public var traceID: String { hexText(traceIDHigh) + hexText(traceIDLow) }
    public var spanIDText: String { spanID == 0 ? "" : hexText(spanID) }
}

/// What a finding rests on.
public struct FindingEvidence: Sendable, Equatable {
    /// How often it was seen in the window.
    public var count = 0
    /// Unix nanoseconds of arrival; 0 is never.
    public var first: UInt64 = 0
    public var last: UInt64 = 0
    /// The latest first, at most 5.
    public var examples: [FindingExample] = []

    public init() {}
}

/// A number that a finding tells, with the name that rules and JSON know it by.
public struct FindingFigure: Sendable, Equatable {
    public let name: String
    public let value: Double

    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// Sixteen hexadecimal digits.
func hexText(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// The same for the same words, in every process: FNV-1a over their UTF-8, each word ended by a byte that text has not.
func stableHash(_ words: [String]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for word in words {
        for byte in word.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ 0xFF) &* 0x100_0000_01B3
    }
    return hash
}
