import RoostMetrics
import Testing

@Suite struct ExpositionNumberTests {
    private func gauge(_ value: Double) -> String {
        let line = written(.text) { writer in
            writer.beginFamily(name: "g", type: .gauge, help: "")
            writer.gauge(labels: .none, value: value)
        }
        return String(line.dropFirst("# TYPE g gauge\ng ".count).dropLast())
    }

    private func bound(_ value: Double, _ format: ExpositionFormat) -> String {
        let page = written(format) { writer in
            writer.beginFamily(name: "h", type: .histogram, help: "")
            writer.histogram(
                labels: .none, bounds: [value], bucketCounts: [0, 0], sum: nil, count: 0)
        }
        return String(page.split(separator: "\"")[1])
    }

    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1, "1"), (-1, "-1"), (9, "9"), (10, "10"), (99, "99"),
        (0.5, "0.5"), (0.1, "0.1"), (0.001, "0.001"), (12.000_001, "12.000001"),
        (9_007_199_254_740_991, "9007199254740991"), (0.1 + 0.2, "0.30000000000000004"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e-7, "1e-07"), (1e22, "1e+22"),
        (-123.456, "-123.456"),
    ])
    func `writes values shortest`(_ value: Double, _ text: String) {
        #expect(gauge(value) == text)
    }

    @Test func `every value reads back, in no more digits than needed`() {
        var generator = SystemRandomNumberGenerator()
        func check(_ value: Double) {
            let text = gauge(value)
            #expect(Double(text)?.bitPattern == value.bitPattern)
            #expect(text.count <= value.description.count)
        }
        for _ in 0..<3000 {
            let bits = Double(bitPattern: generator.next())
            if bits.isFinite, bits != 0 { check(bits) }
            check(Double.random(in: 0.0001...1000, using: &generator))
            check(Double(Int.random(in: 1...1_000_000_000, using: &generator)) / 1e6)
            check(Double(Int.random(in: 1...1_000_000_000, using: &generator)) / 1000)
        }
    }

    @Test(arguments: [
        (1e-10, "1e-10"), (1e-9, "1e-09"), (1e-5, "1e-05"), (0.0001, "0.0001"), (0.1, "0.1"),
        (1, "1.0"), (100_000, "100000.0"), (1e6, "1e+06"), (1e10, "1e+10"), (0, "0.0"),
        (2.5, "2.5"), (-1, "-1.0"), (1234.5, "1234.5"), (2_592_000, "2.592e+06"), (150, "150.0"),
        (123_456_789.125, "1.23456789125e+08"), (1e100, "1e+100"), (0.000_123, "0.000123"),
    ])
    func `writes bounds canonically`(_ value: Double, _ text: String) {
        #expect(bound(value, .openMetrics) == text)
        let plain = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
        #expect(bound(value, .text) == plain)
    }

    @Test(arguments: [0, 1, 9, 10, 18_446_744_073_709_551_615, 10_000_000_000_000_000_000])
    func `writes whole counters exactly`(_ value: UInt64) {
        let page = written(.text) { writer in
            writer.beginFamily(name: "c_total", type: .counter, help: "")
            writer.counter(labels: .none, value: value)
        }
        #expect(page.hasSuffix("c_total \(value)\n"))
    }
}
