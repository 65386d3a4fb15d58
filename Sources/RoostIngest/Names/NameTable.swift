import RoostCore
public import RoostWire

/// The tables of names in the form in which spans are read with them: one look-up per attribute.
///
/// Immutable; shared by all loops and replaced as a whole.
@safe public final class NameTable: Sendable {
    /// What it was made from.
    public let source: NameSource
    /// Names of the dialects, by `Activity.dialect`; the first is nobody's.
    public let dialectNames: [String]

    let maps: NameMaps
    /// The value is an index into `logEvents`.
    let logEventNames: ByteMap
    let logEvents: [NameEvent]
    /// The value is an index into `metrics`.
    let metricNames: ByteMap
    let metrics: [NameMetric]
    /// Spellings in small letters; the value is an index into `providerNames`.
    let providers: ByteMap
    let providerNames: [[UInt8]]
    private let modelPrefixes: [(prefix: [UInt8], provider: Int)]
    private let hosts: [(host: [UInt8], isEnd: Bool, isBeginning: Bool, provider: Int)]
    private let scopePrefixes: [(prefix: [UInt8], dialect: UInt8)]
    private let services: ByteMap
    private let contentKeys: ByteMap
    private let contentPrefixes: [[UInt8]]

    /// A table that knows no name.
    static let empty = NameTable(NameSource())

    public init(_ source: NameSource) {
        self.source = source
        dialectNames = [""] + source.dialects.map(\.name)
        var pairs: [(String, UInt32)] = []
        for concept in NameConcept.allCases {
            for (rank, key) in (source.attributes[concept] ?? []).enumerated() {
                let dialect = NameTable.dialect(ofAttribute: key, source.dialects)
                let isJSON = dialect > 0 && source.dialects[Int(dialect) - 1].isJSON
                pairs.append(
                    (
                        key,
                        NameTable.pack(concept, rank: min(rank, 254), dialect)
                            | (isJSON ? NameTable.json : 0)
                    ))
            }
        }
        maps = NameMaps(
            attributes: ByteMap(pairs),
            spanNames: ByteMap(
                source.spanNames.sorted { $0.key < $1.key }.map {
                    let outcome = source.toolOutcomes.contains($0.key) ? NameTable.outcome : 0
                    return ($0.key, UInt32($0.value.rawValue) | outcome)
                }),
            usageKeys: ByteMap(
                NameConcept.allCases.flatMap { concept in
                    (source.usageKeys[concept] ?? []).map { ($0, UInt32(concept.rawValue)) }
                }),
            kindValues: (source.attributes[.kind] ?? []).map { key in
                let values = (source.kinds[key] ?? [:]).flatMap { kind, values in
                    values.map { ($0.lowercased(), UInt32(kind.rawValue)) }
                }
                return ByteMap(values.sorted { $0.0 < $1.0 })
            },
            semantics: [NameMaps.Semantics()]
                + source.dialects.map {
                    NameMaps.Semantics(
                        isExclusive: $0.tokens.contains(.exclusive),
                        isReasoningApart: $0.tokens.contains(.reasoningApart),
                        isToolInputApart: $0.tokens.contains(.toolInputApart),
                        isJSON: $0.isJSON, isRootWorkflow: $0.isRootWorkflow)
                })
        let events = source.logEvents.sorted { $0.key < $1.key }
        logEventNames = ByteMap(events.enumerated().map { ($1.key, UInt32($0)) })
        logEvents = events.map(\.value)
        let sums = source.metrics.sorted { $0.key < $1.key }
        metricNames = ByteMap(sums.enumerated().map { ($1.key, UInt32($0)) })
        metrics = sums.map(\.value)
        let names = Set(source.providers.keys).union(source.providerHosts.keys).sorted()
        providerNames = names.map { Array($0.utf8) }
        providers = ByteMap(
            names.enumerated().flatMap { index, name in
                (source.providers[name] ?? []).map { ($0.lowercased(), UInt32(index)) }
                    + (name.isEmpty ? [] : [(name, UInt32(index))])
            })
        modelPrefixes = source.modelPrefixes.flatMap { provider, prefixes in
            names.firstIndex(of: provider).map { index in
                prefixes.map { (prefix: Array($0.utf8), provider: index) }
            } ?? []
        }.sorted { $0.prefix.count > $1.prefix.count }
        hosts = source.providerHosts.sorted { $0.key < $1.key }.flatMap { provider, hosts in
            names.firstIndex(of: provider).map { index in
                hosts.map {
                    let isEnd = $0.hasPrefix("*")
                    let isBeginning = !isEnd && $0.hasSuffix("*")
                    let host = isEnd ? $0.dropFirst() : isBeginning ? $0.dropLast() : $0[...]
                    return (Array(host.utf8), isEnd, isBeginning, index)
                }
            } ?? []
        }
        scopePrefixes = source.dialects.enumerated().flatMap { index, dialect in
            dialect.scopes.map { (prefix: Array($0.utf8), dialect: UInt8(min(index + 1, 255))) }
        }.sorted { $0.prefix.count > $1.prefix.count }
        services = ByteMap(
            source.dialects.enumerated().flatMap { index, dialect in
                dialect.services.map { ($0, UInt32(min(index + 1, 255))) }
            })
        contentKeys = ByteMap(source.content.filter { !$0.hasSuffix("*") }.map { ($0, 1) })
        contentPrefixes = source.content.filter { $0.hasSuffix("*") }.map {
            Array($0.utf8.dropLast())
        }
    }

