/// The upper bounds of a histogram's buckets, or the quantiles of a summary, as they stand in a
/// label value. Kept from series to series, because all of a family have the same, mostly.
struct BoundTexts {
    private var values: [Double] = []
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    /// Takes new values if they differ from the last ones. `isCanonical` puts `.0` behind whole
    /// numbers, as OpenMetrics wants it.
    mutating func set(_ bounds: Span<Double>, isCanonical: Bool) {
        guard !holds(bounds) else { return }
        values.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        var buffer = ExpositionBuffer(capacity: 64)
        for index in bounds.indices {
            values.append(bounds[index])
            buffer.removeAll()
            buffer.appendBound(bounds[index], isCanonical: isCanonical)
            buffer.move(first: buffer.count, into: &bytes)
            ends.append(bytes.count)
        }
    }

    private func holds(_ bounds: Span<Double>) -> Bool {
        guard bounds.count == values.count else { return false }
        for index in bounds.indices where bounds[index].bitPattern != values[index].bitPattern {
            return false
        }
        return true
    }

    /// Appends the text of the value at `index`.
    func write(_ index: Int, into buffer: inout ExpositionBuffer) {
        let start = index == 0 ? 0 : ends[index - 1]
        buffer.append(bytes.span.extracting(start..<ends[index]))
    }
}
