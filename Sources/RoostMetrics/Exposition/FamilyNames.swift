/// What the writer needs of the family it is in, worked out once per family.
struct FamilyNames {
    var type = FamilyType.unknown
    /// On the TYPE, UNIT and HELP lines, and before the suffixes of a histogram's or summary's
    /// samples.
    var family: [UInt8] = []
    /// Of the samples without a suffix of their own.
    var sample: [UInt8] = []
    /// Of the samples that tell when a counter began; OpenMetrics only.
    var created: [UInt8] = []
    var help: String = ""
    /// nil unless the format may show it.
    var unit: String?

    /// A counter or info is called `foo_total` or `foo_info` in text 0.0.4 and protobuf throughout;
    /// in OpenMetrics the family is `foo`, and only the samples have the suffix.
    mutating func begin(
        name: String, type: FamilyType, help: String, unit: String?, format: ExpositionFormat
    ) {
        self.type = type
        self.help = help
        let suffix =
            switch type {
            case .counter: "_total"
            case .info: "_info"
            default: ""
            }
        var base = Substring(name)
        if !suffix.isEmpty, name.utf8.count > suffix.utf8.count, name.hasSuffix(suffix) {
            base = name.dropLast(suffix.utf8.count)
        }
        if format == .openMetrics {
            family = Array(base.utf8)
            sample = Array(base.utf8) + Array(suffix.utf8)
        } else {
            family = Array(name.utf8)
            sample = family
        }
        created = Array(base.utf8) + Array("_created".utf8)
        self.unit = Self.shown(unit, base: base, type: type, format: format)
    }

    /// OpenMetrics: the unit must be a suffix of the family name; info and stateset have none.
    private static func shown(
        _ unit: String?, base: Substring, type: FamilyType, format: ExpositionFormat
    ) -> String? {
        guard let unit, !unit.isEmpty, format != .text else { return nil }
        guard type != .info, type != .stateset, base.hasSuffix("_" + unit) else { return nil }
        return unit
    }
}
