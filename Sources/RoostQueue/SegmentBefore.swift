/// What the header of a segment says of the one that was ended before it, so that what that one has
/// lost since can be told. docs/queue.md.
///
/// In 64 bits, because that much is free in the two copies of a header: items of the signals 0, 1
/// and 2 in 19 bits each, all ones for more than that, and 7 bits of a hash of its number.
struct SegmentBefore: Equatable {
    /// 0 when nothing is known.
    let bits: UInt64

    private static let signals = 3
    private static let width = 19
    private static let most: UInt64 = 1 << 19 - 1

    init(bits: UInt64) { self.bits = bits }

    init(_ id: UInt64, _ counts: QueueCounts) {
        var bits = Self.tag(id) << UInt64(Self.signals * Self.width)
        for signal in 0..<Self.signals {
            let items = min(UInt64(clamping: counts.items(signal)), Self.most)
            bits |= items << UInt64(signal * Self.width)
        }
        self.bits = bits
    }

    var isKnown: Bool { bits != 0 }

    /// Whether it speaks of the segment `id`, as far as 7 bits can say.
    func isOf(_ id: UInt64) -> Bool {
        isKnown && bits >> UInt64(Self.signals * Self.width) == Self.tag(id)
    }

    /// Whether it tells how many items there were of each signal.
    var isExact: Bool {
        isKnown
            && (0..<Self.signals).allSatisfy {
                bits >> UInt64($0 * Self.width) & Self.most != Self.most
            }
    }

    /// Its items beside `found`; and whether that is all that can be missing.
    func items(beside found: QueueCounts) -> (items: QueueCounts, isExact: Bool) {
        var missing = QueueCounts()
        var isExact = isKnown
        for signal in 0..<Self.signals {
            let items = bits >> UInt64(signal * Self.width) & Self.most
            if items == Self.most { isExact = false }
            missing.add(max(0, Int(items) - found.items(signal)), of: signal)
        }
        return (missing, isExact)
    }

    private static func tag(_ id: UInt64) -> UInt64 { (id &* 0x9E37_79B9_7F4A_7C15) >> 57 }
}
