import RoostMetrics
import Testing

/// What `body` writes, with the families' frame left to it.
func written(
    _ format: ExpositionFormat, _ body: (inout ExpositionWriter) -> Void
) -> String {
    var writer = ExpositionWriter(format: format)
    body(&writer)
    return String(decoding: writer.output, as: UTF8.self)
}

let exemplar = ExemplarValue(
    traceIDHigh: 0x0AF7_6519_16CD_43DD, traceIDLow: 0x8448_EB21_1C80_319C,
    spanID: 0xB7AD_6B71_6920_3331, value: 3, unixNano: 1_780_000_000_500_000_000)

@Suite struct ExpositionTextTests {
    @Test func `writes text 0_0_4`() {
        let page = written(.text) { writer in
            writer.beginFamily(
                name: "roost_llm_tokens_total", type: .counter,
                help: "Tokens \"used\" \\ line\nbreak")
            writer.counter(
                labels: ["model": "m"], value: UInt64(12), createdUnixNano: 1, exemplar: exemplar)
            writer.endFamily()
            writer.beginFamily(
                name: "roost_llm_seconds", type: .histogram, help: "", unit: "seconds")
            writer.histogram(
                labels: .none, bounds: [1], bucketCounts: [3, 1], sum: 5.5, count: 4,
                exemplars: [exemplar])
            writer.endFamily()
            writer.beginFamily(name: "s", type: .summary, help: "S")
            writer.summary(labels: ["a": "b"], quantiles: [0.5], values: [-1], sum: nil, count: 4)
            writer.endFamily()
            writer.end()
        }
        #expect(
            page == #"""
                # HELP roost_llm_tokens_total Tokens "used" \\ line\nbreak
                # TYPE roost_llm_tokens_total counter
                roost_llm_tokens_total{model="m"} 12
                # TYPE roost_llm_seconds histogram
                roost_llm_seconds_bucket{le="1"} 3
                roost_llm_seconds_bucket{le="+Inf"} 4
                roost_llm_seconds_sum 5.5
                roost_llm_seconds_count 4
                # HELP s S
                # TYPE s summary
                s{a="b",quantile="0.5"} -1
                s_count{a="b"} 4

                """#)
    }

    @Test func `writes OpenMetrics`() {
        let page = written(.openMetrics) { writer in
            writer.beginFamily(name: "target_info", type: .info, help: "Target", unit: "info")
            writer.gauge(labels: ["job": "a"], value: 1)
            writer.endFamily()
            writer.beginFamily(
                name: "roost_llm_tokens_total", type: .counter, help: "Tokens \"used\"")
            writer.counter(
                labels: ["model": "m"], value: UInt64(12),
                createdUnixNano: 1_780_000_000_000_000_001, exemplar: exemplar)
            writer.endFamily()
            writer.beginFamily(
                name: "roost_llm_seconds", type: .histogram, help: "H", unit: "seconds")
            writer.histogram(
                labels: .none, bounds: [1], bucketCounts: [3, 1], sum: 5.5, count: 4,
                createdUnixNano: 1_780_000_000_000_000_000, exemplars: [exemplar])
            writer.endFamily()
            writer.beginFamily(name: "plain_gauge_bytes", type: .gauge, help: "G", unit: "seconds")
            writer.gauge(labels: .none, value: -0.25)
            writer.endFamily()
            writer.end()
        }
        let ids = #"trace_id="0af7651916cd43dd8448eb211c80319c",span_id="b7ad6b7169203331""#
        #expect(
            page == #"""
                # TYPE target info
                # HELP target Target
                target_info{job="a"} 1
                # TYPE roost_llm_tokens counter
                # HELP roost_llm_tokens Tokens \"used\"
                roost_llm_tokens_total{model="m"} 12 # {\#(ids)} 3 1780000000.5
                roost_llm_tokens_created{model="m"} 1780000000.000000001
                # TYPE roost_llm_seconds histogram
                # UNIT roost_llm_seconds seconds
                # HELP roost_llm_seconds H
                roost_llm_seconds_bucket{le="1.0"} 3
                roost_llm_seconds_bucket{le="+Inf"} 4 # {\#(ids)} 3 1780000000.5
                roost_llm_seconds_count 4
                roost_llm_seconds_sum 5.5
                roost_llm_seconds_created 1780000000
                # TYPE plain_gauge_bytes gauge
                # HELP plain_gauge_bytes G
                plain_gauge_bytes -0.25
                # EOF

                """#)
    }

    @Test func `a counter without its suffix gets one in OpenMetrics`() {
        let page = written(.openMetrics) { writer in
            writer.beginFamily(name: "calls", type: .counter, help: "")
            writer.counter(labels: .none, value: UInt64(1), createdUnixNano: 1_000_000_000)
        }
        #expect(page == "# TYPE calls counter\ncalls_total 1\ncalls_created 1\n")
    }

    @Test(arguments: ExpositionFormat.allCases)
    func `leaves out what a type cannot be`(_ format: ExpositionFormat) {
        var writer = ExpositionWriter(format: format)
        writer.beginFamily(name: "c_total", type: .counter, help: "")
        var shown = [
            writer.counter(labels: .none, value: Double.nan),
            writer.counter(labels: .none, value: -0.5),
        ]
        writer.endFamily()
        writer.beginFamily(name: "i_info", type: .info, help: "")
        shown.append(writer.gauge(labels: .none, value: 2))
        writer.endFamily()
        writer.beginFamily(name: "s", type: .stateset, help: "")
        shown.append(writer.gauge(labels: ["s": "x"], value: 0.5))
        shown.append(writer.gauge(labels: ["s": "x"], value: 1))
        #expect(shown == [false, false, false, false, true])
        #expect(!ExpositionWriter.isLegalCounter(.nan))
        #expect(!ExpositionWriter.isLegalCounter(-1))
        #expect(ExpositionWriter.isLegalCounter(0))
    }

    @Test func `of several exemplars in a bucket the latest is shown`() {
        var later = exemplar
        later.value = 2
        later.unixNano += 1_000_000_000
        let page = written(.openMetrics) { writer in
            writer.beginFamily(name: "h", type: .histogram, help: "")
            writer.histogram(
                labels: .none, bounds: [10], bucketCounts: [2, 0], sum: 1, count: 2,
                exemplars: [later, exemplar])
        }
        #expect(page.contains("} 2 1780000001.5\n"))
        #expect(!page.contains("} 3 "))
    }

    @Test func `an exemplar may have no ids and no time`() {
        let bare = ExemplarValue(
            traceIDHigh: 0, traceIDLow: 0, spanID: 0, value: 0.5, unixNano: 0,
            extra: ["trace_id": "own", "x": "y"])
        let page = written(.openMetrics) { writer in
            writer.beginFamily(name: "c_total", type: .counter, help: "")
            writer.counter(labels: .none, value: UInt64(1), exemplar: bare)
        }
        #expect(page.hasSuffix("c_total 1 # {trace_id=\"own\",x=\"y\"} 0.5\n"))
    }

    @Test func `exemplar attributes share 128 code points with the ids`() {
        // trace_id and span_id take 63; k and 64 characters are the other 65.
        for (length, fits) in [(64, true), (65, false)] {
            var long = exemplar
            long.extra = ["k": String(repeating: "\"", count: length - 1) + "é"]
            let page = written(.openMetrics) { writer in
                writer.beginFamily(name: "c_total", type: .counter, help: "")
                writer.counter(labels: .none, value: UInt64(1), exemplar: long)
            }
            #expect(page.contains("k=\"") == fits)
        }
    }

    @Test func `an exemplar attribute with a NUL is left out`() {
        var odd = exemplar
        odd.extra = ["a": "nul\u{0}inside", "b": "kept"]
        let page = written(.openMetrics) { writer in
            writer.beginFamily(name: "c_total", type: .counter, help: "")
            writer.counter(labels: .none, value: UInt64(1), exemplar: odd)
        }
        #expect(page.contains("b=\"kept\"") && !page.contains("a=\""))
    }

    @Test func `bounds that are no numbers fall into later buckets`() {
        let page = written(.text) { writer in
            writer.beginFamily(name: "h", type: .histogram, help: "")
            writer.histogram(
                labels: .none, bounds: [1, .nan, 1, 2, .infinity],
                bucketCounts: [1, 1, 1, 1, 1, 1], sum: nil, count: 6)
        }
        #expect(
            page == """
                # TYPE h histogram
                h_bucket{le="1"} 1
                h_bucket{le="2"} 4
                h_bucket{le="+Inf"} 6
                h_count 6

                """)
    }

    @Test func `the last bucket and the count agree whatever the sender counted`() {
        for (claimed, shown) in [(UInt64(1), 3), (9, 9)] {
            let page = written(.text) { writer in
                writer.beginFamily(name: "h", type: .histogram, help: "")
                writer.histogram(
                    labels: .none, bounds: [1], bucketCounts: [2, 1], sum: nil, count: claimed)
            }
            #expect(page.contains("h_bucket{le=\"+Inf\"} \(shown)\nh_count \(shown)\n"))
        }
    }
}
