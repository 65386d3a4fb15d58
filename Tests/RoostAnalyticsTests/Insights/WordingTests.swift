import Testing

@testable import RoostAnalytics

@Suite struct WordingTests {
    @Test(arguments: [(1, "1 s"), (11, "11 s"), (200, "3 min 20 s")])
    func `failures close together are told with the time that they are many for`(
        seconds: UInt64, length: String
    ) {
        let start: UInt64 = 1_795_162_500_000_000_000
        let cluster = FailureCluster(
            start: start, end: start + seconds * 1_000_000_000, count: 242, expected: 3,
            confidence: 1, component: .tool, errorType: "", share: 0, agents: [], failureIDs: [])
        #expect(
            Insight(cluster).text
                == "242 failures happened within \(length), from 2026-11-20 08:15 UTC on, "
                + "where 3 were to be expected in that time.")
    }

    @Test(
        arguments: [
            (0, "0 s"), (0.0001, "under 1 ms"), (0.85, "850 ms"), (0.9999, "1 s"), (4.25, "4.3 s"),
            (59.7, "60 s"), (200, "3 min 20 s"), (3_600, "1 h"), (7_500, "2 h 5 min"),
            (200_000, "2 d 8 h"), (.nan, "an unknown time"),
        ] as [(Double, String)])
    func `durations have the unit that fits`(_ seconds: Double, _ text: String) {
        #expect(Wording.duration(seconds) == text)
    }

    @Test(
        arguments: [
            (0, "$0"), (12.345, "$12.35"), (0.0123, "$0.01"), (0.0045, "$0.0045"),
            (0.000012, "$0.000012"), (1e-9, "under $0.000001"), (12_345.6, "$12,345.60"),
        ] as [(Double, String)])
    func `dollars have the decimals that say something`(_ amount: Double, _ text: String) {
        #expect(Wording.dollars(amount) == text)
    }

    @Test func `one is singular and thousands are set apart`() {
        #expect(Wording.count(1, "call") == "1 call")
        #expect(Wording.count(0, "call") == "0 calls")
        #expect(Wording.count(12_345, "call") == "12,345 calls")
        #expect(Wording.count(2, "retry", "retries") == "2 retries")
    }

    @Test(
        arguments: [
            (0, "0 %"), (0.0004, "under 0.1 %"), (0.025, "2.5 %"), (0.5, "50 %"),
            (0.994, "99 %"), (0.995, "over 99 %"),
            (0.998, "over 99 %"), (1, "100 %"),
        ] as [(Double, String)])
    func `shares never round to all or nothing`(_ share: Double, _ text: String) {
        #expect(Wording.percent(share) == text)
    }

    @Test func `lists end with and`() {
        #expect(Wording.list([]) == "")
        #expect(Wording.list(["a"]) == "a")
        #expect(Wording.list(["a", "b", "c"]) == "a, b and c")
    }
}
