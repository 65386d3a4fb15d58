import RoostCore
import RoostIngest

/// The texts of traces as Strings, each made once. Numbers hold until `begin`.
struct TraceTexts {
    private(set) var strings: [String] = [""]
    private var byHash: [UInt64: Int32] = [:]
    private var byteCount = 0
    /// Where in the batch at hand the texts met lately stand, by place.
    private var recent: [Recent]

    private struct Recent {
        var ref = TextRef.none
        var number: Int32 = 0
    }

    private static let places = 512
    private static let mostTexts = 16_384
    private static let mostBytes = 1 << 20

    init() {
        recent = [Recent](repeating: Recent(), count: Self.places)
    }

    /// To be called before each batch. Says whether numbers given before still hold.
    mutating func begin() -> Bool {
        for place in recent.indices { recent[place] = Recent() }
        guard strings.count > Self.mostTexts || byteCount > Self.mostBytes else { return true }
        strings = [""]
        byHash = [:]
        byteCount = 0
        return false
    }

    /// The number of a text; 0 is the empty one.
    @inline(__always)
    mutating func number(_ ref: TextRef, _ batch: ActivityBatch) -> Int32 {
        if ref.isEmpty { return 0 }
        let place = Int((ref.offset &+ ref.count &* 31) & UInt32(Self.places - 1))
        let known = recent[place]
        if known.ref == ref { return known.number }
        let number = find(batch.bytes(ref))
        recent[place] = Recent(ref: ref, number: number)
        return number
    }

    private mutating func find(_ bytes: ArraySlice<UInt8>) -> Int32 {
        let hash = unsafe bytes.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: 0x7472) }
        if let known = byHash[hash] { return known }
        let number = Int32(truncatingIfNeeded: strings.count)
        strings.append(String(decoding: bytes, as: UTF8.self))
        byteCount &+= bytes.count
        byHash[hash] = number
        return number
    }

    @inline(__always)
    mutating func text(_ ref: TextRef, _ batch: ActivityBatch) -> String {
        let number = number(ref, batch)
        return strings[Int(number)]
    }

    subscript(number: Int32) -> String { strings[Int(number)] }
}
