import Testing

@testable import RoostAnalytics

@Suite struct WindowRanksTests {
    private let buckets = WindowBuckets.Table()

    /// Two parts of one sketch, among others that hold what must not be read.
    @Test(arguments: [(0, 1), (1, 0), (1, 1), (3, 2), (40, 1), (0, 1000), (700, 300), (5000, 5000)])
    func `ranks in two parts are those of all together`(_ live: Int, _ older: Int) {
        var random = SystemRandomNumberGenerator()
        var parts = (WindowSketches(sketches: 3), WindowSketches(sketches: 3))
        var all: [Double] = []
        func note(_ part: inout WindowSketches, _ count: Int) {
            for _ in 0..<count {
                let bucket = buckets.bucket(1 << UInt64.random(in: 12...42, using: &random))
                part.observe(1, bucket: bucket)
                all.append(WindowBuckets.value(bucket))
                for other in [0, 2] { part.observe(other, bucket: .random(in: 0...1444)) }
            }
        }
        note(&parts.0, live)
        note(&parts.1, older)
        all.sort()
        var ranks = WindowRanks(live: parts.0, slots: parts.1)
        // Each turn finds nothing of the one before.
        for sketch in [0, 2, 1] { ranks.read(sketch) }
        #expect(ranks.total == UInt64(all.count))
        let shares = [0, 0.25, 0.5, 0.95, 0.99, 0.99, 1]
        var values = [Double](repeating: -1, count: shares.count)
        ranks.quantiles(shares, into: &values)
        for (share, value) in zip(shares, values) {
            let rank = max(1, (share * Double(all.count)).rounded(.up))
            #expect(value == all[Int(rank) - 1], "\(share)")
        }
    }

    @Test func `nothing is nothing, and what was taken back is gone`() {
        var sketches = WindowSketches(sketches: 2)
        sketches.observe(1, bucket: 40)
        sketches.observe(1, bucket: 900)
        sketches.takeBack(1, bucket: 900)
        sketches.takeBack(1, bucket: 901)
        sketches.takeBack(0, bucket: 40)
        var ranks = WindowRanks(live: sketches, slots: WindowSketches(sketches: 2))
        ranks.read(0)
        #expect(ranks.total == 0)
        ranks.read(1)
        #expect(ranks.total == 1)
        var values = [0.0]
        ranks.quantiles([1], into: &values)
        #expect(values == [WindowBuckets.value(40)])
    }
}
