import RoostCore

/// The bytes of a request body and how far they have been read: a gRPC prefix if there is one, then
/// the slices in order. They are never joined.
struct Upload {
    private let prefix: [UInt8]
    private let slices: [ByteSlice]
    /// Length of everything.
    let total: Int
    /// Bytes read so far.
    private(set) var position = 0
    private var slice = 0
    /// Inside `slices[slice]`.
    private var offset = 0

    init(_ request: ClientRequest) {
        let bytes = request.bodyBytes
        slices = request.body
        prefix = Self.prefix(request.flavour, bytes: bytes)
        total = prefix.count + bytes
    }

    var isComplete: Bool { position == total }

    /// Copies the next bytes, as many as fit, and answers how many; 0 at the end.
    mutating func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        var written = 0
        while position < prefix.count, written < target.count {
            unsafe target[written] = prefix[position]
            position += 1
            written += 1
        }
        while slice < slices.count, written < target.count {
            let current = slices[slice]
            let part = min(current.count - offset, target.count - written)
            unsafe current.withBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[written..<written + part])
                    .copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + part]))
            }
            written += part
            position += part
            offset += part
            if offset == current.count {
                slice += 1
                offset = 0
            }
        }
        return written
    }

    /// Moves to `target` bytes from the start; false when that is outside.
    mutating func seek(to target: Int) -> Bool {
        guard target >= 0, target <= total else { return false }
        position = target
        slice = 0
        offset = max(0, target - prefix.count)
        while slice < slices.count, offset >= slices[slice].count {
            offset -= slices[slice].count
            slice += 1
        }
        return true
    }

    /// Compressed flag and length, for gRPC. gRPC over HTTP2, "Length-Prefixed-Message".
    private static func prefix(_ flavour: ClientRequest.Flavour, bytes: Int) -> [UInt8] {
        guard case .grpc(let compression) = flavour else { return [] }
        let length = UInt32(clamping: bytes)
        return [compression == nil ? 0 : 1]
            + stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: length >> $0) }
    }
}
