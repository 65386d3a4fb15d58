import Glibc
import RoostCore
import Synchronization

/// What opening a queue does about a disk that does not give something: asks for it again, since
/// what it does not get is lost.
///
/// A disk that is away is away for all files at once, so there are so many tries for all of them.
final class OpeningTries: Sendable {
    private let left: Mutex<Int>
    private let pause: Duration

    init(_ settings: SegmentLogSettings) {
        left = Mutex(settings.openTries)
        pause = settings.openPause
    }

    /// Waits before the next try; false when there is none left.
    func again() -> Bool {
        let isLeft = left.withLock { left in
            defer { left = max(0, left - 1) }
            return left > 0
        }
        if isLeft, pause > .zero { usleep(UInt32(clamping: pause.nanoseconds / 1_000)) }
        return isLeft
    }
}
