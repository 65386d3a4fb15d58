/// When insights are worked out again.
///
/// What was told since is to show at once, beside the figures of the same moment; but a long history
/// makes it dear. So it takes a hundredth of a processor at most, and is done now and then when
/// nothing comes, since windows grow old, too. Times are monotonic nanoseconds.
struct InsightClock {
    /// Something was told that was not looked at.
    var hasNews = false
    private var due: UInt64 = 0
    private var idleDue: UInt64 = 0

    private static let share: UInt64 = 100
    private static let longestRest: UInt64 = 15_000_000_000

    /// Whether it is time; then what was told is looked at.
    mutating func begin(_ now: UInt64) -> Bool {
        guard now >= (hasNews ? due : idleDue) else { return false }
        hasNews = false
        return true
    }

    mutating func end(began: UInt64, now: UInt64) {
        idleDue = now &+ Self.longestRest
        due = now &+ min((now &- began) &* Self.share, Self.longestRest)
    }
}
