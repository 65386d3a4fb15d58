/// Which families there are, and which metric of which kind goes into which.
struct FamilyTable {
    /// Where the points of a metric go.
    enum Binding {
        case family(Family)
        case unexposed(UnexposedReason)
    }

    /// What a metric says about itself.
    struct Description {
        var name: String
        var help: String
        var unit: String
        var kind: StreamKind
        /// The metadata `prometheus.type`; empty for none.
        var prometheusType: String
    }

    private var bindings: [Fingerprint: Binding] = [:]
    private var families: [String: Family] = [:]
    /// Every name on the page, by the family that takes it up.
    private var taken: [String: String] = [:]
    /// nil when a family has come or gone since it was made.
    private var order: [Family]?

    private static let maxBindings = 100_000
    private static let maxHelpBytes = 1_024

    func binding(of metric: Fingerprint) -> Binding? { bindings[metric] }

    func family(named name: String) -> Family? { families[name] }

    /// Binds a metric not met before.
    mutating func bind(
        _ metric: Fingerprint, _ description: Description, limits: SeriesLimits,
        isReserved: (String) -> Bool, counts: inout SeriesCounts
    ) -> Binding {
        if let known = bindings[metric] { return known }
        if bindings.count >= Self.maxBindings { bindings.removeAll(keepingCapacity: true) }
        let binding = resolve(description, limits, isReserved, &counts)
        bindings[metric] = binding
        return binding
    }

    /// Takes families off that have nothing to show. What was refused because of them may come in.
    mutating func remove(where isUnused: (Family) -> Bool) {
        let unused = families.values.filter(isUnused)
        if unused.isEmpty { return }
        for family in unused {
            families[family.name] = nil
            for name in SampleNames.taken(by: family.name, type: family.type) {
                taken[name] = nil
            }
        }
        bindings.removeAll(keepingCapacity: true)
        order = nil
    }

    /// Has every name looked at anew; families whose names are taken now are told to end.
    mutating func noteReserved(_ isReserved: (String) -> Bool) {
        bindings.removeAll(keepingCapacity: true)
        for family in families.values {
            let ends = SampleNames.taken(by: family.name, type: family.type).contains {
                SampleNames.related(to: $0).contains(where: isReserved)
            }
            family.isEnding.store(ends, ordering: .relaxed)
        }
    }

    /// All families by name.
    mutating func sorted() -> [Family] {
        if let order { return order }
        let made = families.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        order = made
        return made
    }

    private mutating func resolve(
        _ description: Description, _ limits: SeriesLimits, _ isReserved: (String) -> Bool,
        _ counts: inout SeriesCounts
    ) -> Binding {
        guard
            let name = MetricName.exposed(
                name: description.name, unit: description.unit, kind: description.kind.named)
        else { return .unexposed(.invalidName) }
        let type = Self.type(of: description, name: name)
        let unit = UnitWords(description.unit).metadata
        if let family = families[name] {
            guard !family.isEnding.load(ordering: .relaxed) else {
                return .unexposed(.reservedName)
            }
            guard family.type == type else { return .unexposed(.typeConflict) }
            if family.unit != unit || !description.help.isEmpty && family.help != description.help {
                counts.add(.metadataConflict)
            }
            return .family(family)
        }
        let names = SampleNames.taken(by: name, type: type)
        for sample in names {
            guard !SampleNames.related(to: sample).contains(where: isReserved) else {
                return .unexposed(.reservedName)
            }
        }
        let isTaken = names.contains { taken[$0] != nil || $0 == "target" || $0 == "target_info" }
        guard !isTaken else { return .unexposed(.nameClash) }
        guard families.count < limits.families.load(ordering: .relaxed) else {
            return .unexposed(.familyCap)
        }
        let family = Family(
            name: name, type: type, help: Self.help(description), unit: unit, limits: limits)
        families[name] = family
        for sample in names { taken[sample] = name }
        order = nil
        return .family(family)
    }

    private static func type(of description: Description, name: String) -> FamilyType {
        switch description.kind {
        case .cumulativeCounter, .deltaCounter: return .counter
        case .cumulativeHistogram, .deltaHistogram, .cumulativeExponential, .deltaExponential:
            return .histogram
        case .summary: return .summary
        case .upDown: return .gauge
        case .gauge: break
        }
        switch description.prometheusType {
        case "unknown": return .unknown
        case "info" where name.hasSuffix("_info") && name.utf8.count > 5: return .info
        case "stateset": return .stateset
        default: return .gauge
        }
    }

    private static func help(_ description: Description) -> String {
        if description.help.isEmpty { return "OpenTelemetry metric " + description.name }
        var cut = Substring(description.help)
        while cut.utf8.count > maxHelpBytes {
            cut = cut.prefix(cut.count / 2)
        }
        return String(cut)
    }
}

extension StreamKind {
    /// What counts for the name.
    var named: NamedKind {
        switch self {
        case .cumulativeCounter, .deltaCounter: .counter
        case .gauge: .gauge
        default: .other
        }
    }
}
