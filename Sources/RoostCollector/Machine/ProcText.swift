import RoostCore

/// Reads the small texts below `/proc`. proc(5).
struct ProcText {
    private let lines: [[Substring]]

    init(_ bytes: [UInt8]) {
        lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map {
            $0.split { $0 == " " || $0 == "\t" }
        }
    }

    /// An empty one when there is no such file.
    init(file path: String) { self.init(readFile(path) ?? []) }

    var isEmpty: Bool { lines.isEmpty }

    /// The words of each line.
    var rows: [[Substring]] { lines }

    /// The words of the first line that begins with `word`.
    func row(_ word: String) -> [Substring]? { lines.first { $0.first.map(String.init) == word } }

    /// The number behind the first word of a line.
    func number(_ word: String) -> Double? {
        guard let row = row(word), row.count > 1 else { return nil }
        return Double(row[1])
    }
}
