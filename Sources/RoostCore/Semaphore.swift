import Glibc

/// A counting semaphore that begins at 0, for a thread that waits for another one. Any thread.
@safe public final class Semaphore: @unchecked Sendable {
    // Sendable: a POSIX semaphore is made for several threads, and its memory does not move.
    private let pointer = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    public init() { unsafe _ = sem_init(pointer, 0, 0) }

    deinit {
        unsafe _ = sem_destroy(pointer)
        unsafe pointer.deallocate()
    }

    /// Lets one `wait` pass, now or later.
    public func signal() { unsafe _ = sem_post(pointer) }

    /// Returns after a `signal`, or earlier when a signal of the system interrupts it.
    public func wait() { unsafe _ = sem_wait(pointer) }
}
