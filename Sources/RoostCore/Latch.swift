import Glibc

/// Lets one thread wait until others have said "done" a number of times. Any thread.
@safe public final class Latch: @unchecked Sendable {
    // Sendable: `remaining` is touched under `mutex` only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var remaining: Int

    /// Opens after `count` calls of `countDown`.
    public init(_ count: Int) {
        remaining = count
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    public func countDown() {
        unsafe pthread_mutex_lock(mutex)
        remaining -= 1
        if remaining <= 0 { unsafe pthread_cond_broadcast(condition) }
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits until the latch is open, or until `monotonicNanoseconds()` has reached `deadline`;
    /// answers whether it is open.
    @discardableResult
    public func wait(untilMonotonic deadline: UInt64) -> Bool {
        var time = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while remaining > 0 {
            if unsafe pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT {
                return remaining <= 0
            }
        }
        return true
    }
}
