import RoostCore
import RoostWire

/// Numbers by short texts; made once, then only asked. One probe for most texts that it lacks.
///
/// Open addressing over twice to four times as many slots as entries; a slot holds 32 bits of the
/// hash, so that only a likely hit is compared. The hash looks at the first, middle and last eight
/// bytes alone: texts are this program's tables, and a stranger's that collide cost one compare.
/// No class, so that looking up counts no references: its owner frees it.
@safe struct ByteMap: @unchecked Sendable {
    // Sendable: nothing is written after `init`.
    private struct Slot {
        /// 0 is free.
        var tag: UInt32
        var entry: UInt32
    }

    private struct Entry {
        var offset: UInt32
        var count: UInt32
        var value: UInt32
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let entries: UnsafeMutablePointer<Entry>
    private let text: UnsafeMutablePointer<UInt8>
    private let mask: Int
    /// Longer texts are not here.
    private let longest: Int
    let count: Int

    /// Of a text given twice the first number counts.
    init(_ pairs: [(String, UInt32)]) {
        var capacity = 16
        while capacity < pairs.count * 4 { capacity *= 2 }
        mask = capacity - 1
        let bytes = pairs.map { Array($0.0.utf8) }
        longest = bytes.map(\.count).max() ?? 0
        unsafe slots = .allocate(capacity: capacity)
        unsafe slots.initialize(repeating: Slot(tag: 0, entry: 0), count: capacity)
        unsafe entries = .allocate(capacity: max(pairs.count, 1))
        unsafe entries.initialize(
            repeating: Entry(offset: 0, count: 0, value: 0), count: max(pairs.count, 1))
        let length = max(bytes.reduce(0) { $0 + $1.count }, 1)
        unsafe text = .allocate(capacity: length)
        unsafe text.initialize(repeating: 0, count: length)
        var next = 0
        var offset = 0
        for (key, pair) in zip(bytes, pairs) {
            let hash = ByteMap.hash(key)
            var place = Int(truncatingIfNeeded: hash >> 32) & mask
            let tag = UInt32(truncatingIfNeeded: hash) | 1
            var isKnown = false
            while unsafe slots[place].tag != 0 {
                let entry = unsafe entries[Int(slots[place].entry)]
                let known = unsafe UnsafeBufferPointer(
                    start: text + Int(entry.offset), count: Int(entry.count))
                if unsafe known.elementsEqual(key) { isKnown = true }
                place = (place + 1) & mask
            }
            if isKnown { continue }
            for (index, byte) in key.enumerated() { unsafe text[offset + index] = byte }
            unsafe entries[next] = Entry(
                offset: UInt32(offset), count: UInt32(key.count), value: pair.1)
            unsafe slots[place] = Slot(tag: tag, entry: UInt32(next))
            offset += key.count
            next += 1
        }
        count = next
    }

    func free() {
        unsafe slots.deallocate()
        unsafe entries.deallocate()
        unsafe text.deallocate()
    }

    /// The number of exactly these bytes.
    @inline(__always)
    func find(_ bytes: WireBytes) -> UInt32? {
        guard bytes.count <= longest else { return nil }
        let hash = unsafe ByteMap.hash(UnsafeRawPointer(bytes.base), bytes.count)
        let tag = UInt32(truncatingIfNeeded: hash) | 1
        var place = Int(truncatingIfNeeded: hash >> 32) & mask
        while true {
            let slot = unsafe slots[place]
            if slot.tag == 0 { return nil }
            if slot.tag == tag {
                let entry = unsafe entries[Int(slot.entry)]
                if Int(entry.count) == bytes.count,
                    unsafe memoryIsEqual(
                        text + Int(entry.offset), bytes.base, count: bytes.count)
                {
                    return entry.value
                }
            }
            place = (place &+ 1) & mask
        }
    }

    func find(_ text: StaticString) -> UInt32? {
        unsafe find(WireBytes(base: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// The number of these bytes with capital letters made small; for texts of up to 64 bytes.
    func findFolded(_ bytes: WireBytes) -> UInt32? {
        guard bytes.count <= min(longest, 64) else { return nil }
        return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            guard let base = buffer.baseAddress else { return nil }
            for index in 0..<bytes.count {
                let byte = unsafe bytes.base[index]
                unsafe base[index] = byte &- 0x41 < 26 ? byte | 0x20 : byte
            }
            return unsafe find(WireBytes(base: base, count: bytes.count))
        }
    }

    private static func hash(_ key: [UInt8]) -> UInt64 {
        unsafe key.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe hash(base, buffer.count)
        }
    }

    /// Of the first, the middle and the last eight bytes and the length, or of all if fewer.
    @inline(__always)
    static func hash(_ base: UnsafeRawPointer, _ count: Int) -> UInt64 {
        var word: UInt64
        if count >= 8 {
            let last = unsafe base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
            let middle = unsafe base.loadUnaligned(
                fromByteOffset: (count &- 8) &>> 1, as: UInt64.self)
            word = unsafe base.loadUnaligned(as: UInt64.self)
            word ^= last &<< 23 | last &>> 41
            word ^= middle &<< 47 | middle &>> 17
        } else if count >= 4 {
            let first = unsafe base.loadUnaligned(as: UInt32.self)
            let last = unsafe base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            word = UInt64(first) | UInt64(last) &<< 32
        } else {
            word = 0
            var offset = 0
            while offset < count {
                word = word &<< 8 | UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self))
                offset &+= 1
            }
        }
        let state = (word &+ UInt64(truncatingIfNeeded: count)) &* 0x9E37_79B9_7F4A_7C15
        return state ^ state &>> 32
    }
}
