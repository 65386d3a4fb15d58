public import RoostCore

/// A part of a request that is a request itself.
public struct SplitPiece: Sendable {
    public let bytes: ByteBlock
    /// Spans, data points or log records in it.
    public let items: Int
    /// Of a half: the shortest request that one of its items makes alone; 0 where that is not known.
    public var leastBytes = 0
}

/// Cuts a validated request into requests of at most `maxBytes`, between items.
///
/// As `SplitPlan(cutting:)` finds them. When the pieces would together be larger than
/// `maxTotalBytes`, the answer is the whole request as one piece.
public func split(
    _ body: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int, maxTotalBytes: Int = .max
) -> [SplitPiece] {
    if unsafe body.isEmpty { return [] }
    if body.count > maxBytes {
        let plan = unsafe SplitPlan(
            cutting: body, signal: signal, maxBytes: maxBytes, maxTotalBytes: maxTotalBytes)
        if plan.pieceCount > 0 { return unsafe plan.pieces(of: body) }
    }
    return unsafe [
        SplitPiece(bytes: ByteBlock(copying: body), items: countItems(body, signal: signal))
    ]
}

/// Cuts a validated request with several items into two, as `SplitPlan(halving:)` finds them.
public func splitInHalves(_ body: UnsafeRawBufferPointer, signal: Signal) -> [SplitPiece] {
    unsafe SplitPlan(halving: body, signal: signal).pieces(of: body)
}

/// How a validated request is cut between items, found before anything of it is copied: so that the
/// memory can be asked for first.
public struct SplitPlan {
    private let sizes: [Int]
    private let limits: Splitter.Limits
    private let signal: Signal
    /// Of all pieces together.
    public let totalBytes: Int
    /// What is taken beside them while they are made.
    public let ownBytes: Int

    /// None when they would be larger than they may be.
    public var pieceCount: Int { sizes.count }

    /// Pieces of at most `maxBytes`.
    ///
    /// Each repeats the resource and scope it needs with all their other fields, unknown ones too; a
    /// piece of a metric repeats its name, unit and so on. An item that is larger than `maxBytes` with
    /// its headers stands alone. Entries without items are kept once. Where the headers fill more than
    /// half a piece nothing is cut, so that repeating them cannot make much of little. Headers about as
    /// large as `maxBytes` would be repeated for every item: `maxTotalBytes` bounds that.
    public init(
        cutting body: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int,
        maxTotalBytes: Int = .max
    ) {
        let limits = Splitter.Limits(bytes: maxBytes, totalBytes: maxTotalBytes)
        unsafe self.init(body, signal, limits)
    }

    /// Two pieces with about half of the items each, of which there are several.
    ///
    /// Headers are repeated, however large they are: together the parts are less than twice as long as
    /// the request. Where a metric that cannot be cut holds most of the items there are one or three.
    public init(halving body: UnsafeRawBufferPointer, signal: Signal) {
        let items = unsafe countItems(body, signal: signal)
        unsafe self.init(body, signal, Splitter.Limits(items: (items + 1) / 2))
    }

    private init(_ body: UnsafeRawBufferPointer, _ signal: Signal, _ limits: Splitter.Limits) {
        var splitter = Splitter(signal: signal, limits: limits)
        unsafe splitter.visit(WireCursor(body))
        self.limits = limits
        self.signal = signal
        sizes = splitter.isTooMuch ? [] : splitter.sizes
        totalBytes = splitter.totalBytes
        ownBytes = splitter.mostGatheredBytes
    }

    /// `body` is the request that the plan was made for.
    public func pieces(of body: UnsafeRawBufferPointer) -> [SplitPiece] {
        if sizes.isEmpty { return [] }
        var splitter = Splitter(signal: signal, limits: limits, writing: sizes)
        unsafe splitter.visit(WireCursor(body))
        return splitter.pieces
    }
}
