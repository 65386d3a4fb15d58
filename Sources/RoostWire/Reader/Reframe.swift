public import RoostCore

/// The request without the rejected items; every other byte as it came, except that the lengths
/// around what is missing are new.
///
/// `body` is the request that `rejections` is about. Nothing is encoded again: what stays is
/// copied in runs. Answers `body` itself when there is nothing to cut.
public func reframe(
    _ body: ByteBlock, without rejections: Rejections,
    reservation: MemoryReservation? = nil
) -> ByteBlock {
    if rejections.isEmpty { return body }
    return unsafe body.withBytes { bytes in
        let cursor = unsafe WireCursor(bytes)
        var measuring = Reframer(cuts: rejections.ranges)
        let size = measuring.measure(cursor)
        var writing = Reframer(cuts: rejections.ranges, lengths: measuring.lengths)
        return unsafe ByteBlock(capacity: size, reservation: reservation) { target in
            var output = unsafe ByteOutput(target)
            writing.write(cursor, to: &output)
            return output.count
        }
    }
}

/// Walks a request twice: once to learn the new lengths, once to write.
private struct Reframer {
    let cuts: [Range<Int>]
    /// The next cut to come.
    private var next = 0
    /// New lengths of the messages around cuts, in the order in which they begin.
    private(set) var lengths: [Int]
    private var nextLength = 0

    init(cuts: [Range<Int>], lengths: [Int] = []) {
        self.cuts = cuts
        self.lengths = lengths
    }

    private enum Part {
        case keep
        case cut
        case enter(tagEnd: Int, WireCursor)
    }

    /// The next field of `cursor` and what to do with it; nil when the rest of the message stays.
    private mutating func part(_ cursor: inout WireCursor) -> Part? {
        let start = cursor.position
        while next < cuts.count, cuts[next].upperBound <= start { next += 1 }
        guard next < cuts.count, cuts[next].lowerBound < cursor.end else { return nil }
        guard let tag = try? cursor.tag() else { return nil }
        guard tag & 7 == 2 else { return (try? cursor.skip(tag)) == nil ? nil : .keep }
        let tagEnd = cursor.position
        guard let message = try? cursor.message() else { return nil }
        if cuts[next].lowerBound <= start && cursor.position <= cuts[next].upperBound {
            return .cut
        }
        return cuts[next].lowerBound < cursor.position ? .enter(tagEnd: tagEnd, message) : .keep
    }

    /// The new length of a message. Goes as deep as the items lie, five messages.
    mutating func measure(_ message: WireCursor) -> Int {
        var cursor = message
        var size = 0
        while true {
            let start = cursor.position
            switch part(&cursor) {
            case nil: return size + (message.end - start)
            case .cut: break
            case .keep: size += cursor.position - start
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
            case .cut: break
            case .keep: output.append(cursor.bytes(from: start, to: cursor.position))
            case .enter(let tagEnd, let inner):
                output.append(cursor.bytes(from: start, to: tagEnd))
                output.append(varint: lengths[nextLength])
                nextLength += 1
                write(inner, to: &output)
            }
        }
    }
}
