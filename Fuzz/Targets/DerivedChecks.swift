import RoostAnalytics
import RoostCore
import RoostMetrics
import RoostWire

@testable import RoostCollector
@testable import RoostIngest

/// What is made of a request that was taken: metrics, agents' accounts, pages, documents. Made anew
/// for each request, so that an input that breaks something breaks it alone.
final class DerivedChecks {
    private let names = NameTable(NamesFile.builtIn)
    private let prices = PriceBook()
    private var settings = AgentTrackerSettings()

    init() { settings.openActivities = 200 }

    func check(_ request: ReadRequest) {
        var tracker = AgentTracker(settings, prices: prices)
        tracker.tellFacts()
        switch request.signal {
        case .traces:
            guard let scan = request.scan else { return }
            checkSpanMetrics(scan)
            checkDocument(scan.activities, request.source)
            tracker.take(&scan.activities, now: 1 << 40, unixNow: 1 << 60)
        case .logs:
            guard let logs = request.logs else { return }
            let packed = ActivityBatch(unpacking: logs.activities.packed())
            promise(packed != nil, "packed activities do not unpack")
            tracker.take(&logs.activities, now: 1 << 40, unixNow: 1 << 60)
        case .metrics:
            if let found = request.metrics {
                tracker.take(found.facts, now: 1 << 40, unixNow: 1 << 60)
                for sender in found.senders { tracker.noteClientMetrics(of: sender) }
            }
            checkSeries(request.body)
        }
        tracker.tick(now: 1 << 41, unixNow: (1 << 60) + (1 << 41))
        _ = tracker.takeFacts(room: AgentFactBatch())
        let page = AgentMetricsPage()
        page.update(tracker.snapshot, isForPrometheus: true, now: 0)
        checkPages([page])
    }

    private func checkSpanMetrics(_ scan: TraceScan) {
        let shard = SpanMetricsShard(bounds: .standard, limit: SeriesLimit(40))
        shard.add(scan, now: 1 << 60)
        let page = SpanMetricsPage(bounds: .standard, limit: SeriesLimit(40), shards: 1)
        page.update([shard.snapshot], now: 1 << 40)
        checkPages([page])
    }

    private func checkSeries(_ body: ByteBlock) {
        let store = SeriesStore(settings: SeriesSettings(seriesPerMetric: 20))
        store.ingest(body, now: 1 << 40)
        store.ingest(body, now: 1 << 41)
        checkPages([store])
        store.expire(now: 1 << 50)
        checkPages([store])
    }

    private func checkPages(_ sources: [any ExpositionSource]) {
        for format in ExpositionFormat.allCases {
            let page = ExpositionPage(format: format, sources: sources)
            var bytes: [UInt8] = []
            while page.next(into: &bytes) {
                promise(bytes.count < 256 << 20, "a page without an end")
            }
            guard format != .protobuf else { continue }
            promise(String(validating: bytes, as: UTF8.self) != nil, "a page that is no text")
        }
    }

    private func checkDocument(_ batch: ActivityBatch, _ source: ByteBlock) {
        guard let first = batch.activities.first else { return }
        let document = TraceDocument.make(
            chunks: [source, source], traceIDHigh: first.traceIDHigh,
            traceIDLow: first.traceIDLow, names: names, prices: prices, most: 100)
        _ = TraceSummary(of: document)
        let analysis = TraceAnalysis(of: document)
        _ = formatReport(analysis)
        var writer = JSONWriter()
        let compared = ComparedTrace(of: analysis)
        TraceComparison(compared, compared).write(into: &writer)
        checkJSON(writer.bytes)
        writer = JSONWriter()
        analysis.write(into: &writer)
        checkJSON(writer.bytes)
        for format in TraceExportFormat.allCases {
            var writer = JSONWriter()
            TraceExport.write(
                format, chunks: [source], traceIDHigh: first.traceIDHigh,
                traceIDLow: first.traceIDLow, into: &writer)
            checkJSON(writer.bytes)
        }
    }

    private func checkJSON(_ bytes: [UInt8]) {
        do throws(JSONValue.Fault) {
            _ = try JSONValue(parsing: bytes)
        } catch {
            // Values may lie deeper in each other than this parser goes.
            promise(error.reason.contains("deep"), "written as JSON: \(error.reason)")
        }
    }
}
