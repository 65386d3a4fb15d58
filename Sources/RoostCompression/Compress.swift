import CDeflate
import CZstd
public import RoostCore

/// The slices, one after the other, as one compressed block.
///
/// libdeflate at level 4, zstd at level 3. Without memory for it the answer is the bytes as they
/// are, which the caller sees by the second value.
public func compress(_ slices: [ByteSlice], _ coding: ContentCoding) -> ByteBlock {
    let total = slices.reduce(0) { $0 + $1.count }
    let joined: ByteSlice =
        slices.count == 1 ? slices[0] : join(slices, total: total).slice
    switch coding {
    case .identity: return slices.count == 1 ? join(slices, total: total) : joined.block
    case .gzip: return gzip(joined)
    case .zstd: return zstd(joined)
    }
}

private func join(_ slices: [ByteSlice], total: Int) -> ByteBlock {
    unsafe ByteBlock(capacity: total) { target in
        var offset = 0
        for slice in slices {
            unsafe slice.withBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset...])
                    .copyMemory(from: bytes)
                offset += bytes.count
            }
        }
        return offset
    }
}

private func gzip(_ slice: ByteSlice) -> ByteBlock {
    guard let compressor = unsafe libdeflate_alloc_compressor(4) else {
        preconditionFailure("no memory for a compressor")
    }
    defer { unsafe libdeflate_free_compressor(compressor) }
    return unsafe slice.withBytes { bytes in
        let bound = unsafe libdeflate_gzip_compress_bound(compressor, bytes.count)
        return unsafe ByteBlock(capacity: bound) { target in
            unsafe libdeflate_gzip_compress(
                compressor, bytes.baseAddress, bytes.count, target.baseAddress, target.count)
        }
    }
}

private func zstd(_ slice: ByteSlice) -> ByteBlock {
    unsafe slice.withBytes { bytes in
        let bound = ZSTD_compressBound(bytes.count)
        return unsafe ByteBlock(capacity: bound) { target in
            // A target of the bound's size leaves it nothing to fail on but memory.
            let made = unsafe ZSTD_compress(
                target.baseAddress, target.count, bytes.baseAddress, bytes.count, 3)
            precondition(ZSTD_isError(made) == 0, "no memory for a compressor")
            return made
        }
    }
}
