/// The Unix nanoseconds of a moment as RFC 3339 writes it, `2026-11-20T08:15:00.25+01:00`; nil when
/// it is none, or before 1970 or after 2261.
///
/// Digits beyond the ninth of a fraction are left out; a second 60 is taken for the one after 59.
public func unixNanoseconds(rfc3339 text: some StringProtocol) -> UInt64? {
    unixNanoseconds(rfc3339: Array(text.utf8).span)
}

/// The same of a text's bytes, without taking memory.
public func unixNanoseconds(rfc3339 text: Span<UInt8>) -> UInt64? {
    guard text.count >= 20, text.count <= 64, text[4] == 0x2D, text[7] == 0x2D,
        text[10] | 0x20 == 0x74 || text[10] == 0x20, text[13] == 0x3A, text[16] == 0x3A,
        let year = number(text, 0, 4), let month = number(text, 5, 2),
        let day = number(text, 8, 2), let hour = number(text, 11, 2),
        let minute = number(text, 14, 2), let second = number(text, 17, 2),
        (1970...2261).contains(year), (1...12).contains(month),
        (1...daysOfMonth(year, month)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    var place = 19
    var fraction = 0
    if text[place] == 0x2E {
        place += 1
        var unit = 100_000_000
        let first = place
        while let digit = number(text, place, 1) {
            fraction += digit * unit
            unit /= 10
            place += 1
        }
        guard place > first else { return nil }
    }
    guard let offset = zoneOffset(text, place) else { return nil }
    let days = daysSinceEpoch(year, month, day)
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset
    guard seconds >= 0, seconds < Int.max / 1_000_000_000 else { return nil }
    return UInt64(seconds) * 1_000_000_000 + UInt64(fraction)
}

private func number(_ text: Span<UInt8>, _ place: Int, _ digits: Int) -> Int? {
    guard place + digits <= text.count else { return nil }
    var value = 0
    for index in place..<place + digits {
        guard (0x30...0x39).contains(text[index]) else { return nil }
        value = value * 10 + Int(text[index] - 0x30)
    }
    return value
}

/// Seconds that the zone at the end of a text is ahead of UTC: `Z` or `+01:00`.
private func zoneOffset(_ text: Span<UInt8>, _ place: Int) -> Int? {
    let count = text.count - place
    if count == 1, text[place] | 0x20 == 0x7A { return 0 }
    guard count == 6, text[place] == 0x2B || text[place] == 0x2D, text[place + 3] == 0x3A,
        let hours = number(text, place + 1, 2), let minutes = number(text, place + 4, 2),
        hours < 24, minutes < 60
    else { return nil }
    return (text[place] == 0x2D ? -1 : 1) * (hours * 3_600 + minutes * 60)
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
