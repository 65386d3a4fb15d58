import Glibc

/// The signals that the program answers in its main thread, one at a time, instead of in a handler.
///
/// Made before any other thread, which then inherits that the signals are blocked. signal(7).
public struct SignalWaiter: Sendable {
    private let signals: [CInt]

    public static let terminate: CInt = SIGTERM
    public static let interrupt: CInt = SIGINT
    public static let hangUp: CInt = SIGHUP

    /// Blocks the signals in the calling thread and all that it starts from now on.
    public init(_ signals: [CInt]) {
        self.signals = signals
        SignalWaiter.block(signals)
    }

    /// Blocks the signals for a waiter that is made later; what comes until then waits for it.
    public static func block(_ signals: [CInt]) {
        var set = mask(signals)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Waits for one of the signals and answers which.
    public func next() -> CInt {
        var set = SignalWaiter.mask(signals)
        var signal: CInt = 0
        while unsafe sigwait(&set, &signal) != 0 {}
        return signal
    }

    private static func mask(_ signals: [CInt]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        return set
    }
}
