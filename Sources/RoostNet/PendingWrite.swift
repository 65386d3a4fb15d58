import CUV
import Glibc

/// Bytes that the socket did not take at once, and libuv's record of writing them.
///
/// The connection holds it until the write's callback, which libuv calls before the socket's close
/// callback even when the connection is closed meanwhile.
@safe final class PendingWrite {
    private let request: UnsafeMutablePointer<uv_write_t>
    private let bytes: UnsafeMutableRawBufferPointer
    var progress = PeerProgress(untaken: 0, now: 0)

    var count: Int { unsafe bytes.count }

    init(_ bytes: UnsafeRawBufferPointer) {
        unsafe request = .allocate(capacity: 1)
        unsafe request.initialize(to: uv_write_t())
        unsafe self.bytes = .allocate(byteCount: bytes.count, alignment: 16)
        unsafe self.bytes.copyMemory(from: bytes)
    }

    deinit {
        unsafe request.deallocate()
        unsafe bytes.deallocate()
    }

    func start(
        on stream: UnsafeMutablePointer<uv_stream_t>, now: UInt64, _ done: uv_write_cb
    ) -> Bool {
        var buffer = unsafe uv_buf_init(
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(clamping: bytes.count))
        guard unsafe uv_write(request, stream, &buffer, 1, done) == 0 else { return false }
        progress = unsafe PeerProgress(untaken: untakenBytes(of: stream), now: now)
        return true
    }
}

/// Bytes that wait in libuv or in the system until the peer's system has taken them.
func untakenBytes(of stream: UnsafeMutablePointer<uv_stream_t>) -> Int {
    var inSystem: CInt = 0
    if let descriptor = unsafe descriptorOf(stream) {
        // Sent ones stay there until they are acknowledged; tcp(7), SIOCOUTQ.
        _ = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &inSystem)
    }
    return unsafe uv_stream_get_write_queue_size(stream) + Int(inSystem)
}

/// The socket's; nil when it is closed.
func descriptorOf(_ stream: UnsafeMutablePointer<uv_stream_t>) -> CInt? {
    var descriptor: CInt = -1
    let found = unsafe uv_fileno(
        UnsafeMutableRawPointer(stream).assumingMemoryBound(to: uv_handle_t.self), &descriptor)
    return found == 0 ? descriptor : nil
}
