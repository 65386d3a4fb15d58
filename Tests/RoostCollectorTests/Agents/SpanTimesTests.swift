import RoostIngest
import Testing

/// What is made of the times that a span tells.
@Suite struct SpanTimesTests {
    private static let day: UInt64 = 86_400_000_000_000
    private static let start: UInt64 = 1_790_000_000_000_000_000

    @Test func `a day is a long time and none that is mended`() throws {
        let span = OneSpan(start: Self.start, end: Self.start + Self.day)
        let found = try span.read().activity
        #expect(found.end - found.start == Self.day)
        #expect(found.flags.isDisjoint(with: [.isMendedTime, .isInstant]))
    }

    /// Start, end, and the moment that is left.
    private static let nonsense: [[UInt64]] = [
        [start, start - 1, start], [start, 0, start], [.max, 1, .max], [0, start, start],
        [1, start, start], [start, start + 31 * day, start + 31 * day], [start, .max, .max],
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
}
