import RoostCore

/// Numbers names from 0 in the order in which they are met. A name is looked for in the line that
/// has it, without a copy.
struct NameNumbers {
    /// By number, as they stand in lines: with the escapes of JSON.
    private(set) var names: [[UInt8]] = []
    /// By hash. A name whose hash is another's stands at the next one that is free.
    private var numbers: [UInt64: Int] = [:]

    /// Nil for a name that is new when there are `AuditSummary.mostNames`.
    mutating func number(_ line: Span<UInt8>, _ range: Range<Int>) -> Int? {
        let name = line.extracting(range)
        var hash = unsafe name.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: 0) }
        while let number = numbers[hash] {
            if names[number].count == name.count, AuditLine.has(names[number], name, at: 0) {
                return number
            }
            hash &+= 1
        }
        guard names.count < AuditSummary.mostNames else { return nil }
        numbers[hash] = names.count
        names.append(AuditLine.copy(line, from: range.lowerBound, range.count))
        return names.count - 1
    }
}
