import RoostAudit
package import RoostCore
import RoostNet
import RoostWire

extension CollectorView {
    /// The state of everything, as `/status` shows it. Secrets are masked.
    package func writeStatus(into writer: inout JSONWriter) {
        let reading = reading()
        writer.beginObject()
        writer.field("version", reading.version)
        writer.field("status", unreadyReasons.isEmpty ? "ok" : "unavailable")
        writer.array("reasons") { writer in for reason in unreadyReasons { writer.value(reason) } }
        writer.field("started", rfc3339(unixNanoseconds: parts.startedUnixNano))
        writer.field("uptime_seconds", uptimeSeconds)
        writeListeners(reading, into: &writer)
        writePipelines(reading, into: &writer)
        writeExporters(reading, into: &writer)
        writeMemory(reading, into: &writer)
        writeSeries(reading, into: &writer)
        writeAgents(into: &writer)
        writeStore(reading, into: &writer)
        if let audit = parts.audit.reading { writeAudit(audit, into: &writer) }
        writer.object("redaction") { writer in
            writer.field("on", parts.intake.redaction.redactor.isOn)
            writer.object("values") { writer in
                for (rule, values) in reading.redactedValues { writer.field(rule, values) }
            }
        }
        writer.object("switches") { writer in
            for part in Switches.Part.allCases {
                writer.field(part.rawValue, parts.switches.isOn(part))
            }
        }
        writer.array("threads") { writer in for name in hearts.names { writer.value(name) } }
        if let process = reading.process {
            writer.object("process") { writer in
                writer.field("cpu_seconds", process.cpuSeconds)
                writer.field("resident_bytes", process.residentBytes)
                writer.field("threads", process.threads)
                writer.field("open_fds", process.openDescriptors)
            }
        }
        writer.key("configuration")
        parts.inForce.withLock { $0 }.writeMasked(into: &writer)
        writer.endObject()
    }

    private func writeListeners(_ reading: SelfReading, into writer: inout JSONWriter) {
        writer.array("listeners") { writer in
            for (listener, counted) in zip(addresses, reading.listeners) {
                let counters = counted.counters
                writer.beginObject()
                writer.field("name", listener.name)
                writer.field("address", listener.address.description)
                writer.field("connections_open", counters.connectionsOpen)
                writer.field("connections_accepted", counters.connectionsAccepted)
                writer.field("connections_refused", counters.connectionsRefused)
                writer.field("requests", counters.requests)
                writer.field("protocol_errors", counters.protocolErrors)
                writer.field("header_timeouts", counters.headerTimeouts)
                writer.field("body_timeouts", counters.bodyTimeouts)
                writer.field("idle_timeouts", counters.idleTimeouts)
                writer.field("write_timeouts", counters.writeTimeouts)
                writeTLS(listener.name, counters.tls, into: &writer)
                writer.endObject()
            }
        }
    }

    private func writeTLS(_ name: String, _ counts: TLSCounts, into writer: inout JSONWriter) {
        guard let listener = Listener(rawValue: name),
            let identity = parts.access[listener].tls.current
        else { return }
        writer.object("tls") { writer in
            writer.field("subject", identity.subject)
            writer.field(
                "valid_until",
                rfc3339(unixNanoseconds: UInt64(clamping: identity.validUntil) &* 1_000_000_000))
            writer.field("client_certificates", identity.asksForCertificate)
            writer.object("handshakes") { writer in
                for version in TLSVersion.allCases {
                    writer.field(version.rawValue, counts.handshakes(version))
                }
            }
            writer.object("handshake_failures") { writer in
                for reason in TLSFailure.allCases where counts.failures(reason) > 0 {
                    writer.field(reason.rawValue, counts.failures(reason))
                }
            }
        }
    }