    deinit {
        maps.free()
        for map in [logEventNames, metricNames, providers, services, contentKeys] { map.free() }
    }

    /// Whether an attribute holds what was said to a model or a tool, or by one.
    public func isContent(_ key: WireBytes) -> Bool {
        contentKeys.find(key) != nil || contentPrefixes.contains { key.hasPrefix($0) }
    }

    /// The dialect that a scope's name and a service stand for; 0 when neither does. The scope is
    /// believed first.
    func dialect(scope: WireBytes, service: [UInt8]) -> UInt8 {
        for (prefix, dialect) in scopePrefixes where scope.hasWords(prefix) { return dialect }
        return unsafe service.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            let name = unsafe WireBytes(base: base, count: buffer.count)
            return services.find(name).map { UInt8(truncatingIfNeeded: $0) } ?? 0
        }
    }

    /// OpenTelemetry's name of a provider: the spelling that was sent when nobody knows it, nil
    /// for a framework's own name.
    func provider(_ spelling: WireBytes) -> ProviderName {
        if let index = providers.find(spelling) ?? providers.findFolded(spelling) {
            return name(Int(index))
        }
        // Products behind dots: `openai.chat`, `google.vertex.chat`.
        var end = min(spelling.count, Self.longestProvider)
        while end > 0 {
            end -= 1
            guard unsafe spelling.base[end] == 0x2E else { continue }
            let head = unsafe WireBytes(base: spelling.base, count: end)
            if let index = providers.findFolded(head) { return name(Int(index)) }
        }
        return .unknown
    }

    enum ProviderName: Equatable { case known(Int), none, unknown }

    private func name(_ index: Int) -> ProviderName {
        providerNames[index].isEmpty ? .none : .known(index)
    }

    /// The maker of a model, by how its name begins; behind a slash too: `openai/gpt-4o`.
    func provider(ofModel model: WireBytes) -> Int? {
        if let provider = maker(of: model) { return provider }
        guard let first = slash(in: model, from: 0) else { return nil }
        if case .known(let index) = provider(unsafe WireBytes(base: model.base, count: first)) {
            return index
        }
        var last = first
        while let next = slash(in: model, from: last + 1) { last = next }
        return maker(
            of: unsafe WireBytes(base: model.base + last + 1, count: model.count - last - 1))
    }

    private func maker(of model: WireBytes) -> Int? {
        for (prefix, provider) in modelPrefixes where model.hasPrefix(prefix) { return provider }
        return nil
    }

    private func slash(in text: WireBytes, from start: Int) -> Int? {
        (start..<text.count).first { unsafe text.base[$0] == 0x2F }
    }

    /// What is longer names no provider that a table lists.
    private static let longestProvider = 256

    /// Who answers at a host.
    func provider(ofHost host: WireBytes) -> Int? {
        hosts.first { known in
            if known.isBeginning { return host.hasPrefix(known.host) }
            guard host.count >= known.host.count, known.isEnd || host.count == known.host.count
            else { return false }
            let end = unsafe WireBytes(
                base: host.base + (host.count - known.host.count), count: known.host.count)
            return end.hasPrefix(known.host)
        }?.provider
    }

    // MARK: packing

    /// Stands for what is said of an attribute that no table lists.
    static let unlisted = UInt32.max
    /// Set where the attribute's texts are JSON.
    static let json: UInt32 = 1 << 24
    /// Set beside the kind of a span's name where it tells how the call of a tool above it ended.
    static let outcome: UInt32 = 1 << 8

    static func pack(_ concept: NameConcept, rank: Int, _ dialect: UInt8) -> UInt32 {
        UInt32(concept.rawValue) | UInt32(rank) << 8 | UInt32(dialect) << 16
    }

    private static func dialect(ofAttribute key: String, _ dialects: [NameDialect]) -> UInt8 {
        var best: (count: Int, dialect: UInt8) = (0, 0)
        for (index, dialect) in dialects.enumerated() {
            for prefix in dialect.attributes
            where key.hasPrefix(prefix) && prefix.utf8.count > best.count {
                best = (prefix.utf8.count, UInt8(min(index + 1, 255)))
            }
        }
        return best.dialect
    }
}

extension WireBytes {
    /// Whether it begins with `prefix` and no word goes on behind that: `ai` is not `aiohttp`.
    func hasWords(_ prefix: [UInt8]) -> Bool {
        guard hasPrefix(prefix) else { return false }
        guard let last = prefix.last, count > prefix.count else { return true }
        let next = unsafe base[prefix.count]
        return !WireBytes.isWord(last) || !WireBytes.isWord(next)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26
    }

    func hasPrefix(_ prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        return unsafe prefix.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return true }
            return unsafe memoryIsEqual(base, start, count: prefix.count)
        }
    }
}
