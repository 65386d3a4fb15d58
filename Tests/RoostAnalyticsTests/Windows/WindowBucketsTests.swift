import Testing

@testable import RoostAnalytics

@Suite struct WindowBucketsTests {
    private let table = WindowBuckets.Table()

    @Test func `every value from a microsecond on is told within one percent`() {
        var value = 1024.0
        while value < 0x1p48 - 1 {
            let told = WindowBuckets.value(table.bucket(UInt64(value)))
            #expect(abs(told - value.rounded(.down)) <= value * 0.01, "\(value)")
            value *= 1.00037
        }
    }

    @Test func `buckets rise with the value`() {
        var last = 0
        for power in 0..<63 {
            for part in 0..<128 {
                let value = UInt64(1) << UInt64(power) + UInt64(part) << UInt64(max(0, power - 7))
                let bucket = table.bucket(value)
                if power >= 7 {
                    #expect(bucket >= last)
                    last = bucket
                }
                #expect(bucket < WindowBuckets.count)
            }
        }
    }

    @Test(
        arguments: [
            (0, 0), (1023, 0), (1024, 1), (2048, 39), (UInt64.max, 1444), (1 << 48, 1444),
        ] as [(UInt64, Int)])
    func `the ends are where they should be`(_ value: UInt64, _ bucket: Int) {
        #expect(table.bucket(value) == bucket)
    }
}
