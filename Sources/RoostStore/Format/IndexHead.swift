/// What a search must know of a block of the index to pass it by.
///
/// Two thousand of them, for a million traces, are read in less time than fifty blocks.
struct IndexHead: Equatable {
    var number = 0
    /// Unix nanoseconds.
    var minStart = UInt64.max
    var maxStart: UInt64 = 0
    /// Nanoseconds.
    var minDuration = UInt64.max
    var maxDuration: UInt64 = 0
    /// The upper 16 bits of each term of the dictionary, ascending, each once, least significant
    /// byte first. Of a block with 700 terms one search in a hundred is wrong about a term that the
    /// block does not have, and reads its dictionary.
    var marks: [UInt8] = []

    mutating func include(start: UInt64, duration: UInt64) {
        minStart = min(minStart, start)
        maxStart = max(maxStart, start)
        minDuration = min(minDuration, duration)
        maxDuration = max(maxDuration, duration)
    }

    /// Terms come in ascending order.
    mutating func include(term: UInt64) {
        let mark = Self.mark(term)
        let (low, high) = (UInt8(truncatingIfNeeded: mark), UInt8(truncatingIfNeeded: mark >> 8))
        if marks.suffix(2).elementsEqual([low, high]) { return }
        marks.append(low)
        marks.append(high)
    }

    private static func mark(_ term: UInt64) -> UInt16 { UInt16(truncatingIfNeeded: term >> 48) }

    /// Whether a block with these marks may have the term.
    static func mayHave(_ term: Term, in marks: UnsafeRawBufferPointer) -> Bool {
        let mark = mark(term.hash)
        var low = 0
        var high = marks.count / 2
        while low < high {
            let middle = (low &+ high) / 2
            let found = unsafe UInt16(
                littleEndian: marks.loadUnaligned(fromByteOffset: middle &* 2, as: UInt16.self))
            if found == mark { return true }
            if found < mark { low = middle &+ 1 } else { high = middle }
        }
        return false
    }

    /// Of a block that was written by a version without heads.
    static func of(
        _ number: Int, dictionary: UnsafeRawBufferPointer, fixed: UnsafeRawBufferPointer
    ) -> IndexHead {
        var head = IndexHead(number: number)
        for entry in 0..<fixed.count / 24 {
            unsafe head.include(
                start: IndexBlockReading.word(fixed, entry * 3),
                duration: IndexBlockReading.word(fixed, entry * 3 + 1))
        }
        for place in 0..<dictionary.count / 8 {
            unsafe head.include(term: IndexBlockReading.word(dictionary, place))
        }
        return head
    }
}
