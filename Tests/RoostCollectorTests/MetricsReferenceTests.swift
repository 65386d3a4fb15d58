import Foundation
import RoostCore
import RoostIngest
import RoostMetrics
import RoostNet
import RoostStore
import Testing

@testable import RoostCollector

@Suite struct MetricsReferenceTests {
    /// With `UPDATE_DOCS=1` in the environment the page is written anew instead of compared.
    @Test func `docs/metrics.md is what the tables say`() throws {
        let path = #filePath.replacing(
            "Tests/RoostCollectorTests/MetricsReferenceTests.swift", with: "docs/metrics.md")
        let page = try String(contentsOfFile: path, encoding: .utf8)
        let begin = "<!-- begin: made from the tables -->\n"
        let end = "<!-- end -->\n"
        let start = try #require(page.firstRange(of: begin)).upperBound
        let stop = try #require(page.firstRange(of: end)).lowerBound
        let made = MetricsReference.markdown(reading)
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] != nil {
            let whole = page[..<start] + made + page[stop...]
            try String(whole).write(toFile: path, atomically: true, encoding: .utf8)
        } else {
            #expect(
                page[start..<stop] == made,
                "run: UPDATE_DOCS=1 swift test --filter MetricsReferenceTests")
        }
    }

    /// Else the page would lack a family, or its labels, and nobody would notice.
    @Test func `the page is made from a reading in which every family has a series`() {
        let empty = SelfMetricsFamilies.table(reading).filter {
            $0.series.isEmpty && $0.histograms.isEmpty
        }
        #expect(empty.map(\.name) == [])
    }

    private var reading: SelfReading {
        let series = SeriesStore(
            settings: SeriesSettings(
                seriesPerMetric: 1, expiry: .seconds(1),
                memory: MemoryBudget(limitBytes: 1 << 20).share("series")),
            reservedNames: { _ in false })
        return SelfReading(
            version: "", ledger: Ledger(exporters: ["x"]).snapshot(),
            exporters: [
                ExportStatus(
                    name: "x", endpoint: "", protocol: .grpc, signals: [], queueItems: 0,
                    queueBytes: 0, queueCapacityBytes: 0, requestsInFlight: 0,
                    consecutiveFailures: 0, lastError: nil, lastErrorUnixNano: nil,
                    nextRetryUnixNano: nil, isFull: false,
                    deadLetters: DeadLetterStatus(), disk: DurableQueueStatus())
            ], memoryLimitBytes: 0, memoryUsage: [("requests", 0)],
            listeners: [("grpc", ServerCounters().values)], certificates: ["grpc": 0],
            unexposedPoints: series.unexposedPoints, seriesCounters: series.counters,
            applicationSeries: 0,
            spanMetricsSeries: 0, spanMetricsOverflow: 0, agents: AgentEvents(), agentOverflow: 0,
            heldActivities: 0,
            waitingActivityBytes: 0,
            redactedValues: RedactionSettings.ownRules.map { ($0, 0) }, store: StoreStatus(),
            analytics: AnalyticsReading(
                switches: Dictionary(
                    uniqueKeysWithValues: Switches.Part.allCases.map { ($0.rawValue, true) })),
            unroutedRequests: 0, audit: AuditReading.example,
            host: HostStatistics(proc: HostStatisticsTests.machine).families,
            process: ProcessStatistics.read())
    }
}
