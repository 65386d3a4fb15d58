import RoostCore
import RoostMetrics
import RoostWire
import Testing

@testable import RoostIngest

@Suite struct SpanMetricsTests {
    private func page(
        _ shards: [SpanMetricsShard], limit: Int = 100, bounds: DurationBounds = .standard,
        format: ExpositionFormat = .text
    ) -> String {
        let page = SpanMetricsPage(bounds: bounds, limit: SeriesLimit(limit), shards: shards.count)
        page.update(shards.map(\.snapshot), now: 1)
        let exposition = ExpositionPage(format: format, sources: [page])
        var bytes: [UInt8] = []
        while exposition.next(into: &bytes) {}
        return String(decoding: bytes, as: UTF8.self)
    }

    private func counted(
        _ requests: [ByteBlock], limit: Int = 100, bounds: DurationBounds = .standard
    ) throws -> SpanMetricsShard {
        let shard = SpanMetricsShard(bounds: bounds, limit: SeriesLimit(limit))
        let scan = TraceScan()
        for request in requests {
            try scan.read(request)
            shard.add(scan, now: 5_000_000_000)
        }
        return shard
    }

    @Test func `counts a span by service, name, kind and status`() throws {
        let bounds = try #require(DurationBounds(seconds: [0.1, 1]))
        let shard = try counted(
            [
                traceRequest(service: "planner", [TestSpan(), TestSpan(status: 2)]),
                traceRequest(service: "planner", [TestSpan()]),
            ], bounds: bounds)
        let labels =
            #"service_name="planner",span_kind="SPAN_KIND_CLIENT",span_name="call""#
        #expect(
            page([shard], bounds: bounds) == """
                # HELP traces_span_metrics_calls_total Spans received, by service, span name, kind and status.
                # TYPE traces_span_metrics_calls_total counter
                traces_span_metrics_calls_total{\(labels),status_code="STATUS_CODE_UNSET"} 2
                traces_span_metrics_calls_total{\(labels),status_code="STATUS_CODE_ERROR"} 1
                # HELP traces_span_metrics_duration_seconds How long spans took, by service, span name, kind and status.
                # TYPE traces_span_metrics_duration_seconds histogram
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_UNSET",le="0.1"} 0
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_UNSET",le="1"} 2
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_UNSET",le="+Inf"} 2
                traces_span_metrics_duration_seconds_sum{\(labels),status_code="STATUS_CODE_UNSET"} 0.5
                traces_span_metrics_duration_seconds_count{\(labels),status_code="STATUS_CODE_UNSET"} 2
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_ERROR",le="0.1"} 0
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_ERROR",le="1"} 1
                traces_span_metrics_duration_seconds_bucket{\(labels),status_code="STATUS_CODE_ERROR",le="+Inf"} 1
                traces_span_metrics_duration_seconds_sum{\(labels),status_code="STATUS_CODE_ERROR"} 0.25
                traces_span_metrics_duration_seconds_count{\(labels),status_code="STATUS_CODE_ERROR"} 1

                """)
    }

    @Test func `adds up the shards of all loops`() throws {
        let first = try counted([traceRequest(service: "a", [TestSpan(), TestSpan(name: "x")])])
        let second = try counted([traceRequest(service: "a", [TestSpan()])])
        let text = page([first, second])
        #expect(text.contains(#"span_name="call",status_code="STATUS_CODE_UNSET"} 2"#))
        #expect(text.contains(#"span_name="x",status_code="STATUS_CODE_UNSET"} 1"#))
    }

    @Test func `puts what exceeds the limit into one overflow series`() throws {
        let spans = (0..<10).map { TestSpan(name: "name-\($0)") }
        let shard = try counted([traceRequest(service: "a", spans)], limit: 4)
        let text = page([shard], limit: 4)
        #expect(text.contains(#"calls_total{otel_metric_overflow="true"} 6"#))
        #expect(text.split(separator: "\n").filter { $0.contains("calls_total{") }.count == 5)
    }

    @Test func `series take no more of the memory than is free, and all spans are counted`() throws
    {
        let budget = MemoryBudget(limitBytes: 1 << 20)
        let shard = SpanMetricsShard(
            bounds: .standard, limit: SeriesLimit(10_000), memory: budget.share("derived_series"))
        let scan = TraceScan()
        let long = String(repeating: "n", count: 1_000)
        for request in 0..<20 {
            let spans = (0..<100).map { TestSpan(name: "\(request)-\($0)-\(long)") }
            let body = traceRequest(service: "a", spans)
            try scan.read(body)
            shard.add(scan, now: 5_000_000_000)
            withExtendedLifetime(body) {}
        }
        #expect((900_000...1 << 20).contains(budget.usedBytes))
        let counts = page([shard], limit: 10_000).split(separator: "\n")
            .filter { $0.hasPrefix("traces_span_metrics_calls_total{") }
            .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(counts.reduce(0, +) == 2_000)
        #expect((100..<1_000).contains(counts.count))
    }

    @Test func `keeps the limit when the shards saw different series`() throws {
        let first = try counted(
            [traceRequest(service: "a", (0..<4).map { TestSpan(name: "a\($0)") })], limit: 4)
        let second = try counted(
            [traceRequest(service: "a", (0..<4).map { TestSpan(name: "b\($0)") })], limit: 4)
        let text = page([first, second], limit: 4)
        #expect(text.contains(#"calls_total{otel_metric_overflow="true"} 4"#))
        #expect(text.split(separator: "\n").filter { $0.contains("calls_total{") }.count == 5)
    }

    @Test func `counts a span that ends before it starts as one without duration`() throws {
        let shard = try counted([traceRequest(service: "a", [TestSpan(start: 9, end: 3)])])
        #expect(page([shard]).contains(#"le="0.005"} 1"#))
    }

    @Test func `shows a span without a service and with an unknown kind`() throws {
        let shard = try counted([traceRequest(service: nil, [TestSpan(kind: 77, status: 9)])])
        let text = page([shard])
        #expect(text.contains(#"span_kind="SPAN_KIND_UNSPECIFIED""#))
        #expect(text.contains(#"status_code="STATUS_CODE_UNSET"} 1"#))
    }

    @Test func `names the latest span of a bucket as its exemplar`() throws {
        var late = TestSpan()
        late.traceID = [UInt8](0..<16)
        late.spanID = [UInt8](repeating: 0xAB, count: 8)
        late.start += 5
        late.end += 5
        let shard = try counted([traceRequest(service: "a", [TestSpan(), late])])
        let text = page([shard], format: .openMetrics)
        #expect(
            text.contains(
                ##"# {trace_id="000102030405060708090a0b0c0d0e0f",span_id="abababababababab"} 0.25 1.250000005"##
            ))
    }

    @Test func `cuts an endless name between two characters`() throws {
        let name = String(repeating: "é", count: 4000)
        let shard = try counted([traceRequest(service: "a", [TestSpan(name: name)])])
        let cut = String(repeating: "é", count: 512)
        #expect(page([shard]).contains("span_name=\"\(cut)\""))
    }

    @Test func `leaves out what counted nothing for long, and brings it back whole`() throws {
        let shard = try counted([traceRequest(service: "a", [TestSpan(), TestSpan(name: "x")])])
        let page = SpanMetricsPage(
            bounds: .standard, limit: SeriesLimit(9), shards: 1, expiry: .nanoseconds(100))
        func lines(now: UInt64) -> [String] {
            page.update([shard.snapshot], now: now)
            let exposition = ExpositionPage(format: .text, sources: [page])
            var bytes: [UInt8] = []
            while exposition.next(into: &bytes) {}
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
                .filter { $0.contains("calls_total{") }.map { String($0.suffix(3)) }
        }
        func count(_ name: String) throws {
            let scan = TraceScan()
            // The notes point into it.
            let request = traceRequest(service: "a", [TestSpan(name: name)])
            try scan.read(request)
            shard.add(scan, now: 1)
            withExtendedLifetime(request) {}
        }
        #expect(lines(now: 1000) == ["} 1", "} 1"])
        try count("x")
        #expect(lines(now: 1090) == ["} 1", "} 2"])
        #expect(lines(now: 1101) == ["} 2"])
        try count("call")
        #expect(lines(now: 1102) == ["} 2", "} 2"])
    }

    @Test func `notes no service that has no spans, however many resources come`() throws {
        let empty = traceRequest(service: "nobody", []).array
        let request = ByteBlock(
            (0..<1000).flatMap { _ in empty } + traceRequest(service: "a", [TestSpan()]).array
                + empty + traceRequest(service: nil, [TestSpan()]).array)
        let scan = TraceScan()
        try scan.read(request)
        #expect(scan.serviceEnds == [1, 1])
        let text = page([try counted([request])])
        #expect(text.contains(#"{service_name="a",span_kind="#))
        #expect(text.contains(#"{service_name="",span_kind="#))
        #expect(!text.contains("nobody"))
    }

    @Test func `counts a request in steps between those of another`() throws {
        let requests = ["a", "b"].map { service in
            ByteBlock(
                traceRequest(service: service, [TestSpan(), TestSpan()]).array
                    + traceRequest(service: service + "2", [TestSpan()]).array)
        }
        let scans = requests.map { _ in TraceScan() }
        for (scan, request) in zip(scans, requests) { try scan.read(request) }
        let shard = SpanMetricsShard(bounds: .standard, limit: SeriesLimit(100))
        // What a scan has noted lies in the request.
        withExtendedLifetime(requests) {
            for step in 0..<3 {
                for scan in scans {
                    #expect(shard.add(scan, from: step, most: 1, now: 1) == step + 1)
                }
            }
        }
        let counts = page([shard]).split(separator: "\n").filter { $0.contains("calls_total{") }
            .map { $0.split(separator: "\"")[1] + $0.suffix(2) }
        #expect(counts.sorted() == ["a 2", "a2 1", "b 2", "b2 1"])
    }

    @Test func `a shard that answers late changes nothing of the others`() throws {
        let early = try counted([
            traceRequest(service: "a", [TestSpan(), TestSpan(name: "x"), TestSpan(name: "y")])
        ])
        let late = try counted([traceRequest(service: "b", [TestSpan()])])
        let page = SpanMetricsPage(bounds: .standard, limit: SeriesLimit(9), shards: 2)
        page.update([nil, early.snapshot], now: 1)
        page.update([late.snapshot, early.snapshot], now: 2)
        let exposition = ExpositionPage(format: .text, sources: [page])
        var bytes: [UInt8] = []
        while exposition.next(into: &bytes) {}
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(page.seriesCount == 4)
        #expect(lines.filter { $0.contains("calls_total{") && $0.hasSuffix("} 1") }.count == 4)
    }

    @Test func `leaves what it showed before as it was when more is counted`() throws {
        let shard = try counted([traceRequest(service: "a", [TestSpan()])])
        let before = shard.snapshot
        let scan = TraceScan()
        let request = traceRequest(service: "a", [TestSpan()])
        try scan.read(request)
        shard.add(scan, now: 6_000_000_000)
        withExtendedLifetime(request) {}
        #expect(before.table.buckets.reduce(0, +) == 1)
        #expect(shard.snapshot.table.buckets.reduce(0, +) == 2)
    }
}

@Suite struct DurationBoundsTests {
    @Test(
        arguments: [
            (0, 0), (1, 0), (5_000_000, 0), (5_000_001, 1), (10_000_000, 1), (999_999_999, 7),
            (1_000_000_000, 7), (1_000_000_001, 8), (1_800_000_000_000, 16),
            (1_800_000_000_001, 17), (UInt64.max, 17),
        ] as [(UInt64, Int)])
    func `finds the bucket whose upper bound is inclusive`(_ duration: UInt64, _ bucket: Int) {
        #expect(DurationBounds.standard.bucket(nanoseconds: duration) == bucket)
    }

    @Test(arguments: [[], [1, 1], [2, 1], [0], [-1], [.infinity], [.nan]] as [[Double]])
    func `refuses bounds that are no bounds`(_ seconds: [Double]) {
        #expect(DurationBounds(seconds: seconds) == nil)
    }
}
