/// When the series of one family last counted, as those who look at them see it.
///
/// Series have numbers from 0 on and only ever are appended, until the family begins anew.
struct SeriesActivity: Sendable {
    private var seen: [(mark: UInt64, since: UInt64)] = []

    /// Takes in `count` series as they are `now`, in nanoseconds of any clock that does not run
    /// backwards. `mark` changes whenever a series counts something.
    mutating func note(count: Int, now: UInt64, mark: (_ number: Int) -> UInt64) {
        if count < seen.count { seen = [] }
        for number in 0..<count {
            let mark = mark(number)
            if number == seen.count {
                seen.append((mark, now))
            } else if seen[number].mark != mark {
                seen[number] = (mark, now)
            }
        }
    }

    /// Which series have counted nothing for longer than `expiry` nanoseconds; those that were never
    /// noted have not.
    func isQuiet(_ number: Int, now: UInt64, expiry: UInt64) -> Bool {
        number < seen.count && now &- seen[number].since > expiry
    }
}
