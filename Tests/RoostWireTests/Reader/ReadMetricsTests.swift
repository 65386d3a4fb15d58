import Testing

@testable import RoostWire

@Suite struct ReadMetricsTests {
    private func metric(_ name: String, _ data: [UInt8]) -> [UInt8] {
        item(Proto.string(1, name) + data)
    }

    private func point(_ value: UInt64) -> [UInt8] { Proto.bytes(1, Proto.fixed64(6, value)) }

    private func lines(_ metric: [UInt8]) -> [String] {
        Array(read(request(metric), .metrics).lines.dropFirst(2))
    }

    @Test func `shows a metric before its points though temporality stands behind them`() {
        let sum = Proto.bytes(7, point(1) + point(2) + Proto.number(2, 2))
        #expect(lines(metric("m", sum)) == ["sum m 2", "  int(1)", "  int(2)"])
    }

    @Test func `merges the same kind twice in a row and forgets another kind`() {
        let twice = Proto.bytes(7, point(1) + Proto.number(2, 1)) + Proto.bytes(7, point(2))
        #expect(lines(metric("m", twice)) == ["sum m 1", "  int(1)", "  int(2)"])
        let between = Proto.bytes(5, point(1)) + twice + Proto.bytes(5, point(9))
        #expect(lines(metric("m", between)) == ["gauge m 0", "  int(9)"])
        let outcome = read(request(metric("m", between)), .metrics)
        #expect(outcome.items == 1)
        #expect(
            unsafe request(metric("m", between)).withUnsafeBytes {
                unsafe countItems($0, signal: .metrics)
            } == 1)
    }

    @Test func `takes the last value of a point's oneof`() {
        let point = Proto.bytes(1, Proto.fixed64(6, 3) + Proto.double(4, 2.5))
        #expect(lines(metric("m", Proto.bytes(5, point))) == ["gauge m 0", "  double(2.5)"])
    }

    /// Bucket counts 1, 2, 3 and bounds 0, 1 in every mixture.
    @Test(arguments: [
        Proto.bytes(6, Proto.little(1) + Proto.little(2) + Proto.little(3)),
        Proto.fixed64(6, 1) + Proto.fixed64(6, 2) + Proto.fixed64(6, 3),
        Proto.fixed64(6, 1) + Proto.bytes(6, Proto.little(2) + Proto.little(3)),
        Proto.bytes(6, Proto.little(1)) + Proto.number(6, 7) + Proto.bytes(6, [])
            + Proto.bytes(6, Proto.little(2) + Proto.little(3)),
    ])
    func `reads packed and unpacked lists alike`(_ counts: [UInt8]) {
        let bounds = Proto.double(7, 0) + Proto.bytes(7, Proto.little((1.0).bitPattern))
        let histogram = Proto.bytes(9, Proto.bytes(1, counts + bounds) + Proto.number(2, 2))
        #expect(
            lines(metric("h", histogram)) == ["histogram h 2", "  [1, 2, 3] [0.0, 1.0]"])
    }

    @Test func `merges buckets that come twice`() {
        let buckets =
            Proto.bytes(8, Proto.number(1, 4) + Proto.bytes(2, [1, 2]))
            + Proto.bytes(8, Proto.number(2, 300))
        let data = Proto.bytes(
            10, Proto.bytes(1, Proto.number(6, 3) + buckets) + Proto.number(2, 1))
        #expect(
            lines(metric("e", data)) == ["exponentialHistogram e 1", "  scale -2 2 [1, 2, 300]"])
    }

    @Test func `reads the quantiles of a summary`() {
        let quantile = Proto.bytes(6, Proto.double(1, 0.5) + Proto.double(2, 8))
        #expect(
            lines(metric("s", Proto.bytes(11, Proto.bytes(1, quantile))))
                == ["summary s 0", "  0.5=8.0"])
    }

    @Test(
        arguments: [
            // Counts that do not fit the bounds.
            Proto.fixed64(6, 1) + Proto.double(7, 1),
            Proto.double(7, 1),
            // Bounds that do not rise.
            Proto.bytes(6, [UInt8](repeating: 0, count: 24)) + Proto.double(7, 1)
                + Proto.double(7, 1),
            Proto.bytes(6, [UInt8](repeating: 0, count: 16)) + Proto.double(7, .nan),
            // Broken ids and text in an exemplar, broken text in an attribute.
            Proto.bytes(8, Proto.bytes(5, [1])),
            Proto.bytes(8, Proto.bytes(7, Proto.bytes(1, [0xFF]))),
            Proto.bytes(9, Proto.bytes(1, [0xFF])),
        ] as [[UInt8]])
    func `cuts a malformed point only`(_ bad: [UInt8]) {
        let data = Proto.bytes(
            9, Proto.bytes(1, []) + Proto.bytes(1, bad) + Proto.bytes(1, []) + Proto.number(2, 2))
        let outcome = read(request(metric("h", data)), .metrics)
        #expect(outcome.items == 2 && outcome.rejections.count == 1)
    }

    @Test(arguments: [0, 3, 0xFFFF_FFFF] as [UInt64])
    func `cuts a metric with all its points when the temporality is unknown`(_ value: UInt64) {
        for kind in [7, 9, 10] as [UInt64] {
            let data = Proto.bytes(kind, Proto.bytes(1, []) + Proto.bytes(1, []))
            let more = Proto.bytes(kind, Proto.number(2, value))
            let outcome = read(request(metric("m", data + more)), .metrics)
            #expect(outcome.items == 0 && outcome.rejections.count == 2)
            #expect(outcome.rejections.ranges.count == 1)
        }
    }

    @Test func `leaves a sum without points alone`() {
        let outcome = read(request(metric("m", Proto.bytes(7, []))), .metrics)
        #expect(outcome.rejections.isEmpty && outcome.lines.last == "sum m 0")
    }

    @Test func `cuts a metric whose name, or a kind that was replaced, has broken text`() {
        let gauge = Proto.bytes(5, point(1) + point(2))
        #expect(
            read(request(item(Proto.bytes(1, [0xFF]) + gauge)), .metrics).rejections.count == 2)
        let hidden = Proto.bytes(9, Proto.bytes(1, Proto.bytes(9, Proto.bytes(1, [0xFF]))))
        let outcome = read(request(metric("m", hidden + gauge)), .metrics)
        #expect(outcome.rejections.count == 2 && outcome.rejections.ranges.count == 1)
    }

    @Test func `refuses a packed list that ends inside a value`() {
        let point = Proto.bytes(1, Proto.bytes(6, [1, 2, 3]))
        let error = read(request(metric("h", Proto.bytes(9, point))), .metrics).error
        #expect(error?.reason == .packedLength)
        #expect(
            error?.field
                == "resource_metrics.scope_metrics.metrics.histogram.data_points.bucket_counts")
    }
}
