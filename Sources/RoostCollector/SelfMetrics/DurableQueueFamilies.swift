import RoostMetrics
import RoostQueue

/// What `/metrics` says of queues on disk, beside what it says of every queue.
enum DurableQueueFamilies {
    static func all(_ exporters: [ExportStatus]) -> [SelfFamily] {
        let queues = exporters.compactMap { status in
            status.disk.map { (labels: ["exporter": status.name] as LabelText, disk: $0) }
        }
        func family(
            _ name: String, _ type: FamilyType, _ help: String,
            _ value: (DurableQueueStatus) -> Double
        ) -> SelfFamily {
            SelfFamily(
                name: "roost_exporter_queue_" + name, type: type, help: help,
                series: queues.map { ($0.labels, value($0.disk)) })
        }
        return [
            SelfFamily(
                name: "roost_exporter_queue_commit_seconds", type: .histogram,
                help: "Until a request was kept on disk as queue.sync says.",
                histograms: queues.map { queue in
                    (
                        queue.labels,
                        SelfHistogram(
                            bounds: QueueTimes.bounds, counts: queue.disk.commitTimes.counts,
                            sum: queue.disk.commitTimes.sumSeconds)
                    )
                }),
            family(
                "commits_total", .counter, "Groups of requests written to a queue on disk together."
            ) { Double($0.commits) },
            family("syncs_total", .counter, "Times that the disk was waited for.") {
                Double($0.syncs)
            },
            family(
                "sync_failures_total", .counter,
                "Times that the disk did not take what was written."
            ) { Double($0.syncFailures) },
            family(
                "write_failures_total", .counter,
                "Groups of requests that could not be written, or not whole: mostly a full disk."
            ) { Double($0.writeFailures) },
            family("read_failures_total", .counter, "Times that a queue on disk was not readable.")
            { Double($0.readFailures) },
            family(
                "damaged_places_total", .counter,
                "Damaged places found in a queue on disk and set aside into quarantine."
            ) { Double($0.damagedPlaces) },
            family("damaged_bytes_total", .counter, "Bytes of these.") { Double($0.damagedBytes) },
            family(
                "torn_bytes_total", .counter,
                "Cut off at the start: writes that did not finish and that no sender was told of."
            ) { Double($0.tornBytes) },
            family("segments", .gauge, "Files of a queue on disk.") { Double($0.segments) },
            family(
                "oldest_age_seconds", .gauge,
                "Age of the oldest data in a queue on disk; 0 when it is empty."
            ) { $0.oldestAgeSeconds },
            family(
                "disk_up", .gauge, "1 while the disk of a queue takes data."
            ) { $0.isFailing ? 0 : 1 },
        ]
    }
}
