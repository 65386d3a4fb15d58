import RoostCore
import Testing

@Suite struct TimeParsingTests {
    @Test(arguments: [
        0, 1, 951_782_400_000_000_000, 1_763_712_930_123_456_789, 4_102_444_800_000_000_000,
    ])
    func `a moment that is written is read`(time: UInt64) {
        #expect(unixNanoseconds(rfc3339: rfc3339(unixNanoseconds: time)) == time)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_763_712_930_003_456_789, "2025-11-21T08:15:30.003456789Z"),
        (UInt64.max, "2554-07-21T23:34:33.709551615Z"),
    ])
    func `a moment is written with nine decimals`(time: UInt64, expected: String) {
        #expect(rfc3339(unixNanoseconds: time) == expected)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01t01:00:00.5+01:00", 500_000_000),
        ("2000-02-29T12:00:00-00:30", 951_827_400_000_000_000),
        ("1970-01-01 00:00:01z", 1_000_000_000),
    ])
    func `zones and fractions`(text: String, expected: UInt64) {
        #expect(unixNanoseconds(rfc3339: text) == expected)
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00",
        "1969-12-31T23:59:59Z", "2026-01-01T00:00:00Z ", "9999-01-01T00:00:00Z",
        "1970-01-01T00:00:00+01:00",
    ])
    func `what is no moment is none`(text: String) {
        #expect(unixNanoseconds(rfc3339: text) == nil)
    }
}
