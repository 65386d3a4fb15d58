import RoostCore
import RoostWire

/// Attribute keys, by their whole name or by how they begin (`foo.*`).
///
/// A line that begins with `!` is an exception from the prefixes. Keys are compared byte for byte.
struct KeyRules: Sendable {
    private var exact: Set<String> = []
    private var exceptions: Set<String> = []
    private var prefixes: [[UInt8]] = []
    /// Lengths that a whole name has: most keys are told apart by this and their first byte.
    private var shapes = ByteSet()
    private var firstBytes = ByteSet()

    init(_ lines: some Sequence<some StringProtocol>) {
        for line in lines {
            if line.hasPrefix("!") {
                exceptions.insert(String(line.dropFirst()))
            } else if line.hasSuffix("*") {
                prefixes.append(Array(line.dropLast().utf8))
                prefixes.last?.first.map { firstBytes.insert($0) }
            } else {
                exact.insert(String(line))
                line.utf8.first.map { firstBytes.insert($0) }
                shapes.insert(UInt8(truncatingIfNeeded: line.utf8.count))
            }
        }
        if prefixes.contains([]) { firstBytes.insert(0...255) }
    }

    var isEmpty: Bool { exact.isEmpty && prefixes.isEmpty }

    func contains(_ key: WireBytes) -> Bool {
        guard firstBytes.contains(key.byte(0)) else { return false }
        if shapes.contains(UInt8(truncatingIfNeeded: key.count)), exact.contains(key.string) {
            return true
        }
        for prefix in prefixes where begins(key, with: prefix) {
            return !exceptions.contains(key.string)
        }
        return false
    }

    private func begins(_ key: WireBytes, with prefix: [UInt8]) -> Bool {
        guard prefix.count <= key.count else { return false }
        for index in prefix.indices where key.byte(index) != prefix[index] { return false }
        return true
    }
}
