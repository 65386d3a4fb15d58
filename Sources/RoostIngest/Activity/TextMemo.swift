import RoostCore
import RoostWire

/// Where the texts met lately stand in the batch at hand, and what the tables make of them.
///
/// Names of agents, models and tools come again and again: each is put among the texts of a batch
/// once. One thread's. Its memory is its owner's, who frees it.
@safe struct TextMemo {
    /// What a text was said of, where the tables say more about it.
    enum Role: UInt8 { case plain, provider, model }

    struct Entry {
        var count: UInt8
        var role: Role
        /// Of the batch in which `ref` stands.
        var batch: UInt32
        var ref: TextRef
        /// What the tables make of it: the index of a provider, or one of those below.
        var meaning: Int32

        static let unasked: Int32 = -1
        /// The tables do not have it.
        static let unknown: Int32 = -2
        /// A framework's own name, which stands for no provider.
        static let nobody: Int32 = -3
    }

    /// 256 places by hash; what comes to a place that is taken puts out what was there.
    private let entries: UnsafeMutablePointer<Entry>
    private let text: UnsafeMutableRawPointer
    private let short = ShortText()

    /// Longer texts are not remembered.
    static let longest = 64
    private static let places = 256
    private static let empty = Entry(
        count: 0, role: .plain, batch: 0, ref: .none, meaning: Entry.unasked)

    init() {
        unsafe entries = .allocate(capacity: Self.places)
        unsafe entries.initialize(repeating: Self.empty, count: Self.places)
        unsafe text = .allocate(byteCount: Self.places * Self.longest, alignment: 64)
        unsafe text.initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.places * Self.longest)
    }

    func free() {
        unsafe entries.deallocate()
        unsafe text.deallocate()
        short.free()
    }

    /// Forgets everything, because the tables are others now.
    func clear() { unsafe entries.update(repeating: Self.empty, count: Self.places) }

    /// The entry of a text of 1 to `longest` bytes, made if it is new. `isInside` says that eight
    /// bytes before it and 64 from its beginning on can be read.
    @inline(__always)
    func find(
        _ bytes: WireBytes, _ role: Role, isInside: Bool
    ) -> UnsafeMutablePointer<Entry> {
        let base = unsafe UnsafeRawPointer(bytes.base)
        let hash =
            isInside
            ? unsafe ShortText.hash(base, count: bytes.count) : ShortText.hash(alone: bytes)
        // A model may be called like its provider.
        let place =
            (Int(truncatingIfNeeded: hash >> 40) &+ Int(role.rawValue) &* 37) & (Self.places - 1)
        let entry = unsafe entries + place
        if unsafe Int(entry.pointee.count) == bytes.count,
            unsafe entry.pointee.role == role
        {
            let known = unsafe text + place * Self.longest
            let isSame =
                isInside
                ? unsafe short.isSame(base, known, count: bytes.count)
                : unsafe memoryIsSame(base, known, count: bytes.count)
            if isSame { return unsafe entry }
        }
        unsafe make(entry, place, bytes, role)
        return unsafe entry
    }

    @inline(never)
    private func make(
        _ entry: UnsafeMutablePointer<Entry>, _ place: Int, _ bytes: WireBytes, _ role: Role
    ) {
        unsafe (text + place * Self.longest).copyMemory(
            from: bytes.base, byteCount: bytes.count)
        unsafe entry.pointee = Entry(
            count: UInt8(truncatingIfNeeded: bytes.count), role: role, batch: 0,
            ref: .none, meaning: Entry.unasked)
    }
}
