/// Every name that a family takes up in any of the formats.
///
/// OpenMetrics 1.0.0 forbids two families whose names, or names with the suffixes of their types,
/// are the same; a scraper then refuses the whole page.
enum SampleNames {
    /// For a family called `name` as text 0.0.4 calls it.
    static func taken(by name: String, type: FamilyType) -> [String] {
        switch type {
        case .counter:
            let base = without("_total", name)
            return [base, base + "_total", base + "_created"]
        case .info:
            let base = without("_info", name)
            return [base, base + "_info"]
        case .histogram:
            return [name, name + "_bucket", name + "_count", name + "_sum", name + "_created"]
        case .summary: return [name, name + "_count", name + "_sum", name + "_created"]
        case .gauge, .stateset, .unknown: return [name]
        }
    }

    /// Every name whose owner might clash with a family of which `name` is a sample.
    static func related(to name: String) -> [String] {
        var names = [name, name + "_total"]
        for suffix in ["_total", "_created", "_bucket", "_count", "_sum"] {
            let base = without(suffix, name)
            if base.utf8.count < name.utf8.count { names += [base, base + "_total"] }
        }
        return names
    }

    private static func without(_ suffix: String, _ name: String) -> String {
        guard name.utf8.count > suffix.utf8.count, name.hasSuffix(suffix) else { return name }
        return String(name.dropLast(suffix.utf8.count))
    }
}
