public import RoostIngest

/// Reads tables of names: the ones built in, and a user's file on top of them.
///
/// What a user's file lists comes before what is built in, so that it is believed first; `replace`
/// names lists that begin anew, as `attributes.agent`.
public enum NamesFile {
    /// The tables built into the program.
    public static let builtIn: NameSource = {
        // The file is part of the program and read by its tests.
        let text = NameSource.builtInText
        guard let source = try? read(text, name: "names.yaml", over: NameSource()) else {
            return NameSource()
        }
        return source
    }()

    /// The tables of `text` over those of `base`. Throws every fault with its place.
    public static func read(
        _ text: [UInt8], name: String, over base: NameSource
    ) throws(ConfigErrors) -> NameSource {
        let (node, faults) = try YAMLReader.read(text, name: name)
        var reading = NamesReading(source: base, faults: faults)
        if let node { reading.read(node) }
        guard reading.faults.isEmpty else {
            throw ConfigErrors(faults: reading.faults.sorted { $0.origin < $1.origin })
        }
        return reading.source
    }
}

/// The state of reading one file.
struct NamesReading {
    var source: NameSource
    var faults: [ConfigFault]

    private static let sections = [
        "replace", "attributes", "usage_keys", "kinds", "span_names", "tool_outcomes", "log_events",
        "metrics", "providers", "model_prefixes", "provider_hosts", "dialects", "content",
    ]
    private static let concepts = Dictionary(
        uniqueKeysWithValues: NameConcept.allCases.map { ($0.name, $0) })
    private static let kinds = Dictionary(
        uniqueKeysWithValues: ActivityKind.allCases.map { ($0.name, $0) })
    private static let semantics = NameDialect.TokenSemantics.allCases

    init(source: NameSource, faults: [ConfigFault]) {
        self.source = source
        self.faults = faults
    }

    mutating func read(_ node: ConfigNode) {
        let sections = entries(node, "the file")
        // Lists begin anew before anything is added to them.
        for section in sections where section.key == "replace" { readReplace(section.value) }
        for section in sections {
            switch section.key {
            case "replace": break
            case "attributes": readConcepts(section.value, \.attributes)
            case "usage_keys": readConcepts(section.value, \.usageKeys)
            case "kinds": readKinds(section.value)
            case "span_names": readSpanNames(section.value)
            case "tool_outcomes":
                source.toolOutcomes = merged(texts(section.value), source.toolOutcomes)
            case "log_events": readLogEvents(section.value)
            case "metrics": readMetrics(section.value)
            case "providers": readTexts(section.value, \.providers)
            case "model_prefixes": readTexts(section.value, \.modelPrefixes)
            case "provider_hosts": readTexts(section.value, \.providerHosts)
            case "dialects": readDialects(section.value)
            case "content": source.content = merged(texts(section.value), source.content)
            default: unknown(section.key, section.keyOrigin, "section", Self.sections)
            }
        }
        checkKinds()
    }

    private mutating func readReplace(_ node: ConfigNode) {
        for (path, origin) in placedTexts(node) {
            let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
            switch (parts.first ?? "", parts.count == 2 ? parts[1] : nil) {
            case ("attributes", let name?) where Self.concepts[name] != nil:
                Self.concepts[name].map { source.attributes[$0] = nil }
            case ("kinds", let name?): source.kinds[name] = nil
            case ("providers", let name?): source.providers[name] = nil
            case ("model_prefixes", let name?): source.modelPrefixes[name] = nil
            case ("provider_hosts", let name?): source.providerHosts[name] = nil
            case ("dialects", let name?): source.dialects.removeAll { $0.name == name }
            case ("content", nil): source.content = []
            case ("span_names", nil): source.spanNames = [:]
            case ("tool_outcomes", nil): source.toolOutcomes = []
            case ("log_events", nil): source.logEvents = [:]
            case ("metrics", nil): source.metrics = [:]
            default:
                fault(
                    origin,
                    "\(path) cannot be replaced; name a list, as attributes.agent or content")
            }
        }
    }

    private mutating func readConcepts(
        _ node: ConfigNode, _ place: WritableKeyPath<NameSource, [NameConcept: [String]]>
    ) {
        for entry in entries(node, "attributes") {
            guard let concept = Self.concepts[entry.key] else {
                unknown(entry.key, entry.keyOrigin, "meaning", Self.concepts.keys.sorted())
                continue
            }
            let keys = texts(entry.value)
            source[keyPath: place][concept] = merged(keys, source[keyPath: place][concept] ?? [])
            if (source[keyPath: place][concept]?.count ?? 0) > 250 {
                fault(entry.keyOrigin, "\(entry.key): more than 250 attributes for one meaning")
            }
        }
    }

