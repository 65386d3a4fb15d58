import RoostMetrics
import Testing

@Suite struct ExpositionProtobufTests {
    private enum Part: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
        case byte(UInt8)
        case text(String)
        case double(Double)
        init(integerLiteral value: UInt8) { self = .byte(value) }
        init(stringLiteral value: String) { self = .text(value) }
    }

    private func bytes(_ parts: [Part]) -> [UInt8] {
        parts.flatMap { part -> [UInt8] in
            switch part {
            case .byte(let byte): [byte]
            case .text(let text): Array(text.utf8)
            case .double(let value):
                (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            }
        }
    }

    @Test func `writes a family as one message after its length`() {
        var writer = ExpositionWriter(format: .protobuf)
        writer.beginFamily(name: "c_total", type: .counter, help: "H", unit: "x")
        writer.counter(labels: ["a": "x\ny\""], value: 1.5, createdUnixNano: 2_000_000_003)
        writer.endFamily()
        writer.end()
        #expect(
            writer.output
                == bytes(
                    [
                        44,  // length
                        0x0A, 7, "c_total", 0x12, 1, "H", 0x18, 0,
                        0x22, 28,  // metric
                        0x0A, 9, 0x0A, 1, "a", 0x12, 4, "x\ny\"",
                        0x1A, 15, 0x09, .double(1.5), 0x1A, 4, 0x08, 2, 0x10, 3,
                    ]))
    }

    @Test func `writes nothing for a family without series`() {
        var writer = ExpositionWriter(format: .protobuf)
        writer.beginFamily(name: "a", type: .gauge, help: "H")
        writer.endFamily()
        writer.beginFamily(name: "b", type: .gauge, help: "H")
        writer.end()
        #expect(writer.count == 0)
    }

    @Test func `keeps an open family back until it is finished or large`() {
        var writer = ExpositionWriter(format: .protobuf)
        var taken: [UInt8] = []
        writer.beginFamily(name: "a", type: .gauge, help: "H")
        writer.gauge(labels: .none, value: 1)
        writer.takeFinished(into: &taken)
        #expect(taken.isEmpty)
        writer.endFamily()
        writer.takeFinished(into: &taken)
        #expect(taken.count == Int(taken[0]) + 1)
        writer.beginFamily(name: "b", type: .gauge, help: "H")
        while writer.count < 140_000 { writer.gauge(labels: ["a": "b"], value: 1) }
        writer.takeFinished(into: &taken)
        #expect(taken.count > 140_000)
    }

    @Test func `lengths of any size are right`() {
        for size in [0, 1, 100, 127, 128, 129, 16_382, 16_384, 16_400, 300_000] {
            var writer = ExpositionWriter(format: .protobuf)
            writer.beginFamily(name: "a", type: .gauge, help: "")
            writer.gauge(labels: ["a": String(repeating: "\"", count: size)], value: 1)
            writer.end()
            // name 3, type 2, metric: label (3 + value), gauge 11
            func field(_ length: Int) -> Int {
                1 + (length < 128 ? 1 : length < 16384 ? 2 : 3) + length
            }
            let metric = field(3 + field(size)) + 11
            #expect(writer.count == field(3 + 2 + field(metric)) - 1)
        }
    }

    @Test func `a length written at the end of the buffer harms nothing`() {
        // The buffer grows at 4096 bytes and its doubles: let small messages end at every place.
        for size in 3900...4100 {
            var writer = ExpositionWriter(format: .protobuf)
            writer.beginFamily(name: "a", type: .gauge, help: String(repeating: "h", count: size))
            writer.gauge(labels: ["n": "7"], value: 1)
            writer.end()
            let output = writer.output
            #expect(output.suffix(19).prefix(8) == [0x0A, 6, 0x0A, 1, 0x6E, 0x12, 1, 0x37])
        }
    }

    @Test func `survives label texts that no builder made`() {
        let texts: [String] = [
            "=", "a", "a=", "a=\"", "a=\"b", "a=\"b\\", "a=\"b\\\"", "\"", ",,,", "a=\"b\",",
            "a=\"b\"\"",
            "a=\"b\",c", "=\"\"",
        ]
        for text in texts {
            for format in ExpositionFormat.allCases {
                var writer = ExpositionWriter(format: format)
                writer.beginFamily(name: "a", type: .gauge, help: "")
                writer.gauge(labels: Array(text.utf8).span, value: 1)
                writer.end()
                #expect(writer.count > 0)
            }
        }
    }

    @Test func `survives histograms whose parts do not fit together`() {
        for format in ExpositionFormat.allCases {
            for bounds in [[], [1.0], [3, 2, 1], [.nan], [-.infinity, .infinity]] as [[Double]] {
                for counts in [[], [1], [1, 2], [.max, .max, .max]] as [[UInt64]] {
                    var writer = ExpositionWriter(format: format)
                    writer.beginFamily(name: "h", type: .histogram, help: "")
                    writer.histogram(
                        labels: .none, bounds: bounds, bucketCounts: counts, sum: .nan, count: .max,
                        createdUnixNano: .max, exemplars: [exemplar])
                    writer.summary(
                        labels: .none, quantiles: bounds, values: [1], sum: -.infinity, count: 0)
                    writer.end()
                    #expect(writer.count > 0)
                }
            }
        }
    }
}
