public import RoostCore

/// A part of a request that is a request itself.
public struct SplitPiece: Sendable {
    public let bytes: ByteBlock
    /// Spans, data points or log records in it.
    public let items: Int
}

/// Cuts a validated request into requests of at most `maxBytes`, between items.
public func split(_ body: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int) -> [SplitPiece] {
    []
}
