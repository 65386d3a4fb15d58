public import RoostCore
public import RoostWire

/// Takes out of requests what must neither leave nor rest. Made anew when the configuration
/// changes; any thread.
public final class Redactor: Sendable {
    /// What was found in a request, by number of the rule; to be counted when it is accepted.
    public typealias Tally = [Int]

    public enum Outcome {
        /// There was nothing to take out.
        case untouched
        case redacted(ByteBlock, Tally)
        /// The budget has no room for the copy.
        case noMemory
    }

    let settings: RedactionSettings
    let needles: SecretNeedles?
    let keys: KeyRules
    let contentKeys: KeyRules
    let parameterKeys: KeyRules
    let hash: SecretHash
    /// Every rule that may be counted: `ownRules`, then the patterns.
    public let rules: [String]
    /// Whether texts have to be looked at that the search for windows says nothing about.
    let looksAtAll: Bool

    /// Windows that are kept; with more than that in a request every text is looked at.
    private static let maxPlaces = 16_384

    public init(_ settings: RedactionSettings) {
        self.settings = settings
        let kinds = settings.values.intersection([.apiKey, .privateKey])
        needles = kinds.isEmpty ? nil : SecretNeedles(kinds)
        keys = KeyRules(settings.keys)
        contentKeys = KeyRules(settings.content ? settings.contentKeys : [])
        parameterKeys = KeyRules(settings.parameterKeys)
        hash = SecretHash(key: settings.hashKey)
        rules = RedactionSettings.ownRules + settings.patterns.map(\.name)
        looksAtAll =
            settings.content || !settings.keys.isEmpty || !settings.patterns.isEmpty
            || settings.values.contains(.card)
    }

    /// Whether there is anything to take out at all.
    public var isOn: Bool { looksAtAll || !settings.values.isEmpty }

    /// Whether `redact` may find something in these bytes: with the detectors alone that depend on
    /// rare characters, one fast look at the whole request says no for almost all.
    public func concerns(_ body: ByteBlock) -> Bool {
        if looksAtAll { return true }
        return unsafe body.withBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            let text = unsafe WireBytes(
                base: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
            if needles?.nextWindow(in: text, from: 0) != nil { return true }
            return settings.values.contains(.email)
                && EmailDetector.nextSign(in: text, from: 0) != nil
        }
    }

    /// Takes out what there is. `body` must be valid; `memory` pays for the copy.
    public func redact(
        _ body: ByteBlock, signal: Signal, memory: MemoryBudget.Share
    ) -> Outcome {
        let edits = EditList(share: memory)
        var editor = RedactionEditor(self, memory: memory)
        unsafe body.withBytes { bytes in
            editor.places = unsafe places(in: bytes)
            unsafe editTexts(bytes, signal: signal, editor: &editor, edits: edits)
        }
        if editor.isOutOfMemory { return .noMemory }
        if edits.isEmpty { return .untouched }
        guard let redacted = rewrite(body, edits, memory: memory) else { return .noMemory }
        return .redacted(redacted, editor.tally)
    }

    /// Where something stands that a secret may be around, ascending; nil when it is too many.
    private func places(in bytes: UnsafeRawBufferPointer) -> [Int]? {
        guard let base = bytes.baseAddress else { return [] }
        let text = unsafe WireBytes(
            base: base.assumingMemoryBound(to: UInt8.self), count: bytes.count)
        var places: [Int] = []
        var from = 0
        while let window = needles?.nextWindow(in: text, from: from) {
            places.append(window.place)
            from = window.place + 1
            if places.count > Self.maxPlaces { return nil }
        }
        guard settings.values.contains(.email) else { return places }
        from = 0
        while let sign = EmailDetector.nextSign(in: text, from: from) {
            places.append(sign)
            from = sign + 1
            if places.count > Self.maxPlaces { return nil }
        }
        places.sort()
        return places
    }
}
