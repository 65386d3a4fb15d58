import RoostCore

/// The keys of attributes met lately, each with what its owner made of it.
///
/// Spans of one program carry the same keys again and again. One look and one compare finds what a
/// key means, and tells besides that it is text. A key has two places; when both are taken it puts
/// out what stands in the second.
///
/// One thread's. Copies share its memory, which its owner frees.
@safe @frozen public struct KeyMemo {
    @frozen @usableFromInline struct Entry {
        /// What an attribute with this key begins with: the tag of the key and its length.
        @usableFromInline var head: UInt16
        @usableFromInline var meaning: UInt32

        @inlinable init(head: UInt16, meaning: UInt32) {
            self.head = head
            self.meaning = meaning
        }

        /// A place where no key stands: no attribute of less than 128 bytes has so long a key.
        @usableFromInline static var none: Entry { Entry(head: 0xFF0A, meaning: 0) }
    }

    /// An attribute in its usual shape whose key was met lately.
    @frozen public struct Attribute {
        /// What the owner of the memo made of the key.
        public let meaning: UInt32
        public let value: AnyValueView

        @inlinable init(meaning: UInt32, value: AnyValueView) {
            self.meaning = meaning
            self.value = value
        }
    }

    @usableFromInline let entries: UnsafeMutablePointer<Entry>
    @usableFromInline let text: UnsafeMutablePointer<UInt8>
    @usableFromInline let short = ShortText()

    /// Longer keys are not remembered.
    @usableFromInline static var longest: Int { @inlinable get { 64 } }
    @usableFromInline static var placeBits: UInt64 { @inlinable get { 10 } }
    private static let places = 1 << Int(placeBits)

    public init() {
        unsafe entries = .allocate(capacity: Self.places)
        unsafe text = .allocate(capacity: Self.places * Self.longest)
        unsafe text.initialize(repeating: 0, count: Self.places * Self.longest)
        unsafe entries.initialize(repeating: .none, count: Self.places)
    }

    public func free() {
        unsafe entries.deallocate()
        unsafe text.deallocate()
        short.free()
    }

    /// Forgets everything.
    public func clear() {
        unsafe entries.update(repeating: .none, count: Self.places)
    }

    /// Reads and validates the attributes that `fields` begins with, for as long as each is one that
    /// `attribute` reads; `tag` is that of the attributes' field. Answers how many bytes they take.
    @inlinable @inline(__always)
    public func forEachAttribute(
        in fields: WireBytes, tag: UInt8, before end: UnsafeRawPointer,
        _ body: (Attribute) -> Void
    ) -> Int {
        var place = 0
        while fields.count &- place >= 2, unsafe fields.base[place] == tag {
            let count = unsafe Int(fields.base[place &+ 1])
            let start = place &+ 2
            guard count < 0x80, count <= fields.count &- start else { break }
            let keyValue = unsafe WireBytes(base: fields.base + start, count: count)
            guard let attribute = unsafe attribute(keyValue, before: end) else { break }
            body(attribute)
            place = start &+ count
        }
        return place
    }

