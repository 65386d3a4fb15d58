import CUV
import Glibc
import Synchronization

/// A listening socket on a loop, which goes on when the process runs out of descriptors.
///
/// `uv_listen` does not: it closes a descriptor that it keeps for this, and when another thread takes
/// that one first, it asks the kernel again and again without returning to its loop, whose connections
/// then stand still. Here a listener that can neither take a connection nor turn it away looks
/// elsewhere for a moment, and everything else on the loop goes on.
///
/// Loop thread only, but for `init`.
@safe final class Listener {
    private let descriptor: CInt
    private let loop: EventLoop
    private let taken: (CInt) -> Void
    private let turnedAway: () -> Void
    private var handle: UnsafeMutablePointer<uv_poll_t>?
    private var pause: LoopTimer?

    /// So many are taken before those that are connected have a turn.
    private static let longestTurn = 64
    private static let pauseMilliseconds: UInt64 = 100

    /// Owns `descriptor`, which listens and does not block.
    ///
    /// `taken` owns what it is called with; `turnedAway` is called for each connection that is closed
    /// at once because no descriptor is free.
    init(
        _ descriptor: CInt, loop: EventLoop, taken: @escaping (CInt) -> Void,
        turnedAway: @escaping () -> Void
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.taken = taken
        self.turnedAway = turnedAway
    }

    /// Begins to listen; holds itself until `close`. False when the loop has no room for it.
    func start() -> Bool {
        SpareDescriptor.keep()
        let handle = UnsafeMutablePointer<uv_poll_t>.allocate(capacity: 1)
        guard unsafe uv_poll_init(loop.uv, handle, descriptor) == 0 else {
            unsafe handle.deallocate()
            Glibc.close(descriptor)
            return false
        }
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe self.handle = handle
        pause = LoopTimer(loop: loop) { [unowned self] in watch() }
        watch()
        return true
    }

    /// Closes the socket; what waits in it is reset by the kernel. Once.
    func close() {
        guard let handle = unsafe handle else { return }
        unsafe self.handle = nil
        pause?.cancel()
        pause = nil
        unsafe uv_poll_stop(handle)
        Glibc.close(descriptor)
        unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)) {
            guard let closed = unsafe $0 else { return }
            if let data = unsafe closed.pointee.data {
                unsafe Unmanaged<Listener>.fromOpaque(data).release()
            }
            unsafe UnsafeMutableRawPointer(closed).deallocate()
        }
    }

    private func watch() {
        guard let handle = unsafe handle else { return }
        unsafe uv_poll_start(handle, CInt(UV_READABLE.rawValue), Listener.onReadable)
    }

    private static let onReadable: uv_poll_cb = { handle, _, _ in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<Listener>.fromOpaque(data).takeUnretainedValue().takeSome()
    }

    private func takeSome() {
        // What is left makes the loop call again.
        for _ in 0..<Listener.longestTurn where unsafe handle != nil {
            let connection = accept(descriptor, nil, nil)
            guard connection < 0 else {
                _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
                taken(connection)
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE:
                guard SpareDescriptor.turnAway(descriptor) else { return lookElsewhere() }
                turnedAway()
            case ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK: return lookElsewhere()
            // The fault of one connection, which is gone.
            default: continue
            }
        }
    }

    private func lookElsewhere() {
        guard let handle = unsafe handle else { return }
        unsafe uv_poll_stop(handle)
        pause?.start(afterMilliseconds: Listener.pauseMilliseconds, repeatMilliseconds: 0)
    }
}

/// One descriptor of the process that is given up for a moment to close a connection that there is no
/// descriptor for, so that the peer learns of it at once.
private enum SpareDescriptor {
    private static let spare = Mutex<CInt>(-1)

    static func keep() { spare.withLock { $0 = $0 >= 0 ? $0 : open() } }

    /// Takes one connection and closes it; false when none was taken: another thread had use for the
    /// descriptor first.
    static func turnAway(_ listener: CInt) -> Bool {
        spare.withLock { spare in
            if spare >= 0 { Glibc.close(spare) }
            let connection = accept(listener, nil, nil)
            if connection >= 0 { Glibc.close(connection) }
            spare = open()
            return connection >= 0
        }
    }

    private static func open() -> CInt { unsafe Glibc.open("/", O_RDONLY | O_CLOEXEC) }
}
