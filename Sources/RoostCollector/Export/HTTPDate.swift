/// Reads the date form of `Retry-After` as seconds since the Unix epoch; nil for anything else. RFC
/// 9110 §5.6.7 obliges to read all three forms:
///
///     Sun, 06 Nov 1994 08:49:37 GMT
///     Sunday, 06-Nov-94 08:49:37 GMT     RFC 850
///     Sun Nov  6 08:49:37 1994           asctime
///
/// A year of two digits that seems to be more than 50 years ahead of `now`, in the same seconds, was
/// meant in the century before.
func httpDateSeconds(_ text: String, now: Int) -> Int? {
    let parts = text.split(separator: " ")
    let hasComma = parts.first?.hasSuffix(",") == true
    switch parts.count {
    case 6 where hasComma && parts[5] == "GMT":
        return seconds(
            year: number(parts[3], 1970...9999), month: parts[2], day: parts[1], time: parts[4])
    case 4 where hasComma && parts[3] == "GMT":
        let date = parts[1].split(separator: "-", omittingEmptySubsequences: false)
        guard date.count == 3, date[2].utf8.count == 2, let short = number(date[2], 0...99) else {
            return nil
        }
        let thisYear = 1970 + now / 31_556_952
        var year = thisYear - thisYear % 100 + short
        if year > thisYear + 50 { year -= 100 }
        // Around the turn of a century the next one may be meant.
        if year <= thisYear - 50 { year += 100 }
        return seconds(
            year: year, month: date[1], day: date[0], time: parts[2])
    case 5 where !hasComma:
        return seconds(
            year: number(parts[4], 1970...9999), month: parts[1], day: parts[2], time: parts[3])
    default: return nil
    }
}

private func seconds(year: Int?, month: Substring, day: Substring, time: Substring) -> Int? {
    guard let year, let month = monthNames.firstIndex(of: String(month)),
        let day = number(day, 1...31)
    else { return nil }
    let clock = time.split(separator: ":", omittingEmptySubsequences: false)
    guard clock.count == 3, let hour = number(clock[0], 0...23),
        let minute = number(clock[1], 0...59), let second = number(clock[2], 0...60)
    else { return nil }
    let days = daysSinceEpoch(year: year, month: month + 1, day: day)
    return days * 86_400 + hour * 3_600 + minute * 60 + second
}

private let monthNames = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]

private func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
    guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let value = Int(text),
        range.contains(value)
    else { return nil }
    return value
}

/// Days from 1970-01-01 to a Gregorian date, counted in years that begin in March.
private func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear / 400
    let yearOfEra = shiftedYear % 400
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
}
