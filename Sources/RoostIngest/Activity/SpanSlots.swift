import RoostWire

/// What the attributes of the span at hand have said so far, by concept: the value of the most
/// trusted attribute each.
///
/// Filled while the span is read, emptied by `reset`. Its memory is its owner's, who frees it.
@safe struct SpanSlots {
    private let values: UnsafeMutablePointer<AnyValueView>
    private let ranks: UnsafeMutablePointer<UInt8>
    /// One bit for each concept that was met.
    private(set) var present: UInt64 = 0
    /// Of the attributes met, the least general dialect; 0 is none.
    private(set) var dialect: UInt8 = 0
    private(set) var kind = ActivityKind.other
    /// Whether the kind was told in JSON; only when there is one.
    private(set) var isKindJSON = false
    /// What the tables make of the provider; only when there is one.
    var provider: Int32 = 0

    private static let count = NameConcept.allCases.count

    init() {
        unsafe values = .allocate(capacity: Self.count)
        unsafe values.initialize(repeating: .none, count: Self.count)
        unsafe ranks = .allocate(capacity: Self.count)
        unsafe ranks.initialize(repeating: 0, count: Self.count)
    }

    func free() {
        unsafe values.deallocate()
        unsafe ranks.deallocate()
    }

    @inline(__always)
    mutating func reset() {
        present = 0
        dialect = 0
        kind = .other
    }

    @inline(__always)
    func has(_ concept: NameConcept) -> Bool { present & Self.bit(concept) != 0 }

    /// Whether any of these, made by `bits`, was met.
    @inline(__always)
    func hasAny(_ bits: UInt64) -> Bool { present & bits != 0 }

    /// Whether of some all of these were met and no others.
    @inline(__always)
    func hasOnly(_ bits: UInt64, of all: UInt64) -> Bool { present & all == bits }

    /// Whether anything was met that spans have which are nothing of agents do not: of them too many
    /// tell a host.
    @inline(__always)
    var tellsMeaning: Bool { present & ~Self.bit(.server) != 0 }

    static let plainUsage = bits(.inputTokens, .outputTokens)
    static let outcomes = bits(
        .errorType, .success, .statusCode, .outcome, .finishReason)
    static let times = bits(
        .secondsToFirstToken, .millisecondsToFirstToken, .timeToFirstToken, .firstTokenTime)
    static let usage = bits(
        .inputTokens, .outputTokens, .cacheReadTokens, .cacheWriteTokens, .reasoningTokens,
        .usageDetails, .cacheDetails, .reasoningDetails, .cost, .costDetails)

    private static func bits(_ concepts: NameConcept...) -> UInt64 {
        concepts.reduce(0) { $0 | bit($1) }
    }

    /// What the attribute said; only of a concept that is there.
    @inline(__always)
    func value(_ concept: NameConcept) -> AnyValueView { unsafe values[Int(concept.rawValue)] }

    /// The text of the concept; empty when it is not there or no text.
    @inline(__always)
    func text(_ concept: NameConcept) -> WireBytes {
        has(concept) ? value(concept).stringBytes : .empty
    }

    /// How far down in its list the attribute stands.
    @inline(__always)
    func rank(_ concept: NameConcept) -> UInt8 { unsafe ranks[Int(concept.rawValue)] }

    @inline(__always)
    private static func bit(_ concept: NameConcept) -> UInt64 { 1 &<< UInt64(concept.rawValue) }

    /// Takes in an attribute of which the tables say `packed`; what was asked of the value before
    /// is whether it lies in the request. Says whether it is the most trusted so far.
    @inline(__always)
    mutating func note(_ packed: UInt32, _ value: AnyValueView, _ maps: NameMaps) -> Bool {
        let place = Int(packed & 0xFF)
        let bit: UInt64 = 1 &<< UInt64(place)
        let rank = UInt8(truncatingIfNeeded: packed >> 8)
        let dialect = UInt8(truncatingIfNeeded: packed >> 16)
        if dialect != 0, self.dialect == 0 || dialect < self.dialect { self.dialect = dialect }
        if present & bit != 0, unsafe ranks[place] < rank { return false }
        switch place {
        case Int(NameConcept.kind.rawValue):
            // A value that nobody lists says nothing.
            guard let known = maps.kind(value.stringBytes, rank: rank) else { return false }
            self.kind = known
            isKindJSON = packed & NameTable.json != 0
        default:
            // Nor does an empty text.
            if value.kind == .string, value.stringBytes.isEmpty { return false }
        }
        present |= bit
        unsafe ranks[place] = rank
        unsafe values[place] = value
        return true
    }
}
