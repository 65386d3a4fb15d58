/// The Unix nanoseconds of a moment as RFC 3339 writes it, `2026-11-20T08:15:00.25+01:00`; nil when
/// it is none, or before 1970 or after 2261.
///
/// Digits beyond the ninth of a fraction are left out; a second 60 is taken for the one after 59.
public func unixNanoseconds(rfc3339 text: some StringProtocol) -> UInt64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.count <= 64 else { return nil }
    func number(_ place: Int, _ digits: Int) -> Int? {
        guard place + digits <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[place..<place + digits] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
    guard bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74 || bytes[10] == 0x20,
        bytes[13] == 0x3A, bytes[16] == 0x3A,
        let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
        let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
        (1970...2261).contains(year), (1...12).contains(month),
        (1...daysOfMonth(year, month)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var place = 19
    var fraction = 0
    if bytes[place] == 0x2E {
        place += 1
        var unit = 100_000_000
        let first = place
        while place < bytes.count, let digit = number(place, 1) {
            fraction += digit * unit
            unit /= 10
            place += 1
        }
        guard place > first else { return nil }
    }
    guard place < bytes.count, let offset = zoneOffset(bytes[place...]) else { return nil }
    let days = daysSinceEpoch(year, month, day)
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    guard seconds >= 0, seconds < Int.max / 1_000_000_000 else { return nil }
    return UInt64(seconds) * 1_000_000_000 + UInt64(fraction)
}

/// Seconds that a zone is ahead of UTC: `Z` or `+01:00`.
private func zoneOffset(_ zone: ArraySlice<UInt8>) -> Int? {
    let bytes = Array(zone)
    if bytes.count == 1, bytes[0] | 0x20 == 0x7A { return 0 }
    guard bytes.count == 6, bytes[0] == 0x2B || bytes[0] == 0x2D, bytes[3] == 0x3A else {
        return nil
    }
    let digits = [1, 2, 4, 5].map { Int(bytes[$0]) - 0x30 }
    guard digits.allSatisfy({ (0...9).contains($0) }) else { return nil }
    let hours = digits[0] * 10 + digits[1]
    let minutes = digits[2] * 10 + digits[3]
    guard hours < 24, minutes < 60 else { return nil }
    return (bytes[0] == 0x2D ? -1 : 1) * (hours * 3_600 + minutes * 60)
}

private func daysOfMonth(_ year: Int, _ month: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

/// Counts in years that begin in March, as `rfc3339` does.
private func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = year / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}