    /// Reads and validates a KeyValue if its key was met lately and its value is a string, a number
    /// or a truth value with lengths of a single byte, all text ASCII; nil says nothing about it.
    ///
    /// It is shorter than 128 bytes, and all that comes up to `end` can be read. Compares and checks 32 bytes at once, whatever the
    /// length: a processor guesses the lengths of texts wrong, and each wrong guess costs as much
    /// as ten compares. Measured: 2.5 ns an attribute.
    @inlinable @inline(__always)
    public func attribute(_ keyValue: WireBytes, before end: UnsafeRawPointer) -> Attribute? {
        let bytes = unsafe UnsafeRawPointer(keyValue.base)
        // The longest key, the longest value that is read at once, and what stands between.
        guard unsafe end - bytes >= 128 else { return nil }
        let head = unsafe bytes.loadUnaligned(as: UInt16.self)
        let count = Int(head &>> 8)
        // At least a tag, a length and a tag and a byte of the value follow the key.
        guard keyValue.count &- count >= 6 else { return nil }
        var place = unsafe Self.place(ShortText.hash(bytes + 2, count: count))
        if unsafe !isAt(place, head, bytes + 2, count) {
            place ^= 1
            guard unsafe isAt(place, head, bytes + 2, count) else { return nil }
        }
        let meaning = unsafe entries[place].meaning
        // Tag and length of the value, tag and first byte of its member.
        let value = unsafe bytes + (count &+ 2)
        let rest = keyValue.count &- count &- 4
        guard rest < 0x80, unsafe value.load(as: UInt8.self) == 0x12,
            unsafe Int(value.load(fromByteOffset: 1, as: UInt8.self)) == rest
        else { return nil }
        let tag = unsafe value.load(fromByteOffset: 2, as: UInt8.self)
        var view = AnyValueView()
        if tag == 0x0A {
            let length = unsafe Int(value.load(fromByteOffset: 3, as: UInt8.self))
            guard length &+ 2 == rest, unsafe short.isASCII(value + 4, count: length) else {
                return nil
            }
            view.payload = unsafe WireBytes(
                base: (value + 4).assumingMemoryBound(to: UInt8.self), count: length)
            view.kind = .string
            return Attribute(meaning: meaning, value: view)
        }
        if tag == 0x18 || tag == 0x10 {
            // Up to four bytes, each but the last of which goes on.
            guard rest >= 2, rest <= 5 else { return nil }
            let length = UInt32(truncatingIfNeeded: rest &- 1)
            let word =
                unsafe value.loadUnaligned(fromByteOffset: 3, as: UInt32.self)
                & (UInt32.max &>> (32 &- 8 &* length))
            guard word & 0x8080_8080 == 0x0080_8080 &>> (32 &- 8 &* length) else { return nil }
            let bits =
                word & 0x7F | (word & 0x7F00) &>> 1 | (word & 0x7F_0000) &>> 2
                | (word & 0x7F00_0000) &>> 3
            view.kind = tag == 0x18 ? .int : .bool
            view.bits = tag == 0x18 || bits == 0 ? UInt64(bits) : 1
            return Attribute(meaning: meaning, value: view)
        }
        if tag == 0x2A { return unsafe list(meaning, value, rest) }
        guard tag == 0x21, rest == 9 else { return nil }
        view.bits = unsafe UInt64(
            littleEndian: value.loadUnaligned(fromByteOffset: 3, as: UInt64.self))
        view.kind = .double
        return Attribute(meaning: meaning, value: view)
    }

    /// The value that begins at `value` with `rest` bytes behind its length, if it is a list of one
    /// short text.
    @inlinable @inline(__always)
    func list(_ meaning: UInt32, _ value: UnsafeRawPointer, _ rest: Int) -> Attribute? {
        // Tag and length of the list, of its element, of the text.
        guard rest >= 6, rest <= 38 else { return nil }
        let lengths = unsafe value.loadUnaligned(fromByteOffset: 2, as: UInt64.self)
        let wanted =
            UInt64(rest &- 2) &<< 8 | UInt64(rest &- 4) &<< 24 | UInt64(rest &- 6) &<< 40
            | 0x000A_000A_002A
        guard lengths & 0xFFFF_FFFF_FFFF == wanted,
            unsafe short.isASCII(value + 8, count: rest &- 6)
        else { return nil }
        var view = AnyValueView()
        view.payload = unsafe WireBytes(
            base: (value + 2).assumingMemoryBound(to: UInt8.self), count: rest)
        view.kind = .array
        return Attribute(meaning: meaning, value: view)
    }

    /// Whether a key stands at a place.
    @inlinable @inline(__always)
    func isAt(_ place: Int, _ head: UInt16, _ key: UnsafeRawPointer, _ count: Int) -> Bool {
        guard unsafe entries[place].head == head else { return false }
        return unsafe short.isSame(key, text + place &* Self.longest, count: count)
    }

    /// What a key means that was not recognised; `ask` is called if it has not been met lately. Only
    /// for keys that are UTF-8.
    public func search(_ key: WireBytes, ask: (WireBytes) -> UInt32) -> UInt32 {
        guard key.count <= Self.longest else { return ask(key) }
        let head = 0x0A | UInt16(truncatingIfNeeded: key.count) &<< 8
        var place = Self.place(ShortText.hash(alone: key))
        for _ in 0..<2 {
            if unsafe entries[place].head == head
                && memoryIsEqual(key.base, text + place * Self.longest, count: key.count)
            {
                return unsafe entries[place].meaning
            }
            place ^= 1
        }
        if unsafe entries[place].head != Entry.none.head { place ^= 1 }
        unsafe (text + place * Self.longest).update(from: key.base, count: key.count)
        unsafe entries[place] = Entry(head: head, meaning: ask(key))
        return unsafe entries[place].meaning
    }

    @inlinable @inline(__always)
    static func place(_ hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash &>> (64 &- placeBits))
    }
}
