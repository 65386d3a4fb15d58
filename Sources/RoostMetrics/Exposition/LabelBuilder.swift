/// Collects the labels of one series in any order and gives them out as a `LabelText`.
///
/// Names must be legal (`[a-zA-Z_][a-zA-Z0-9_]*`); of two labels with one name the first stays.
/// Values may be any bytes: what is not UTF-8 becomes U+FFFD. One builder serves many series and
/// keeps its memory.
public struct LabelBuilder: Sendable {
    private struct Entry {
        var start: Int
        var nameEnd: Int
        var end: Int
    }

    /// `name="value"` of each label, one after another.
    private var text: [UInt8] = []
    private var entries: [Entry] = []

    public init() {}

    public mutating func add(_ name: String, _ value: String) {
        let start = text.count
        text.append(contentsOf: name.utf8)
        let nameEnd = text.count
        text.append(0x3D)
        text.append(0x22)
        for byte in value.utf8 { appendEscaped(byte) }
        close(start: start, nameEnd: nameEnd)
    }

    public mutating func add(_ name: String, _ value: Span<UInt8>) {
        let start = text.count
        text.append(contentsOf: name.utf8)
        let nameEnd = text.count
        appendValue(value)
        close(start: start, nameEnd: nameEnd)
    }

    public mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        let start = text.count
        unsafe name.withUnsafeBufferPointer { unsafe text.append(contentsOf: $0) }
        let nameEnd = text.count
        appendValue(value)
        close(start: start, nameEnd: nameEnd)
    }

    /// The labels added since the last call, sorted; the builder is then empty again.
    public mutating func finish() -> LabelText {
        sort()
        var result: [UInt8] = []
        result.reserveCapacity(text.count + entries.count)
        var previous: Entry?
        for entry in entries {
            if let previous, !precedes(previous, entry) { continue }
            if previous != nil { result.append(0x2C) }
            result.append(contentsOf: text[entry.start..<entry.end])
            previous = entry
        }
        removeAll()
        return LabelText(bytes: result)
    }

    /// Forgets what was added.
    public mutating func removeAll() {
        text.removeAll(keepingCapacity: true)
        entries.removeAll(keepingCapacity: true)
    }

    private mutating func appendValue(_ value: Span<UInt8>) {
        text.append(0x3D)
        text.append(0x22)
        var isASCII = true
        for index in value.indices where value[index] >= 0x80 {
            isASCII = false
            break
        }
        if isASCII {
            for index in value.indices { appendEscaped(value[index]) }
        } else {
            for byte in repaired(value).utf8 { appendEscaped(byte) }
        }
    }

    private func repaired(_ value: Span<UInt8>) -> String {
        unsafe value.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case 0x5C, 0x22:
            text.append(0x5C)
            text.append(byte)
        case 0x0A:
            text.append(0x5C)
            text.append(0x6E)
        default:
            text.append(byte)
        }
    }

    private mutating func close(start: Int, nameEnd: Int) {
        text.append(0x22)
        entries.append(Entry(start: start, nameEnd: nameEnd, end: text.count))
    }

    /// Insertion sort: label sets are short and mostly sorted already; equal names keep their order.
    private mutating func sort() {
        guard entries.count > 1 else { return }
        for index in 1..<entries.count {
            let entry = entries[index]
            var place = index
            while place > 0, precedes(entry, entries[place - 1]) {
                entries[place] = entries[place - 1]
                place -= 1
            }
            entries[place] = entry
        }
    }

    private func precedes(_ left: Entry, _ right: Entry) -> Bool {
        text[left.start..<left.nameEnd].lexicographicallyPrecedes(
            text[right.start..<right.nameEnd])
    }
}