    private mutating func readKinds(_ node: ConfigNode) {
        for attribute in entries(node, "kinds") {
            for entry in entries(attribute.value, attribute.key) {
                guard let kind = kind(entry.key, entry.keyOrigin) else { continue }
                let values = texts(entry.value)
                // A value has one meaning; the one said last counts.
                for (other, known) in source.kinds[attribute.key] ?? [:] {
                    let rest = known.filter { !values.contains($0) }
                    source.kinds[attribute.key]?[other] = rest.isEmpty ? nil : rest
                }
                source.kinds[attribute.key, default: [:]][kind, default: []] += values
            }
        }
    }

    private mutating func readSpanNames(_ node: ConfigNode) {
        for entry in entries(node, "span_names") {
            guard let word = text(entry.value), let kind = kind(word, entry.value.origin) else {
                continue
            }
            source.spanNames[entry.key] = kind
        }
    }

    private mutating func readTexts(
        _ node: ConfigNode, _ place: WritableKeyPath<NameSource, [String: [String]]>
    ) {
        for entry in entries(node, "it") {
            let list = texts(entry.value)
            // A spelling stands for one provider; the one said last counts.
            for (name, known) in source[keyPath: place] where name != entry.key {
                source[keyPath: place][name] = known.filter { !list.contains($0) }
            }
            source[keyPath: place][entry.key] = merged(
                list, source[keyPath: place][entry.key] ?? [])
        }
    }

    private mutating func readDialects(_ node: ConfigNode) {
        // New ones come before what was there.
        var added = 0
        for entry in entries(node, "dialects") {
            var dialect = NameDialect(name: entry.key)
            for part in entries(entry.value, entry.key) {
                switch part.key {
                case "scopes": dialect.scopes = texts(part.value)
                case "services": dialect.services = texts(part.value)
                case "attributes": dialect.attributes = texts(part.value)
                case "tokens":
                    for (word, origin) in placedTexts(part.value) {
                        if let known = NameDialect.TokenSemantics(rawValue: word) {
                            dialect.tokens.insert(known)
                        } else {
                            unknown(word, origin, "way to count", Self.semantics.map(\.rawValue))
                        }
                    }
                case "values": dialect.isJSON = isWord("json", part.value)
                case "root": dialect.isRootWorkflow = isWord("workflow", part.value)
                default:
                    unknown(
                        part.key, part.keyOrigin, "key",
                        ["scopes", "services", "attributes", "tokens", "values", "root"])
                }
            }
            if let index = source.dialects.firstIndex(where: { $0.name == entry.key }) {
                source.dialects[index] = dialect
            } else if source.dialects.count < 250 {
                source.dialects.insert(dialect, at: added)
                added += 1
            } else {
                fault(entry.keyOrigin, "\(entry.key): more than 250 dialects")
            }
        }
    }

    /// Values of an attribute that is not asked for its kind would never be looked at.
    private mutating func checkKinds() {
        let asked = source.attributes[.kind] ?? []
        for key in source.kinds.keys.sorted() where !asked.contains(key) {
            source.attributes[.kind, default: []].append(key)
        }
    }

    // MARK: parts

    mutating func kind(_ word: String, _ origin: ConfigOrigin) -> ActivityKind? {
        guard let kind = Self.kinds[word] else {
            unknown(word, origin, "kind", Self.kinds.keys.sorted())
            return nil
        }
        return kind
    }

    mutating func entries(_ node: ConfigNode, _ what: String) -> [ConfigNode.Entry] {
        if node.isNull { return [] }
        guard case .mapping(let entries) = node.content else {
            fault(node.origin, "\(what) is \(node.kind); write a mapping")
            return []
        }
        return entries
    }

    mutating func texts(_ node: ConfigNode) -> [String] { placedTexts(node).map(\.0) }

    mutating func placedTexts(_ node: ConfigNode) -> [(String, ConfigOrigin)] {
        if node.isNull { return [] }
        guard case .sequence(let items) = node.content else {
            fault(node.origin, "this is \(node.kind); write a list: [a, b]")
            return []
        }
        return items.compactMap { item in text(item).map { ($0, item.origin) } }
    }

    mutating func text(_ node: ConfigNode) -> String? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            fault(node.origin, "this is \(node.kind); write a name")
            return nil
        }
        guard (1...256).contains(text.utf8.count) else {
            fault(node.origin, "a name has 1 to 256 bytes")
            return nil
        }
        return text
    }

    mutating func unknown(
        _ word: String, _ origin: ConfigOrigin, _ what: String, _ known: [String]
    ) {
        let hint = nearest(word, among: known).map { ", did you mean \($0)?" } ?? ""
        fault(origin, "\"\(word.prefix(80))\" is no \(what)\(hint)")
    }

    mutating func fault(_ origin: ConfigOrigin, _ message: String) {
        faults.append(ConfigFault(origin: origin, message: message))
    }

    private func merged(_ first: [String], _ second: [String]) -> [String] {
        first + second.filter { !first.contains($0) }
    }
}
