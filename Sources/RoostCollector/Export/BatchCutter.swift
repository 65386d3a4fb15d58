import RoostCore
import RoostWire

/// Cuts batches into smaller ones, between items.
enum BatchCutter {
    /// There was no memory for the pieces.
    struct NoMemory: Error {}

    /// The payloads of each piece, none larger than `maxBytes` unless one item alone is, or their
    /// headers nearly are; then they are in halves. Payloads that fit stay as they are; larger ones
    /// are copied apart, with memory taken from `share`.
    static func cut(
        _ batch: ExportBatch, maxBytes: Int, share: MemoryBudget.Share
    ) throws(NoMemory) -> [[Payload]] {
        let isRefused = batch.wantedBytes != nil
        var pieces: [[Payload]] = []
        var bytes = 0
        for payload in batch.payloads {
            for part in try parts(
                of: payload, maxBytes: maxBytes, isRefused: isRefused, share: share)
            {
                if pieces.isEmpty || bytes + part.bytes > maxBytes {
                    pieces.append([])
                    bytes = 0
                }
                pieces[pieces.count - 1].append(part)
                bytes += part.bytes
            }
        }
        return pieces
    }

    private static func parts(
        of payload: Payload, maxBytes: Int, isRefused: Bool, share: MemoryBudget.Share
    ) throws(NoMemory) -> [Payload] {
        guard payload.bytes > maxBytes, payload.items > 1 else { return [payload] }
        let body = try joined(payload.slices, share: share)
        let most = 2 * payload.bytes
        var plan = unsafe body.withBytes {
            unsafe SplitPlan(
                cutting: $0, signal: payload.signal, maxBytes: maxBytes, maxTotalBytes: most)
        }
        // Headers that fill most of a piece. Halves go on one by one, so that what is repeated at
        // any time is a few times the headers, not once for each item.
        if plan.pieceCount < 2, isRefused {
            plan = unsafe body.withBytes { unsafe SplitPlan(halving: $0, signal: payload.signal) }
        }
        guard plan.pieceCount > 1 else { return [payload] }
        guard let own = share.reserve(plan.ownBytes),
            let reservation = share.reserve(plan.totalBytes)
        else { throw NoMemory() }
        let pieces = withExtendedLifetime(own) {
            unsafe body.withBytes { unsafe plan.pieces(of: $0) }
        }
        return pieces.map { piece in
            var part = Payload(
                signal: payload.signal, items: piece.items, slices: [piece.bytes.slice],
                reservation: reservation)
            part.sequence = payload.sequence
            part.leastBytes = piece.leastBytes
            return part
        }
    }

    /// One slice that holds them all; no copy when there is one.
    private static func joined(
        _ slices: [ByteSlice], share: MemoryBudget.Share
    ) throws(NoMemory) -> ByteSlice {
        if slices.count == 1 { return slices[0] }
        let total = slices.reduce(0) { $0 + $1.count }
        guard let reservation = share.reserve(total) else { throw NoMemory() }
        let block = unsafe ByteBlock(capacity: total, reservation: reservation) { target in
            var offset = 0
            for slice in slices {
                unsafe slice.withBytes { bytes in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...])
                        .copyMemory(from: bytes)
                }
                offset += slice.count
            }
            return offset
        }
        return block.slice
    }
}
