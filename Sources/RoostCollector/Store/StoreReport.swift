import RoostCore
import RoostMetrics
import RoostStore
import RoostWire

extension CollectorView {
    /// The section `store` of `/status`.
    func writeStore(_ reading: SelfReading, into writer: inout JSONWriter) {
        let status = reading.store
        writer.object("store") { writer in
            writer.field("open", status.isOpen)
            writer.field("path", parts.config.store.path)
            writer.field("stored_traces", status.traces)
            writer.field("open_traces", status.openTraces)
            writer.field("open_bytes", status.openBytes)
            writer.field("file_bytes", status.fileBytes)
            writer.field("used_bytes", status.usedBytes)
            writer.field("size_bytes", parts.inForce.withLock { $0.store.size })
            writer.field("queue_bytes", status.queueBytes)
            writer.field("queue_capacity_bytes", status.queueCapacityBytes)
            writer.field("duplicate_spans", status.duplicateSpans)
            writer.field("expired_traces", status.expiredTraces)
            writer.field("failed_writes", status.failedWrites)
            writer.object("posted_steps") { writer in
                writer.field("offered", status.offeredSteps)
                writer.field("superseded", status.supersededSteps)
                writer.field("summed", status.summedSteps)
                writer.object("dropped") { writer in
                    for reason in StoreDropReason.allCases {
                        guard let steps = status.droppedSteps[reason], steps > 0 else { continue }
                        writer.field(reason.inLedger.name, steps)
                    }
                }
            }
            if status.oldestUnixNano > 0 {
                writer.field("oldest", rfc3339(unixNanoseconds: status.oldestUnixNano))
            }
            if let error = status.lastError { writer.field("last_error", error) }
            if let time = status.lastErrorUnixNano {
                writer.field("last_error_time", rfc3339(unixNanoseconds: time))
            }
            if let counts = reading.ledger.exporters.first(where: { $0.name == "store" }) {
                writeCounts(counts, of: StoreService.signals, into: &writer)
            }
        }
    }
}

extension SelfMetricsFamilies {
    static func store(_ status: StoreStatus) -> [SelfFamily] {
        func gauge(_ name: String, _ help: String, _ value: Int) -> SelfFamily {
            SelfFamily(
                name: "roost_store_\(name)", type: .gauge, help: help,
                series: [(.none, Double(value))])
        }
        func counter(_ name: String, _ help: String, _ value: UInt64) -> SelfFamily {
            SelfFamily(
                name: "roost_store_\(name)_total", type: .counter, help: help,
                series: [(.none, Double(value))])
        }
        return [
            gauge("up", "1 while the store's database is open.", status.isOpen ? 1 : 0),
            gauge("file_bytes", "Bytes of the store on disk.", status.fileBytes),
            gauge("used_bytes", "Of them in use; the rest is filled next.", status.usedBytes),
            gauge("traces", "Traces that are stored.", status.traces),
            gauge("open_traces", "Traces that are still coming in, in memory.", status.openTraces),
            gauge("open_bytes", "Bytes of traces that are still coming in.", status.openBytes),
            gauge(
                "oldest_timestamp_seconds", "When the oldest trace arrived, in Unix seconds.",
                Int(status.oldestUnixNano / 1_000_000_000)),
            counter("duplicate_spans", "Spans that were stored already.", status.duplicateSpans),
            counter(
                "expired_traces", "Traces deleted for store.keep or store.size.",
                status.expiredTraces),
            counter(
                "posted_steps",
                "Steps of posted events that were offered to the store: when one was announced, and "
                    + "when it was over.",
                status.offeredSteps),
            SelfFamily(
                name: "roost_store_dropped_posted_steps_total", type: .counter,
                help: "Of them those that could not be kept; they are counted all the same.",
                series: StoreDropReason.allCases.map { reason in
                    (
                        ["reason": reason.inLedger.name] as LabelText,
                        Double(status.droppedSteps[reason] ?? 0)
                    )
                }),
            counter(
                "superseded_posted_steps",
                "Steps of posted events whose trace has spans, which are kept instead.",
                status.supersededSteps),
            counter(
                "summed_posted_steps",
                "Steps of posted events of which only the sums of their trace are kept, as it has "
                    + "too many.",
                status.summedSteps),
            counter(
                "failed_writes", "Transactions that the database refused.", status.failedWrites),
        ]
    }
}
