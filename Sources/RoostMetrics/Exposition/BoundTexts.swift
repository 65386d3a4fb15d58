/// The bounds of the last histogram, written out: all series of a family have the same, mostly.
struct BoundTexts {
    private var values: [Double] = []

    mutating func removeAll() { values.removeAll(keepingCapacity: true) }
    mutating func set(_ bounds: Span<Double>, isCanonical: Bool) {}
}
