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
        guard let first = share.reserve(payload.bytes) else { throw NoMemory() }
        let body = joined(payload.slices)
        var pieces = unsafe body.withBytes {
            unsafe split(
                $0, signal: payload.signal, maxBytes: maxBytes, maxTotalBytes: 2 * payload.bytes)
        }
        // Headers that fill most of a piece. Halves go on one by one, so that what is repeated at
        // any time is a few times the headers, not once for each item.
        if pieces.count == 1, isRefused {
            pieces = unsafe body.withBytes { unsafe splitInHalves($0, signal: payload.signal) }
        }
        guard pieces.count > 1 else { return [payload] }
        // Repeated headers may have made it more than there was.
        let total = pieces.reduce(0) { $0 + $1.bytes.count }
        guard let reservation = total <= payload.bytes ? first : share.reserve(total) else {
            throw NoMemory()
        }
        return pieces.map { piece in
            var part = Payload(
                signal: payload.signal, items: piece.items, slices: [piece.bytes.slice],
                reservation: reservation)
            part.sequence = payload.sequence
            return part
        }
    }

    /// One slice that holds them all; no copy when there is one.
    private static func joined(_ slices: [ByteSlice]) -> ByteSlice {
        if slices.count == 1 { return slices[0] }
        let total = slices.reduce(0) { $0 + $1.count }
        let block = unsafe ByteBlock(capacity: total) { target in
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
