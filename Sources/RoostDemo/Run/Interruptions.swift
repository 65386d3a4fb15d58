import Glibc

/// SIGINT and SIGTERM, taken as wishes to come to an end.
///
/// Made before any other thread, so that all inherit the blocked signals and only `wait` sees
/// them. Used by one thread.
@safe struct Interruptions {
    private var signals = sigset_t()
    private var before = sigset_t()

    init() {
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe pthread_sigmask(SIG_BLOCK, &signals, &before)
    }

    /// Lets signals do again what they did before.
    mutating func end() { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }

    /// Sleeps for `nanoseconds`; true as soon as one of the signals came.
    mutating func wait(nanoseconds: Int64) -> Bool {
        let whole = max(0, nanoseconds)
        var time = timespec(
            tv_sec: Int(whole / 1_000_000_000), tv_nsec: Int(whole % 1_000_000_000))
        return unsafe sigtimedwait(&signals, nil, &time) > 0
    }
}
