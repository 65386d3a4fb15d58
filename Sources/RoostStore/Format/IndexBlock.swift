/// One trace in the index, as of when it was stored last.
struct IndexEntry {
    var trace: Int
    /// Unix nanoseconds.
    var start: UInt64
    /// Nanoseconds.
    var duration: UInt64
    var terms: [Term]
}

/// The part of the index that is being filled. It is written again with every transaction until it
/// is full; then the next one begins.
///
/// A block tells of some hundred traces that were stored one after another:
///
///     dictionary   the terms that any of them has, ascending, 8 bytes each
///     fixed        start, duration and number of each trace, 3 × 8 bytes
///     lists        for each term where its list ends (4 bytes), then the lists: which traces of
///                  the block have the term, 2 bytes each
///
/// A search reads the heads of the blocks, newest first (see `IndexHead`), of those that may have
/// what is meant the dictionary, and of those that have it the few lists it needs. A trace that is stored again gets a new entry, in the block that is
/// open; its row says which block counts.
struct OpenIndexBlock {
    let number: Int
    private(set) var entries: [IndexEntry] = []
    private(set) var isWritten = true

    static let mostEntries = 512
    /// Of one trace; the rest cannot be searched for.
    static let mostTerms = 256

    init(number: Int) { self.number = number }

    var isFull: Bool { entries.count >= Self.mostEntries }

    /// `isNew` says that no entry of the trace is here.
    mutating func put(_ entry: IndexEntry, isNew: Bool) {
        isWritten = false
        if !isNew, let place = entries.lastIndex(where: { $0.trace == entry.trace }) {
            entries[place] = entry
        } else {
            entries.append(entry)
        }
    }

    func terms(of trace: Int) -> [Term] {
        entries.last { $0.trace == trace }?.terms ?? []
    }

    mutating func wasWritten() { isWritten = true }

    struct Encoded {
        var head: IndexHead
        var firstTrace = Int.max
        var lastTrace = 0
        var dictionary: [UInt8] = []
        var fixed: [UInt8] = []
        var lists: [UInt8] = []
    }

    func encoded() -> Encoded {
        var encoded = Encoded(head: IndexHead(number: number))
        var fixed = Packer(capacity: entries.count * 24)
        var lists = TermLists(expecting: entries.reduce(0) { $0 + $1.terms.count })
        for (place, entry) in entries.enumerated() {
            encoded.firstTrace = min(encoded.firstTrace, entry.trace)
            encoded.lastTrace = max(encoded.lastTrace, entry.trace)
            encoded.head.include(start: entry.start, duration: entry.duration)
            fixed.fixed(entry.start)
            fixed.fixed(entry.duration)
            fixed.fixed(UInt64(entry.trace))
            for term in entry.terms.prefix(Self.mostTerms) {
                lists.add(term.hash, to: UInt16(place))
            }
        }
        let ordered = lists.ordered()
        var dictionary = Packer(capacity: ordered.terms.count * 8)
        var packed = Packer(capacity: ordered.terms.count * 4 + ordered.entries.count * 2)
        for (hash, end) in ordered.terms {
            dictionary.fixed(hash)
            encoded.head.include(term: hash)
            packed.fixed(UInt32(end))
        }
        for entry in ordered.entries { packed.fixed(entry) }
        encoded.dictionary = dictionary.bytes
        encoded.fixed = fixed.bytes
        encoded.lists = packed.bytes
        return encoded
    }
}

/// Reads the parts of a block. Nonsense reads as a block without that term.
enum IndexBlockReading {
    /// The place of a term in a dictionary.
    static func find(_ term: Term, in dictionary: UnsafeRawBufferPointer) -> Int? {
        var low = 0
        var high = dictionary.count / 8
        while low < high {
            let middle = (low &+ high) / 2
            let found = unsafe word(dictionary, middle)
            if found == term.hash { return middle }
            if found < term.hash { low = middle &+ 1 } else { high = middle }
        }
        return nil
    }

    static func word(_ bytes: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        unsafe UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self))
    }

    /// Which traces of the block have the term at `place`, ascending.
    static func list(
        _ place: Int, of terms: Int, in lists: UnsafeRawBufferPointer
    ) -> [UInt16] {
        let head = terms * 4
        guard place < terms, lists.count >= head else { return [] }
        let start = place == 0 ? 0 : unsafe end(lists, place - 1)
        let end = unsafe end(lists, place)
        guard start <= end, head + end * 2 <= lists.count else { return [] }
        return (start..<end).map { index in
            unsafe UInt16(
                littleEndian: lists.loadUnaligned(
                    fromByteOffset: head + index * 2, as: UInt16.self))
        }
    }

    private static func end(_ lists: UnsafeRawBufferPointer, _ place: Int) -> Int {
        unsafe Int(
            UInt32(
                littleEndian: lists.loadUnaligned(fromByteOffset: place * 4, as: UInt32.self)))
    }

    /// The terms of the trace with this number, wherever it stands in the block.
    static func terms(
        of trace: Int, dictionary: UnsafeRawBufferPointer, fixed: UnsafeRawBufferPointer,
        lists: UnsafeRawBufferPointer
    ) -> [Term] {
        let entries = fixed.count / 24
        let entry = (0..<entries).last { unsafe word(fixed, $0 * 3 + 2) == UInt64(trace) }
        guard let entry else { return [] }
        let terms = dictionary.count / 8
        return (0..<terms).compactMap { place in
            unsafe list(place, of: terms, in: lists).contains(UInt16(entry))
                ? Term(hash: word(dictionary, place)) : nil
        }
    }
}
