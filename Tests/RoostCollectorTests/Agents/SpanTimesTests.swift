import RoostIngest
import Testing

/// What is made of the times that a span tells.
@Suite struct SpanTimesTests {
    private static let day: UInt64 = 86_400_000_000_000
    private static let start: UInt64 = 1_790_000_000_000_000_000

    @Test(arguments: [1, 60, 365] as [UInt64])
    func `days are a long time and none that is mended`(days: UInt64) throws {
        let span = OneSpan(start: Self.start, end: Self.start + days * Self.day)
        let found = try span.read().activity
        #expect(found.start == Self.start)
        #expect(found.end - found.start == days * Self.day)
        #expect(found.flags.isDisjoint(with: [.isMendedTime, .isInstant]))
    }

    /// Start, end, and the moment that is left.
    private static let nonsense: [[UInt64]] = [
        [start, start - 1, start], [start, 0, start], [.max, 1, .max], [0, start, start],
        [1, start, start], [start, start + 366 * day, start + 366 * day], [start, .max, .max],
    ]

    @Test(arguments: nonsense)
    func `of nonsense nobody knows how long it took`(_ times: [UInt64]) throws {
        let found = try OneSpan(start: times[0], end: times[1]).read().activity
        #expect([found.start, found.end] == [times[2], times[2]])
        #expect(found.flags.isSuperset(of: [.isMendedTime, .isInstant]))
    }

    @Test func `a span without times is a moment long ago`() throws {
        let found = try OneSpan(start: 0, end: 0).read().activity
        #expect((found.start, found.end) == (0, 0))
    }

    // MARK: time to the first token

    private func untilFirstToken(
        _ text: String, end: UInt64 = start + 10_000_000_000
    ) throws -> UInt64 {
        try OneSpan(
            start: Self.start, end: end,
            attributes: [
                "langfuse.observation.type": ["stringValue": "generation"],
                "langfuse.observation.completion_start_time": ["stringValue": text],
            ]
        ).read().activity.timeToFirstToken
    }

    /// The span begins at 2026-09-21T14:13:20Z.
    @Test(arguments: [
        ("2026-09-21T14:13:20.250Z", 250_000_000), ("\"2026-09-21T14:13:21Z\"", 1_000_000_000),
        ("2026-09-21T14:13:20.123456789Z", 123_456_789),
        ("2026-09-21T16:13:20.5+02:00", 500_000_000),
        ("2026-09-21T08:43:20.5-05:30", 500_000_000),
        ("2026-09-21 14:13:20.5Z", 500_000_000),
    ])
    func `the moment of the first token is read`(_ text: String, _ nanoseconds: UInt64) throws {
        #expect(try untilFirstToken(text) == nanoseconds)
    }

    @Test(arguments: [
        "2026-09-21T14:13:19Z", "2026-09-21T14:13:21", "2026-09-21T14:13:31Z", "soon", "", "\"",
        "2026-09-21",
        "2026-09-21T14:13:20.Z", "2026-13-21T14:13:21Z", "2026-09-21T14:13:21Zulu",
        "9999-09-21T14:13:21Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00+23:59",
        String(repeating: "2", count: 1_000),
    ])
    func `what lies outside of the call or is no time tells nothing`(_ text: String) throws {
        #expect(try untilFirstToken(text) == 0)
    }

    @Test func `of a call whose time is mended nothing is told`() throws {
        #expect(try untilFirstToken("2026-09-21T14:13:21Z", end: Self.start - 1) == 0)
    }
}
