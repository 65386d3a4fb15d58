public import RoostCore
public import RoostWire

/// Bytes of one accepted request on their way to destinations, which share them.
///
/// The slices, one after the other, are one valid `Export…ServiceRequest`. The memory belongs to
/// their blocks, whose reservations in the budget end with the last destination that holds them.
public struct Payload: Sendable {
    public let signal: Signal
    /// Well-formed items inside.
    public let items: Int
    public let slices: [ByteSlice]
    /// Length of all slices.
    public let bytes: Int
    /// Where it lies in a queue on disk; nil in memory. Pieces have that of the whole.
    var sequence: UInt64?
    /// Of half a payload: the shortest request that one of its items makes alone; 0 where that is not
    /// known.
    var leastBytes = 0
    /// For pieces, whose blocks carry none of their own.
    private let reservation: MemoryReservation?

    /// Whether it lies before `sequence` in its queue on disk.
    func isBefore(_ sequence: UInt64) -> Bool { self.sequence.map { $0 < sequence } ?? false }

    public init(signal: Signal, items: Int, slices: [ByteSlice]) {
        self.init(signal: signal, items: items, slices: slices, reservation: nil)
    }

    public init(signal: Signal, items: Int, block: ByteBlock) {
        self.init(signal: signal, items: items, slices: [block.slice])
    }

    init(signal: Signal, items: Int, slices: [ByteSlice], reservation: MemoryReservation?) {
        self.signal = signal
        self.items = items
        self.slices = slices
        self.reservation = reservation
        bytes = slices.reduce(0) { $0 + $1.count }
    }
}
