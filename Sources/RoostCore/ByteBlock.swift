import Glibc

/// An immutable run of bytes that several owners may hold at once: a received body, a frame made
/// for it, a batch on its way out.
///
/// It is filled once, by `init(capacity:fill:)`, and never written again, which is what makes it
/// safe to share between threads. Its bytes are freed, and its reservation in the budget given
/// back, when the last owner lets go.
@safe public final class ByteBlock: @unchecked Sendable {
    // Sendable: `base` is written only inside `init`, before any other thread can hold the object.
    @usableFromInline let base: UnsafeMutableRawPointer
    public let count: Int
    private let reservation: MemoryReservation?

    /// Makes a block of at most `capacity` bytes; `fill` writes them and answers how many it wrote.
    ///
    /// `reservation` is held for as long as the block lives.
    public init<Failure: Error>(
        capacity: Int, reservation: consuming MemoryReservation? = nil,
        fill: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) {
        let base = UnsafeMutableRawPointer.allocate(
            byteCount: max(capacity, 1), alignment: 16)
        do {
            let written = unsafe try fill(
                UnsafeMutableRawBufferPointer(start: base, count: capacity))
            precondition(written >= 0 && written <= capacity)
            self.count = written
        } catch {
            unsafe base.deallocate()
            throw error
        }
        unsafe self.base = base
        self.reservation = reservation
    }

    /// Copies `bytes`.
    public convenience init(_ bytes: [UInt8], reservation: consuming MemoryReservation? = nil) {
        unsafe self.init(capacity: bytes.count, reservation: reservation) { target in
            unsafe target.copyBytes(from: bytes)
            return bytes.count
        }
    }

    /// Copies `bytes`.
    public convenience init(
        copying bytes: UnsafeRawBufferPointer, reservation: consuming MemoryReservation? = nil
    ) {
        unsafe self.init(capacity: bytes.count, reservation: reservation) { target in
            unsafe target.copyMemory(from: bytes)
            return bytes.count
        }
    }

    /// Takes over `base`, which `UnsafeMutableRawPointer.allocate` made, and its first `count` bytes.
    @unsafe public init(
        adopting base: UnsafeMutableRawPointer, count: Int,
        reservation: consuming MemoryReservation? = nil
    ) {
        unsafe self.base = base
        self.count = count
        self.reservation = reservation
    }

    deinit { unsafe base.deallocate() }

    /// Lends the bytes; the pointer is valid until `body` returns.
    @inlinable public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// What is reserved for it, which may be more than it holds.
    public var reservedBytes: Int { reservation?.bytes ?? 0 }

    /// A copy, for tests and small answers.
    public var array: [UInt8] { unsafe withBytes { unsafe [UInt8]($0) } }

    /// The whole block as a slice.
    public var slice: ByteSlice { ByteSlice(block: self, offset: 0, count: count) }
}

/// A part of a block, holding the block alive.
public struct ByteSlice: Sendable {
    public let block: ByteBlock
    public let offset: Int
    public let count: Int

    /// `offset` and `count` must lie inside the block.
    public init(block: ByteBlock, offset: Int, count: Int) {
        precondition(offset >= 0 && count >= 0 && offset + count <= block.count)
        self.block = block
        self.offset = offset
        self.count = count
    }

    /// Lends the bytes; the pointer is valid until `body` returns.
    @inlinable public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe try block.withBytes { bytes throws(Failure) in
            unsafe try body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
        }
    }

    /// A copy, for tests and small answers.
    public var array: [UInt8] { unsafe withBytes { unsafe [UInt8]($0) } }
}
