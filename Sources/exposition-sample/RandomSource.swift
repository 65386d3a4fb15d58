import RoostMetrics

/// Families of any type with any values, the same for the same seed whatever the format.
final class RandomSource: ExpositionSource {
    let seed: UInt64
    /// Whether exemplars have quotes in their labels, which Prometheus' Python parser cannot read.
    let hasQuotes: Bool

    init(seed: UInt64, hasQuotes: Bool) {
        self.seed = seed
        self.hasQuotes = hasQuotes
    }

    func makePass() -> any ExpositionPass {
        Pass(random: Random(state: seed), hasQuotes: hasQuotes)
    }

    /// SplitMix64.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }

        mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
    }

    private struct Pass: ExpositionPass {
        var random: Random
        let hasQuotes: Bool
        var family = 0
        var builder = LabelBuilder()

        mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
            while family < 40, writer.count < bytes {
                writeFamily(&writer)
                family += 1
            }
            return family < 40
        }

        private mutating func writeFamily(_ writer: inout ExpositionWriter) {
            let type = FamilyType.allCases[random.below(FamilyType.allCases.count)]
            let suffix = type == .counter ? "_total" : type == .info ? "_info" : ""
            let unit = ["", "seconds", "bytes", "usd"][random.below(4)]
            writer.beginFamily(
                name: "f\(family)_" + (unit.isEmpty ? "things" : unit) + suffix, type: type,
                help: text(), unit: unit)
            for series in 0..<random.below(6) {
                let labels = labels(series, stateset: type == .stateset ? "f\(family)_" : nil, unit)
                switch type {
                case .counter:
                    writer.counter(
                        labels: labels, value: number(), createdUnixNano: created(),
                        exemplar: random.below(2) == 0 ? nil : exemplar())
                case .histogram where random.below(2) == 0: writeHistogram(&writer, labels)
                case .histogram: writeExponential(&writer, labels)
                case .summary:
                    let quantiles = [0.0, 0.25, 0.5, 0.9, 0.99, 1, 1.5].dropLast(random.below(8))
                    writer.summary(
                        labels: labels, quantiles: Array(quantiles),
                        values: quantiles.map { _ in number() },
                        sum: random.below(3) == 0 ? nil : number(),
                        count: UInt64(random.below(1000)), createdUnixNano: created())
                case .info: writer.gauge(labels: labels, value: random.below(9) == 0 ? 2 : 1)
                case .stateset: writer.gauge(labels: labels, value: Double(random.below(3)))
                case .gauge, .unknown: writer.gauge(labels: labels, value: number())
                }
            }
            writer.endFamily()
        }

        private mutating func writeHistogram(
            _ writer: inout ExpositionWriter, _ labels: LabelText
        ) {
            var bounds = (0..<random.below(12)).map { _ in number() }.filter { $0.isFinite }
            bounds = Set(bounds).sorted()
            let counts = (0...bounds.count).map { _ in UInt64(random.below(100)) }
            writer.histogram(
                labels: labels, bounds: bounds, bucketCounts: counts,
                sum: random.below(4) == 0 ? nil : number(), count: counts.reduce(0, +),
                createdUnixNano: created(), exemplars: (0..<random.below(4)).map { _ in exemplar() }
            )
        }

        private mutating func writeExponential(
            _ writer: inout ExpositionWriter, _ labels: LabelText
        ) {
            let sides = (0..<2).map { _ in
                (0..<random.below(2) * random.below(300)).map { _ in
                    UInt64(random.below(3) * random.below(50))
                }
            }
            writer.exponentialHistogram(
                labels: labels, scale: Int32(random.below(30)) - 10,
                zeroCount: UInt64(random.below(5)), zeroThreshold: random.below(2) == 0 ? 0 : 1e-6,
                positiveOffset: Int32(random.below(400)) - 200, positiveCounts: sides[0],
                negativeOffset: Int32(random.below(400)) - 200, negativeCounts: sides[1],
                sum: number(), createdUnixNano: created(),
                exemplars: (0..<random.below(3)).map { _ in exemplar() })
        }

        private mutating func labels(
            _ series: Int, stateset: String?, _ unit: String
        ) -> LabelText {
            builder.add("series", "\(series)")
            if let stateset { builder.add(stateset + (unit.isEmpty ? "things" : unit), text()) }
            for name in ["a", "B_9", "_", "zz"].prefix(random.below(5)) {
                builder.add(name, text())
            }
            return builder.finish()
        }

        private mutating func exemplar() -> ExemplarValue {
            ExemplarValue(
                traceIDHigh: random.next() % 2, traceIDLow: random.next() % 3,
                spanID: random.next() % 2, value: number(), unixNano: created(),
                extra: random.below(2) == 0 ? nil : ["x": tag(), "trace_id": tag(), "y": tag()])
        }

        private mutating func created() -> UInt64 {
            random.below(3) == 0 ? 0 : 1_700_000_000_000_000_000 + random.next() % 1_000_000_000_000
        }

        private mutating func number() -> Double {
            switch random.below(8) {
            case 0: Double(bitPattern: random.next())
            case 1: 0
            case 2: [.nan, .infinity, -.infinity, -0.0, 1e6, 1e-5, 5e15][random.below(7)]
            case 3: Double(random.below(1_000_000)) / 1000
            case 4: -Double(random.below(1000)) / 8
            default: Double(random.below(100_000))
            }
        }

        private mutating func tag() -> String {
            let text = text()
            if hasQuotes { return text }
            return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\"" }))
        }

        private mutating func text() -> String {
            let pieces = [
                "a", "\"", "\\", "\n", "\r", "\t", " ", "{", "}", ",", "=", "#", "\u{0}", "é", "✓",
                "🐔",
                "\u{2028}", "\u{85}", "\u{FEFF}", "\\n", "# EOF\n", "\u{301}", "\u{FFFF}", "1",
            ]
            return (0..<random.below(12)).map { _ in pieces[random.below(pieces.count)] }.joined()
        }
    }
}
