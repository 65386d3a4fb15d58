public import RoostCore

/// Bytes inside a request, borrowed.
///
/// Valid only while the visitor or the closure that was given them runs: copy what must stay.
@safe @frozen public struct WireBytes {
    public let base: UnsafePointer<UInt8>
    public let count: Int

    @inlinable @inline(__always)
    public init(base: UnsafePointer<UInt8>, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    /// No bytes; `base` must not be read.
    @inlinable @inline(__always)
    public static var empty: WireBytes {
        unsafe WireBytes(base: UnsafePointer(bitPattern: 16).unsafelyUnwrapped, count: 0)
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    @inlinable public var buffer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: base, count: count)
    }

    /// A copy as text. What is not UTF-8 is replaced; the readers have refused it before.
    public var string: String {
        unsafe String(decoding: buffer, as: UTF8.self)
    }

    /// A copy.
    public var array: [UInt8] { unsafe [UInt8](buffer) }

    /// Whether these are exactly the bytes of `text`.
    @inlinable @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        unsafe count == text.utf8CodeUnitCount
            && memoryIsEqual(base, text.utf8Start, count: count)
    }

    /// Whether both hold the same bytes.
    @inlinable @inline(__always)
    public func equals(_ other: WireBytes) -> Bool {
        unsafe count == other.count && memoryIsEqual(base, other.base, count: count)
    }

    /// Whether every byte is zero; true when there is none.
    @inlinable @inline(__always)
    public var isZero: Bool {
        let raw = unsafe UnsafeRawPointer(base)
        var offset = 0
        var seen: UInt64 = 0
        while count &- offset >= 8 {
            seen |= unsafe raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        while offset < count {
            seen |= UInt64(unsafe raw.load(fromByteOffset: offset, as: UInt8.self))
            offset &+= 1
        }
        return seen == 0
    }
}
