/// When the series of one family last counted, as those who look at them see it, and whether
/// Prometheus has been shown that.
///
/// Series have numbers from 0 on and only ever are appended, until the family begins anew.
struct SeriesActivity: Sendable {
    private var seen: [(mark: UInt64, since: UInt64, wasShown: Bool)] = []

    /// Takes in `count` series as they are `now`, in nanoseconds of any clock that does not run
    /// backwards. `mark` changes whenever a series counts something.
    mutating func note(count: Int, now: UInt64, mark: (_ number: Int) -> UInt64) {
        if count < seen.count { seen = [] }
        for number in 0..<count {
            let mark = mark(number)
            if number == seen.count {
                seen.append((mark, now, false))
            } else if seen[number].mark != mark {
                seen[number] = (mark, now, false)
            }
        }
    }

    /// Prometheus is shown all that this series has counted.
    mutating func noteShown(_ number: Int) {
        if number < seen.count { seen[number].wasShown = true }
    }

    /// Which series have counted nothing for longer than `expiry` nanoseconds; those that were never
    /// noted have not.
    ///
    /// `afterShown`: nor have those with something that Prometheus, which may look less often than
    /// that, has not been shown.
    func isQuiet(
        _ number: Int, now: UInt64, expiry: UInt64, afterShown: Bool = false
    ) -> Bool {
        guard number < seen.count, now &- seen[number].since > expiry else { return false }
        return seen[number].wasShown || !afterShown
    }
}
