public import RoostCore

/// What to change in a request: whole fields to replace or leave out, and fields to put in.
///
/// Edits are added in ascending order and do not overlap. What they take beyond a first 256 KiB is
/// paid for from a share of the memory budget. Owned by one thread at a time.
public final class EditList {
    /// A field, tag to last byte, and where what takes its place ends in `text`.
    private struct Edit {
        let start: UInt32
        let count: UInt32
        let textEnd: UInt32
    }

    private var edits: [Edit] = []
    private var text: [UInt8] = []
    private let share: MemoryBudget.Share
    private var paid = 0

    /// Whether the budget had no room for all edits; the list is then worth nothing.
    public private(set) var isOutOfMemory = false

    private static let free = 256 << 10

    public init(share: MemoryBudget.Share) { self.share = share }

    deinit { share.giveBack(paid) }

    public var isEmpty: Bool { edits.isEmpty }
    public var count: Int { edits.count }

    /// Puts `field` in the place of the field at `range`; none takes it out. With an empty range at
    /// the front of a message that is not empty, `field` is put in there.
    public func replace(_ range: Range<Int>, with field: [UInt8] = []) {
        guard payFor(field.count), let start = UInt32(exactly: range.lowerBound),
            let count = UInt32(exactly: range.count),
            let textEnd = UInt32(exactly: text.count + field.count)
        else {
            isOutOfMemory = true
            return
        }
        text += field
        edits.append(Edit(start: start, count: count, textEnd: textEnd))
    }

    /// Forgets the edits after the first `count`.
    func cut(to count: Int) {
        edits.removeLast(edits.count - count)
        text.removeLast(text.count - Int(edits.last?.textEnd ?? 0))
    }

    /// An array may hold twice what it needs.
    private func payFor(_ more: Int) -> Bool {
        let wanted =
            2 * ((edits.count + 1) * MemoryLayout<Edit>.stride + text.count + more) - Self.free
        guard wanted > paid else { return true }
        let step = wanted - paid + Self.free
        guard share.tryTake(step) else { return false }
        paid += step
        return true
    }

    func range(_ index: Int) -> Range<Int> {
        Int(edits[index].start)..<Int(edits[index].start) + Int(edits[index].count)
    }

    func replacementCount(_ index: Int) -> Int {
        Int(edits[index].textEnd) - replacementStart(index)
    }

    func withReplacement(_ index: Int, _ body: (WireBytes) -> Void) {
        let range = replacementStart(index)..<Int(edits[index].textEnd)
        guard !range.isEmpty else { return }
        unsafe text.withUnsafeBufferPointer { text in
            guard let base = text.baseAddress else { return }
            unsafe body(WireBytes(base: base + range.lowerBound, count: range.count))
        }
    }

    private func replacementStart(_ index: Int) -> Int {
        index == 0 ? 0 : Int(edits[index - 1].textEnd)
    }
}
