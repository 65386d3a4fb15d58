import Glibc

/// Ends one thread's wait before its time. Any thread.
@safe public final class WakeUp: @unchecked Sendable {
    // Sendable: `isSet` is touched under `mutex` only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    private var isSet = false

    public init() {
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

    /// Ends the wait under way, or the next one.
    public func signal() {
        unsafe pthread_mutex_lock(mutex)
        let wasSet = isSet
        isSet = true
        unsafe pthread_mutex_unlock(mutex)
        // Not before: whoever wakes up would have to wait for the mutex.
        if !wasSet { unsafe pthread_cond_signal(condition) }
    }

    /// Waits for a signal, or until `monotonicNanoseconds()` has reached `deadline`.
    public func wait(untilMonotonic deadline: UInt64) {
        var time = timespec(
            tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
        unsafe pthread_mutex_lock(mutex)
        while !isSet {
            if unsafe pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { break }
        }
        isSet = false
        unsafe pthread_mutex_unlock(mutex)
    }
}
