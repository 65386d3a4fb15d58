/// Numbers of the texts of a batch, which come again and again within it.
struct BatchTexts {
    private struct Known {
        var batch: UInt32 = 0
        var offset: UInt32 = 0
        var number: Int32 = 0
    }

    private var known = [Known](repeating: Known(), count: 256)
    private var batch: UInt32 = 0

    /// The texts asked of from now on are those of another batch.
    mutating func begin() {
        batch &+= 1
        if batch == 0 {
            known = [Known](repeating: Known(), count: known.count)
            batch = 1
        }
    }

    @inline(__always)
    mutating func number(
        _ ref: TextRef, _ batch: ActivityBatch, _ texts: inout TextTable, isName: Bool = false
    ) -> Int32 {
        if ref.isEmpty { return TextTable.none }
        let product = ref.offset &* 0x9E37_79B9
        let place = Int(product &>> 24)
        let entry = known[place]
        // Texts do not overlap, so the offset says which it is.
        if entry.batch == self.batch, entry.offset == ref.offset { return entry.number }
        let number = texts.number(batch.bytes(ref), isName: isName)
        // A label of the same text may find room yet.
        guard number != TextTable.overflow else { return number }
        known[place] = Known(batch: self.batch, offset: ref.offset, number: number)
        return number
    }
}
