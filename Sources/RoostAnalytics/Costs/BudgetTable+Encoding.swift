/// The last hour's spending between two starts, without which the rate would begin at nothing.
extension BudgetTable.Spender {
    /// Which five minutes it is, a bit for each of the ring in which something was spent, and what.
    func writeRecent(into writer: inout CostBytesWriter) {
        writer.number(place)
        var used: UInt32 = 0
        for slot in recent.indices where recent[slot] != 0 { used |= 1 << UInt32(slot) }
        writer.number(used)
        for amount in recent where amount != 0 { writer.real(amount) }
    }

    /// False for what was not written so.
    mutating func readRecent(from reader: inout CostBytesReader) -> Bool {
        place = reader.number()
        let used = reader.small()
        guard used >> UInt32(Self.slots) == 0 else { return false }
        for slot in recent.indices where used & 1 << UInt32(slot) != 0 {
            recent[slot] = reader.amount()
        }
        return true
    }
}
