public import RoostCore

/// The request with its edits done; every other byte as it came, except that the lengths around
/// what has changed are new. nil when the budget has no room for it.
///
/// `body` is the validated request that `edits` is about. What stays is copied in runs.
public func rewrite(
    _ body: ByteBlock, _ edits: EditList, memory: MemoryBudget.Share
) -> ByteBlock? {
    if edits.isOutOfMemory { return nil }
    if edits.isEmpty { return body }
    return unsafe body.withBytes { bytes in
        let cursor = unsafe WireCursor(bytes)
        var measuring = Rewriter(edits: edits)
        let size = measuring.measure(cursor)
        guard let reservation = memory.reserve(size) else { return nil }
        var writing = Rewriter(edits: edits, lengths: measuring.lengths)
        return unsafe ByteBlock(capacity: size, reservation: reservation) { target in
            var output = unsafe ByteOutput(target)
            writing.write(cursor, to: &output)
            return output.count
        }
    }
}

/// Walks a request twice: once to learn the new lengths, once to write.
private struct Rewriter {
    let edits: EditList
    /// The next edit to come.
    private var next = 0
    /// New lengths of the messages around edits, in the order in which they begin.
    private(set) var lengths: [Int]
    private var nextLength = 0

    init(edits: EditList, lengths: [Int] = []) {
        self.edits = edits
        self.lengths = lengths
    }

    private enum Part {
        case keep
        /// Number of the edit; what it replaces has been passed.
        case replace(Int)
        case enter(tagEnd: Int, WireCursor)
    }

    /// What stands at `cursor` and what to do with it; nil when the rest of the message stays.
    private mutating func part(_ cursor: inout WireCursor) -> Part? {
        let start = cursor.position
        guard next < edits.count else { return nil }
        let edit = edits.range(next)
        guard edit.lowerBound < cursor.end else { return nil }
        if edit.lowerBound == start {
            next += 1
            cursor.position = min(edit.upperBound, cursor.end)
            return .replace(next - 1)
        }
        guard let tag = try? cursor.tag() else { return nil }
        guard tag & 7 == 2 else { return (try? cursor.skip(tag)) == nil ? nil : .keep }
        let tagEnd = cursor.position
        guard let message = try? cursor.message() else { return nil }
        return edit.lowerBound < cursor.position ? .enter(tagEnd: tagEnd, message) : .keep
    }

    /// The new length of a message. Goes as deep as values lie, which the readers bound.
    mutating func measure(_ message: WireCursor) -> Int {
        var cursor = message
        var size = 0
        while true {
            let start = cursor.position
            switch part(&cursor) {
            case nil: return size + (message.end - start)
            case .keep: size += cursor.position - start
            case .replace(let index): size += edits.replacementCount(index)
            case .enter(let tagEnd, let inner):
                let slot = lengths.count
                lengths.append(0)
                lengths[slot] = measure(inner)
                size += tagEnd - start + varintSize(lengths[slot]) + lengths[slot]
            }
        }
    }

    mutating func write(_ message: WireCursor, to output: inout ByteOutput) {
        var cursor = message
        while true {
            let start = cursor.position
            switch part(&cursor) {
            case nil:
                output.append(message.bytes(from: start, to: message.end))
                return
            case .keep: output.append(cursor.bytes(from: start, to: cursor.position))
            case .replace(let index): edits.withReplacement(index) { output.append($0) }
            case .enter(let tagEnd, let inner):
                output.append(cursor.bytes(from: start, to: tagEnd))
                output.append(varint: lengths[nextLength])
                nextLength += 1
                write(inner, to: &output)
            }
        }
    }
}
