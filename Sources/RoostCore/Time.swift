import Glibc

/// Nanoseconds since the Unix epoch, by the wall clock, which may jump.
public func unixNanoseconds() -> UInt64 { read(CLOCK_REALTIME) }

/// Nanoseconds of a clock that never runs backwards; its zero means nothing.
public func monotonicNanoseconds() -> UInt64 { read(CLOCK_MONOTONIC) }

/// Nanoseconds of CPU that the calling thread has used.
public func threadCPUNanoseconds() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

/// Nanoseconds of CPU that all threads of the process have used together.
public func processCPUNanoseconds() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

private func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// A moment as RFC 3339 in UTC with nine decimals, `2026-11-20T08:15:00.000000000Z`.
public func rfc3339(unixNanoseconds time: UInt64) -> String {
    let seconds = Int(time / 1_000_000_000)
    let (year, month, day) = civilDate(daysSinceEpoch: seconds / 86_400)
    let second = seconds % 86_400
    return unsafe String(unsafeUninitializedCapacity: 30) { text in
        var place = 0
        func put(_ number: Int, _ width: Int, _ behind: Unicode.Scalar) {
            var rest = number
            for offset in (0..<width).reversed() {
                unsafe text[place + offset] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            }
            unsafe text[place + width] = UInt8(ascii: behind)
            place += width + 1
        }
        put(year, 4, "-")
        put(month, 2, "-")
        put(day, 2, "T")
        put(second / 3_600, 2, ":")
        put(second / 60 % 60, 2, ":")
        put(second % 60, 2, ".")
        put(Int(time % 1_000_000_000), 9, "Z")
        return place
    }
}

/// The Gregorian date of a day at or after 1970-01-01.
///
/// Counts in years that begin in March, so that the leap day is the last one, and in eras of 400
/// years, which all have 146,097 days.
private func civilDate(daysSinceEpoch: Int) -> (year: Int, month: Int, day: Int) {
    let days = daysSinceEpoch + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}
