import RoostMetrics

/// Families with the values and labels that break careless writers.
final class AwkwardSource: ExpositionSource {
    static let created: UInt64 = 1_780_000_000_250_000_000

    func makePass() -> any ExpositionPass { Pass() }

    private struct Pass: ExpositionPass {
        mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool {
            writeInfo(&writer)
            writeCounters(&writer)
            writeGauges(&writer)
            writeHistograms(&writer)
            writeExponential(&writer)
            writeSummary(&writer)
            return false
        }

        private func exemplar(_ value: Double, _ extra: LabelText? = nil) -> ExemplarValue {
            ExemplarValue(
                traceIDHigh: 0x0AF7_6519_16CD_43DD, traceIDLow: 0x8448_EB21_1C80_319C,
                spanID: 0xB7AD_6B71_6920_3331, value: value,
                unixNano: 1_780_000_000_500_000_000, extra: extra)
        }

        private func writeInfo(_ writer: inout ExpositionWriter) {
            writer.beginFamily(name: "target_info", type: .info, help: "Target metadata")
            writer.gauge(labels: ["job": "shop/agents", "instance": "a-1"], value: 1)
            writer.endFamily()
        }

        private func writeCounters(_ writer: inout ExpositionWriter) {
            writer.beginFamily(
                name: "sample_awkward_total", type: .counter,
                help: "Backslash \\, \"quotes\" and\na second line, ünïcode ✓")
            let values = [
                "plain", "", "quote \" inside", "back\\slash", "line\nfeed", "carriage\rreturn",
                "tab\tand # hash", "ünïcode ✓ 🐔", "{a=\"b\",c=\"d\"} 1", "ends in backslash\\",
                "\\n", "nul\u{0}inside", "del\u{7F}",
            ]
            for (index, value) in values.enumerated() {
                writer.counter(
                    labels: ["index": "\(index)", "value": value], value: UInt64(index),
                    createdUnixNano: AwkwardSource.created, exemplar: exemplar(Double(index)))
            }
            writer.endFamily()
            writer.beginFamily(
                name: "sample_cost_usd_total", type: .counter, help: "Money.", unit: "usd")
            writer.counter(
                labels: .none, value: 0.1 + 0.2, createdUnixNano: AwkwardSource.created,
                exemplar: exemplar(
                    0.25,
                    [
                        "gen_ai_request_model": "model",
                        "prompt": String(repeating: "ü", count: 200),
                        "trace_id": "not this one", "user": "✓",
                    ]))
            writer.endFamily()
            writer.beginFamily(name: "sample_large_total", type: .counter, help: "Large numbers.")
            writer.counter(labels: ["n": "2^53"], value: UInt64(9_007_199_254_740_992))
            writer.counter(labels: ["n": "max"], value: UInt64.max)
            writer.counter(labels: ["n": "1e300"], value: 1e300)
            writer.counter(labels: ["n": "inf"], value: Double.infinity)
            writer.counter(labels: ["n": "never"], value: Double.nan)
            writer.counter(labels: ["n": "never"], value: -1.0)
            writer.endFamily()
        }

        private func writeGauges(_ writer: inout ExpositionWriter) {
            writer.beginFamily(name: "sample_gauge", type: .gauge, help: "Any number.")
            let values: [(String, Double)] = [
                ("nan", .nan), ("inf", .infinity), ("neg_inf", -.infinity), ("zero", 0),
                ("neg_zero", -0.0), ("neg", -12.5), ("tiny", .leastNonzeroMagnitude),
                ("huge", .greatestFiniteMagnitude),
                ("third", 1.0 / 3), ("micro", 0.000_001), ("e16", 1e16), ("e21", 1e21),
                ("mixed", 123_456_789.125),
            ]
            for (name, value) in values { writer.gauge(labels: ["n": name], value: value) }
            writer.endFamily()
            writer.beginFamily(name: "sample_unknown", type: .unknown, help: "Who knows.")
            writer.gauge(labels: .none, value: 3)
            writer.endFamily()
            writer.beginFamily(name: "sample_state", type: .stateset, help: "One of two.")
            writer.gauge(labels: ["sample_state": "on"], value: 1)
            writer.gauge(labels: ["sample_state": "off"], value: 0)
            writer.gauge(labels: ["sample_state": "never"], value: 2)
            writer.endFamily()
            writer.beginFamily(name: "sample_empty", type: .gauge, help: "No series.")
            writer.endFamily()
        }

        private func writeHistograms(_ writer: inout ExpositionWriter) {
            writer.beginFamily(
                name: "sample_duration_seconds", type: .histogram, help: "Explicit bounds.",
                unit: "seconds")
            writer.histogram(
                labels: ["kind": "usual"], bounds: [0.000_01, 0.5, 1, 2.5, 1_000_000],
                bucketCounts: [1, 2, 0, 4, 5, 6], sum: 12.75, count: 18,
                createdUnixNano: AwkwardSource.created,
                exemplars: [exemplar(0.25), exemplar(1.5), exemplar(5e6), exemplar(.nan)])
            writer.histogram(
                labels: ["kind": "no buckets"], bounds: [], bucketCounts: [], sum: 2, count: 3)
            writer.histogram(
                labels: ["kind": "no sum"], bounds: [1], bucketCounts: [1, 1], sum: nil, count: 2)
            writer.histogram(
                labels: ["kind": "negative"], bounds: [-1, 0, 1], bucketCounts: [1, 1, 1, 1],
                sum: -3, count: 4)
            writer.endFamily()
        }

        private func writeExponential(_ writer: inout ExpositionWriter) {
            writer.beginFamily(
                name: "sample_native_seconds", type: .histogram, help: "Exponential bounds.",
                unit: "seconds")
            writer.exponentialHistogram(
                labels: ["kind": "usual"], scale: 0, zeroCount: 2, positiveOffset: 3,
                positiveCounts: [10, 0, 0, 20, 5, 2], sum: 512,
                createdUnixNano: AwkwardSource.created,
                exemplars: [exemplar(20)])
            writer.exponentialHistogram(labels: ["kind": "empty"], scale: 3, zeroCount: 0, sum: 0)
            writer.exponentialHistogram(
                labels: ["kind": "fine"], scale: 20, zeroCount: 0, positiveOffset: -500,
                positiveCounts: (0..<1000).map { UInt64($0 % 7) }, sum: 2997)
            writer.exponentialHistogram(
                labels: ["kind": "both sides"], scale: 2, zeroCount: 1, zeroThreshold: 0.001,
                positiveOffset: -3, positiveCounts: [1, 2, 3], negativeOffset: 1,
                negativeCounts: [4, 0, 5], sum: -7)
            writer.exponentialHistogram(
                labels: ["kind": "coarse"], scale: -5, zeroCount: 0, positiveOffset: -1,
                positiveCounts: [1, 2], sum: 3)
            writer.endFamily()
        }

        private func writeSummary(_ writer: inout ExpositionWriter) {
            writer.beginFamily(name: "sample_summary", type: .summary, help: "Quantiles.")
            writer.summary(
                labels: ["kind": "usual"], quantiles: [0, 0.5, 0.99, 1],
                values: [1, 2, 3.5, .nan], sum: 100, count: 40,
                createdUnixNano: AwkwardSource.created)
            writer.summary(
                labels: ["kind": "negative"], quantiles: [0.5], values: [-2], sum: -9, count: 4)
            writer.summary(labels: ["kind": "bare"], quantiles: [], values: [], sum: 1, count: 1)
            writer.endFamily()
        }
    }
}
