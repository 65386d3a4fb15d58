import RoostWire

/// Makes the labels of one series out of attributes, scope and resource.
///
/// Attributes whose keys become the same label are joined with `;`, ordered by key. A label that
/// Prometheus or the translation uses itself gets `exported_` in front, as Prometheus does when it
/// scrapes. Empty values are left out, since to Prometheus they are the same as none.
struct LabelCollector {
    /// More labels, or a longer text, and the series goes into the overflow of its family.
    static let maxLabels = 128
    static let maxTextBytes = 16 * 1024

    private struct Entry {
        var name: [UInt8]
        var key: [UInt8]
        var value: [UInt8]
    }

    private var entries: [Entry] = []
    private var builder = LabelBuilder()
    /// How many values were cut since the last `start`.
    private(set) var cutValues = 0
    private var isTooMany = false

    mutating func start() {
        entries.removeAll(keepingCapacity: true)
        builder.removeAll()
        cutValues = 0
        isTooMany = false
    }

    mutating func add(_ attributes: AttributeList, prefix: StaticString = "") {
        attributes.forEach { key, value in add(key, value, prefix) }
    }

    /// Adds an attribute. Keys that leave no legal name have no label.
    mutating func add(_ key: WireBytes, _ value: AnyValueView, _ prefix: StaticString = "") {
        guard entries.count < Self.maxLabels else {
            isTooMany = true
            return
        }
        var name = unsafe [UInt8](
            UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
        guard
            unsafe LabelName.append(
                UnsafeBufferPointer(start: key.base, count: key.count), to: &name)
        else { return }
        if prefix.utf8CodeUnitCount == 0, Self.isTaken(name) {
            name.insert(contentsOf: "exported_".utf8, at: 0)
        }
        var text: [UInt8] = []
        if LabelValue.append(value, to: &text) { cutValues += 1 }
        entries.append(Entry(name: name, key: key.array, value: text))
    }

    /// Adds a label that is not an attribute; an empty value is left out.
    mutating func add(label: StaticString, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        builder.add(label.description, value.span)
    }

    /// Adds labels made before.
    mutating func add(_ labels: ScopeLabels) {
        for (name, value) in labels.labels { builder.add(name.span, value.span) }
    }

    var hasAttributes: Bool { !entries.isEmpty }

    func hasAttribute(_ name: String) -> Bool { entries.contains { $0.name == Array(name.utf8) } }

    /// The label text; nil when there are too many labels or too much text.
    mutating func finish() -> [UInt8]? {
        if isTooMany { return nil }
        for (name, value) in joined() { builder.add(name.span, value.span) }
        let text = builder.finish().bytes
        return text.count <= Self.maxTextBytes ? text : nil
    }

    /// The attributes as labels; nil when there are too many or too much text.
    mutating func labels() -> [(name: [UInt8], value: [UInt8])]? {
        if isTooMany { return nil }
        let labels = joined()
        let bytes = labels.reduce(0) { $0 + $1.name.count + $1.value.count }
        return bytes <= Self.maxTextBytes ? labels : nil
    }

    /// The attributes as labels: unique names, no empty values.
    private mutating func joined() -> [(name: [UInt8], value: [UInt8])] {
        entries.sort { left, right in
            if left.name != right.name { return left.name.lexicographicallyPrecedes(right.name) }
            if left.key != right.key { return left.key.lexicographicallyPrecedes(right.key) }
            return left.value.lexicographicallyPrecedes(right.value)
        }
        var labels: [(name: [UInt8], value: [UInt8])] = []
        for entry in entries {
            if let last = labels.last, last.name == entry.name {
                labels[labels.count - 1].value.append(0x3B)
                labels[labels.count - 1].value.append(contentsOf: entry.value)
            } else {
                labels.append((entry.name, entry.value))
            }
        }
        labels.removeAll { $0.value.isEmpty }
        return labels
    }

    private static func isTaken(_ name: [UInt8]) -> Bool {
        switch String(decoding: name, as: UTF8.self) {
        case "job", "instance", "le", "quantile": true
        case let text: text.hasPrefix("otel_scope_")
        }
    }
}

/// The labels that a scope adds to each of its series.
final class ScopeLabels: Sendable {
    let labels: [(name: [UInt8], value: [UInt8])]

    init(_ labels: [(name: [UInt8], value: [UInt8])]) { self.labels = labels }

    /// Bytes on the heap: the texts, and what their arrays take beside.
    var heapBytes: Int { labels.reduce(64) { $0 + $1.name.count + $1.value.count + 96 } }
}

/// The labels that a resource adds to each of its series, and where they lie.
final class ResourceLabels: Sendable {
    let job: [UInt8]
    let instance: [UInt8]
    /// The stripe of its series in every family.
    let stripe: Int

    init(job: [UInt8], instance: [UInt8], stripe: Int) {
        self.job = job
        self.instance = instance
        self.stripe = stripe
    }
}
