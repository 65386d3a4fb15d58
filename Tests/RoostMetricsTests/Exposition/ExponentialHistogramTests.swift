import RoostMetrics
import Testing

@Suite struct ExponentialHistogramTests {
    private func classic(
        scale: Int32, zeroCount: UInt64 = 0, zeroThreshold: Double = 0, offset: Int32 = 0,
        _ counts: [UInt64] = [], negativeOffset: Int32 = 0, _ negative: [UInt64] = []
    ) -> [String] {
        let page = written(.text) { writer in
            writer.beginFamily(name: "h", type: .histogram, help: "")
            writer.exponentialHistogram(
                labels: .none, scale: scale, zeroCount: zeroCount, zeroThreshold: zeroThreshold,
                positiveOffset: offset, positiveCounts: counts, negativeOffset: negativeOffset,
                negativeCounts: negative, sum: nil)
        }
        return page.split(separator: "\n").filter { $0.hasPrefix("h_bucket") }.map {
            String($0.dropFirst("h_bucket{le=\"".count).replacing("\"}", with: ""))
        }
    }

    @Test func `shows its own bounds, and where the first bucket begins`() {
        #expect(
            classic(scale: 0, zeroCount: 1, offset: 3, [10, 0, 5])
                == ["0 1", "8 1", "16 11", "32 11", "64 16", "+Inf 16"])
        #expect(classic(scale: 0, offset: 0, [1]) == ["1 0", "2 1", "+Inf 1"])
        #expect(classic(scale: 3) == ["+Inf 0"])
    }

    @Test func `negative buckets come first, the greatest magnitude ahead`() {
        #expect(
            classic(
                scale: 0, zeroCount: 2, zeroThreshold: 0.5, offset: 0, [1], negativeOffset: 1,
                [3, 4])
                == ["-4 4", "-2 7", "0.5 9", "1 9", "2 10", "+Inf 10"])
    }

    @Test(arguments: [1, 39, 160, 1000, 5000], [Int32(-4), 0, 3, 8, 20])
    func `merges down to forty bounds and loses nothing`(_ size: Int, _ scale: Int32) {
        let buckets = classic(
            scale: scale, zeroCount: 1, offset: -7, Array(repeating: 2, count: size),
            negativeOffset: -3, Array(repeating: 1, count: size))
        #expect(buckets.count <= 41)
        #expect(buckets.last == "+Inf \(3 * size + 1)")
        let bounds = buckets.dropLast().compactMap { Double($0.split(separator: " ")[0]) }
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test(arguments: [Int32.min, -1000, -12, -11, -5, 0, 8, 9, 52, 60, 1000, .max])
    func `takes any scale and offset`(_ scale: Int32) {
        for offset in [Int32.min, -1, 0, 1, .max] {
            for format in ExpositionFormat.allCases {
                var writer = ExpositionWriter(format: format)
                writer.beginFamily(name: "h", type: .histogram, help: "")
                writer.exponentialHistogram(
                    labels: .none, scale: scale, zeroCount: .max, zeroThreshold: .nan,
                    positiveOffset: offset, positiveCounts: [.max, 0, 0, 0, .max, 1],
                    negativeOffset: offset, negativeCounts: [0, .max, 0], sum: .nan,
                    exemplars: [exemplar])
                writer.endFamily()
                #expect(writer.count > 0)
            }
            #expect(classic(scale: scale, offset: offset, [1, 0, 2]).last == "+Inf 3")
        }
    }
}
