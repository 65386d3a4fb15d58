import RoostAudit
import RoostCore
import RoostMetrics

/// The families of the audit trail, for a compliance dashboard.
enum AuditFamilies {
    static func all(_ reading: AuditReading) -> [SelfFamily] {
        counts(reading.status) + files(reading)
    }

    private static func counts(_ status: AuditStatus) -> [SelfFamily] {
        let counts = status.counts
        var events = SelfFamily(
            name: "roost_audit_events_total", type: .counter,
            help: "Audit records written, by action and result.")
        for (pair, count) in counts.pairs.sorted(by: {
            (ExactText($0.key.action), ExactText($0.key.result))
                < (ExactText($1.key.action), ExactText($1.key.result))
        }) {
            var labels = LabelBuilder()
            labels.add("action", pair.action)
            labels.add("result", pair.result)
            events.series.append((labels.finish(), Double(count)))
        }
        if counts.otherPairs > 0 {
            events.series.append(
                (["otel_metric_overflow": "true"] as LabelText, Double(counts.otherPairs)))
        }
        var agents = SelfFamily(
            name: "roost_audit_agent_events_total", type: .counter,
            help: "Audit records written, by agent; empty where none is named.")
        for (agent, count) in counts.agents.sorted(by: { $0.key < $1.key }) {
            agents.series.append((["agent": agent.text] as LabelText, Double(count)))
        }
        if counts.otherAgents > 0 {
            agents.series.append(
                (["otel_metric_overflow": "true"] as LabelText, Double(counts.otherAgents)))
        }
        return [
            events, agents,
            SelfFamily(
                name: "roost_audit_append_failures_total", type: .counter,
                help: "Audit records that were refused, by reason.",
                series: AuditRefusal.Kind.allCases.map {
                    (["reason": $0.rawValue] as LabelText, Double(counts.failures[$0] ?? 0))
                }),
            SelfFamily(
                name: "roost_audit_append_duration_seconds", type: .histogram,
                help: "From handing over a record to the disk having it.",
                histograms: [
                    (
                        .none,
                        SelfHistogram(
                            bounds: AuditCounts.latencyBounds, counts: counts.latencies,
                            sum: counts.latencySeconds)
                    )
                ]),
            counter(
                "groups",
                "Times that the disk was waited for; each made a group of records durable.",
                counts.groups),
            counter(
                "torn_tails", "Ends of files found torn at the start and set aside.",
                counts.tornTails),
            counter("sealed_files", "Files that were sealed.", counts.sealedFiles),
            counter(
                "removed_files", "Sealed files removed because of age or size.",
                counts.removedFiles),
            gauge(
                "completeness_ratio",
                "Share of the records that were to be written and are on the disk, since the start.",
                counts.completeness),
        ]
    }

    private static func files(_ reading: AuditReading) -> [SelfFamily] {
        let status = reading.status
        var families = [
            gauge("records", "Records on the disk.", Double(status.records)),
            gauge(
                "active_users", "Different users in records of the last hour.",
                Double(status.activeUsers)),
            gauge(
                "active_agents", "Different agents in records of the last hour.",
                Double(status.activeAgents)),
            gauge("files", "Files with records.", Double(status.files)),
            gauge("size_bytes", "Bytes of all files with records.", Double(status.bytes)),
            gauge("waiting_records", "Records that wait for the disk.", Double(status.waiting)),
            gauge(
                "retention_seconds",
                "audit.keep: how long records stay at least, unless audit.size "
                    + "is too small; +Inf is for ever.", reading.retentionSeconds ?? .infinity),
            gauge(
                "oldest_record_timestamp_seconds", "When the oldest record there was written.",
                Double(status.oldest ?? 0) / 1e9),
            gauge(
                "write_error", "1 while the last attempt to write, seal or remove has failed.",
                status.lastFailure == nil ? 0 : 1),
        ]
        if let verification = status.lastVerification {
            families.append(
                gauge(
                    "last_verification_timestamp_seconds",
                    "When the whole trail was verified the last time.",
                    Double(verification.finished) / 1e9))
            families.append(
                gauge(
                    "intact", "1 if the last verification found every record as it was written.",
                    verification.isIntact ? 1 : 0))
        }
        return families
    }

    private static func counter(_ name: String, _ help: String, _ value: UInt64) -> SelfFamily {
        SelfFamily(
            name: "roost_audit_\(name)_total", type: .counter, help: help,
            series: [(.none, Double(value))])
    }

    private static func gauge(_ name: String, _ help: String, _ value: Double) -> SelfFamily {
        SelfFamily(
            name: "roost_audit_\(name)", type: .gauge, help: help, series: [(.none, value)])
    }
}

extension AuditReading {
    /// One in which every family has a series.
    package static var example: AuditReading {
        AuditReading(status: .example, folder: "", retentionSeconds: nil)
    }
}