    private func writePipelines(_ reading: SelfReading, into writer: inout JSONWriter) {
        writer.object("pipelines") { writer in
            for signal in Signal.allCases {
                writer.object(signal.name) { writer in
                    for transport in Transport.allCases {
                        writer.object(transport.name) { writer in
                            writer.field("accepted", reading.ledger.accepted(signal, transport))
                            writer.object("refused") { writer in
                                for reason in RefusalReason.allCases {
                                    let items = reading.ledger.refused(signal, transport, reason)
                                    if items > 0 { writer.field(reason.name, items) }
                                }
                            }
                            writer.object("refused_requests") { writer in
                                for reason in RefusalReason.allCases {
                                    let times = reading.ledger.refusals(signal, transport, reason)
                                    if times > 0 { writer.field(reason.name, times) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Each with its counts.
    package func writeExporters(_ reading: SelfReading, into writer: inout JSONWriter) {
        writer.array("exporters") { writer in
            for status in reading.exporters {
                writer.beginObject()
                writer.field("name", status.name)
                writer.field("endpoint", status.endpoint)
                writer.field("protocol", status.protocol.rawValue)
                writer.field("state", status.state)
                writer.field("queue_bytes", status.queueBytes)
                writer.field("queue_capacity_bytes", status.queueCapacityBytes)
                writer.field("requests_in_flight", status.requestsInFlight)
                writer.field("requests_allowed", status.requestsAllowed)
                writer.field("consecutive_failures", status.consecutiveFailures)
                if let disk = status.disk {
                    let counts = reading.ledger.exporters.first { $0.name == status.name }
                    writeQueue(disk, counts, into: &writer)
                }
                if let error = status.lastError { writer.field("last_error", error) }
                if let time = status.lastErrorUnixNano {
                    writer.field("last_error_time", rfc3339(unixNanoseconds: time))
                }
                if let time = status.nextRetryUnixNano {
                    writer.field("next_retry_time", rfc3339(unixNanoseconds: time))
                }
                if let letters = status.deadLetters { write(letters, into: &writer) }
                if let counts = reading.ledger.exporters.first(where: { $0.name == status.name }) {
                    writeCounts(counts, into: &writer)
                }
                writer.endObject()
            }
        }
    }

    private func write(_ letters: DeadLetterStatus, into writer: inout JSONWriter) {
        writer.object("dead_letters") { writer in
            writer.field("letters", letters.letters)
            writer.field("bytes", letters.bytes)
            writer.field("written", letters.written)
            writer.object("dropped") { writer in
                for loss in DeadLetterLoss.allCases {
                    if let count = letters.lost[loss] { writer.field(loss.rawValue, count) }
                }
            }
            if let error = letters.error { writer.field("last_error", error) }
        }
    }

    private func writeQueue(
        _ disk: DurableQueueStatus, _ counts: ExporterCounts?, into writer: inout JSONWriter
    ) {
        writer.object("disk") { writer in
            writer.field("folder", disk.folder)
            writer.field("items", disk.items)
            let recovered = Signal.allCases.map { counts?.recovered($0) ?? 0 }
            writer.field("recovered_items", recovered.reduce(0, +))
            writer.field("segments", disk.segments)
            writer.field("oldest_age_seconds", disk.oldestAgeSeconds)
            writer.field("commits", disk.commits)
            writer.field("sync_failures", disk.syncFailures)
            writer.field("write_failures", disk.writeFailures)
            writer.field("read_failures", disk.readFailures)
            writer.field("damaged_places", disk.damagedPlaces)
            writer.field("damaged_bytes", disk.damagedBytes)
            writer.field("torn_bytes", disk.tornBytes)
            if let failure = disk.lastFailure { writer.field("last_failure", failure) }
        }
    }

    func writeCounts(
        _ counts: ExporterCounts, of signals: [Signal] = Signal.allCases,
        into writer: inout JSONWriter
    ) {
        for signal in signals {
            writer.object(signal.name) { writer in
                writer.field("offered", counts.offered(signal))
                writer.field("sent", counts.sent(signal))
                writer.field("queue", counts.queued(signal))
                writer.object("dropped") { writer in
                    for reason in DropReason.allCases where counts.dropped(signal, reason) > 0 {
                        writer.field(reason.name, counts.dropped(signal, reason))
                    }
                }
            }
        }
    }

    private func writeMemory(_ reading: SelfReading, into writer: inout JSONWriter) {
        writer.object("memory") { writer in
            writer.field("limit_bytes", reading.memoryLimitBytes)
            writer.field("used_bytes", reading.memoryUsage.reduce(0) { $0 + $1.bytes })
            writer.object("parts") { writer in
                for (name, bytes) in reading.memoryUsage { writer.field(name, bytes) }
            }
        }
    }

    private func writeSeries(_ reading: SelfReading, into writer: inout JSONWriter) {
        writer.object("series") { writer in
            writer.field("application", reading.applicationSeries)
            writer.field("spans", reading.spanMetricsSeries)
            writer.object("unexposed_points") { writer in
                for (reason, points) in reading.unexposedPoints where points > 0 {
                    writer.field(reason, points)
                }
            }
        }
    }

    private func writeAudit(_ audit: AuditReading, into writer: inout JSONWriter) {
        let status = audit.status
        writer.object("audit") { writer in
            writer.field("folder", audit.folder)
            writer.field("records", status.records)
            writer.field("files", status.files)
            writer.field("bytes", status.bytes)
            writer.field("last_sequence", status.lastSequence)
            writer.field("appended", status.counts.appended)
            writer.field("append_failures", status.counts.failed)
            writer.field("completeness", status.counts.completeness)
            if let oldest = status.oldest {
                writer.field("oldest", rfc3339(unixNanoseconds: oldest))
            }
            if let failure = status.lastFailure { writer.field("last_error", failure) }
            writer.key("verification")
            if let verification = status.lastVerification {
                verification.write(into: &writer)
            } else {
                writer.null()
            }
        }
    }

    /// Whose work is taken from which signal.
    private func writeAgents(into writer: inout JSONWriter) {
        writer.object("agents") { writer in
            writer.array("believed") { writer in
                for belief in parts.agents.beliefs {
                    writer.beginObject()
                    writer.field("service", belief.service)
                    writer.field("of", belief.fact)
                    writer.field("signal", belief.signal)
                    writer.field("because", belief.reason)
                    writer.array("left_out") { writer in
                        for other in belief.others { writer.value(other) }
                    }
                    if !belief.sessions.isEmpty {
                        writer.object("sessions") { writer in
                            for (signal, count) in belief.sessions {
                                writer.field(signal, count)
                            }
                        }
                    }
                    writer.endObject()
                }
            }
        }
    }
}
