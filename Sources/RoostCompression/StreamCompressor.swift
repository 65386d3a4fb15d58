import CZlib
import CZstd

/// Compresses a body that is made piece by piece. One thread at a time.
@safe public final class StreamCompressor {
    @safe private enum Engine {
        case identity
        case gzip(UnsafeMutablePointer<z_stream>)
        case zstd(OpaquePointer)
    }

    private let engine: Engine
    private var room = [UInt8](repeating: 0, count: 64 << 10)

    public init(_ coding: ContentCoding) {
        switch coding {
        case .identity: engine = .identity
        case .gzip:
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            unsafe stream.initialize(to: z_stream())
            // Level 1: the pages it is for shrink by 20 to 1 at any level.
            let code = unsafe roost_deflate_init_gzip(stream, 1)
            precondition(code == Z_OK, "no memory for a compressor")
            engine = unsafe .gzip(stream)
        case .zstd:
            guard let stream = unsafe ZSTD_createCStream() else {
                preconditionFailure("no memory for a compressor")
            }
            unsafe ZSTD_initCStream(stream, 1)
            engine = unsafe .zstd(stream)
        }
    }

    deinit {
        switch engine {
        case .identity: break
        case .gzip(let stream):
            unsafe deflateEnd(stream)
            unsafe stream.deallocate()
        case .zstd(let stream): unsafe ZSTD_freeCStream(stream)
        }
    }

    /// Appends to `output` what `bytes` bring forth, and with `finish` the end of the stream.
    public func compress(_ bytes: [UInt8], finish: Bool, into output: inout [UInt8]) {
        switch engine {
        case .identity: output.append(contentsOf: bytes)
        case .gzip(let stream): unsafe deflate(stream, bytes, finish: finish, into: &output)
        case .zstd(let stream): unsafe compress(stream, bytes, finish: finish, into: &output)
        }
    }

    private func deflate(
        _ stream: UnsafeMutablePointer<z_stream>, _ bytes: [UInt8], finish: Bool,
        into output: inout [UInt8]
    ) {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe stream.pointee.next_in = unsafe UnsafeMutablePointer(
                mutating: input.baseAddress)
            unsafe stream.pointee.avail_in = uInt(input.count)
            var isFull = true
            while isFull {
                let made = unsafe room.withUnsafeMutableBufferPointer { target in
                    unsafe stream.pointee.next_out = target.baseAddress
                    unsafe stream.pointee.avail_out = uInt(target.count)
                    unsafe CZlib.deflate(stream, finish ? Z_FINISH : Z_NO_FLUSH)
                    return unsafe target.count - Int(stream.pointee.avail_out)
                }
                output.append(contentsOf: room[..<made])
                isFull = made == room.count
            }
        }
    }

    private func compress(
        _ stream: OpaquePointer, _ bytes: [UInt8], finish: Bool, into output: inout [UInt8]
    ) {
        unsafe bytes.withUnsafeBytes { input in
            var source = unsafe ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var isDone = false
            while !isDone {
                let (made, left) = unsafe room.withUnsafeMutableBytes { target in
                    var sink = unsafe ZSTD_outBuffer(
                        dst: target.baseAddress, size: target.count, pos: 0)
                    let left = unsafe ZSTD_compressStream2(
                        stream, &sink, &source, finish ? ZSTD_e_end : ZSTD_e_continue)
                    return unsafe (sink.pos, left)
                }
                output.append(contentsOf: room[..<made])
                let failed = ZSTD_isError(left) != 0
                isDone = unsafe failed || (finish ? left == 0 : source.pos == source.size)
            }
        }
    }
}
