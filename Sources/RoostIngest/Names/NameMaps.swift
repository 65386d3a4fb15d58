import RoostWire

/// What is looked up for each attribute or span, without a reference that is counted.
///
/// Part of a `NameTable`, whoever has which keeps this alive.
@safe struct NameMaps: @unchecked Sendable {
    // Sendable: nothing is written after `init`.

    /// Attributes: `pack`ed concept, rank and dialect.
    let attributes: ByteMap
    let spanNames: ByteMap
    /// Keys inside JSON of token counts; the value is the concept.
    let usageKeys: ByteMap
    /// For each attribute of the concept `kind` its values; by rank.
    private let kindValues: UnsafeMutablePointer<ByteMap>
    private let kindCount: Int
    /// By rank, what `*` stands for; `.max` is nothing.
    private let anyKinds: UnsafeMutablePointer<UInt8>
    /// By dialect.
    private let semantics: UnsafeMutablePointer<Semantics>

    struct Semantics {
        /// Its count of input leaves out what came from a cache.
        var isExclusive = false
        /// Its count of output leaves out the reasoning.
        var isReasoningApart = false
        /// Its count of input leaves out what tools put into the prompt.
        var isToolInputApart = false
        /// Its texts are JSON, in quotes.
        var isJSON = false
        /// The agent without a name at the top of a trace is the run as a whole.
        var isRootWorkflow = false
    }

    init(
        attributes: ByteMap, spanNames: ByteMap, usageKeys: ByteMap, kindValues: [ByteMap],
        semantics: [Semantics]
    ) {
        self.attributes = attributes
        self.spanNames = spanNames
        self.usageKeys = usageKeys
        kindCount = kindValues.count
        unsafe self.kindValues = .allocate(capacity: max(kindValues.count, 1))
        unsafe anyKinds = .allocate(capacity: max(kindValues.count, 1))
        unsafe anyKinds.initialize(repeating: .max, count: max(kindValues.count, 1))
        for (index, values) in kindValues.enumerated() {
            unsafe (self.kindValues + index).initialize(to: values)
            let any = values.find("*").map { UInt8(truncatingIfNeeded: $0) }
            unsafe anyKinds[index] = any ?? .max
        }
        unsafe self.semantics = .allocate(capacity: 256)
        unsafe self.semantics.initialize(repeating: Semantics(), count: 256)
        for (index, one) in semantics.prefix(256).enumerated() {
            unsafe self.semantics[index] = one
        }
    }

    func free() {
        attributes.free()
        spanNames.free()
        usageKeys.free()
        for index in 0..<kindCount { unsafe kindValues[index].free() }
        unsafe kindValues.deallocate()
        unsafe anyKinds.deallocate()
        unsafe semantics.deallocate()
    }

    /// The kind that a value of the attribute of `rank` stands for; nil when nobody lists it.
    @inline(__always)
    func kind(_ value: WireBytes, rank: UInt8) -> ActivityKind? {
        let values = unsafe kindValues[Int(rank)]
        guard let kind = values.find(value) ?? values.findFolded(value) ?? anyKind(rank) else {
            return nil
        }
        return ActivityKind(rawValue: UInt8(truncatingIfNeeded: kind))
    }

    /// The kind that stands for every value of an attribute, the one of `*`; `.max` is none.
    @inline(__always)
    private func anyKind(_ rank: UInt8) -> UInt32? {
        let kind = unsafe anyKinds[Int(rank)]
        return kind == .max ? nil : UInt32(kind)
    }

    @inline(__always)
    func semantics(of dialect: UInt8) -> Semantics { unsafe semantics[Int(dialect)] }
}
