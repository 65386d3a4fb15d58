import RoostMetrics
import RoostWire

/// The table of Roost's own families: what each is called, what it says, where it comes from.
///
/// Known label sets are there from the start with the value 0, so that `rate()` sees the first
/// event. Prometheus documentation, "Instrumentation", "Avoid missing metrics".
enum SelfMetricsFamilies {
    static func all(_ reading: SelfReading) -> [SelfFamily] {
        table(reading).filter { !$0.series.isEmpty || !$0.histograms.isEmpty }.sorted {
            $0.name < $1.name
        }
    }

    /// With those that have no series yet.
    static func table(_ reading: SelfReading) -> [SelfFamily] {
        var families: [SelfFamily] = [buildInfo(reading)]
        for signal in Signal.allCases {
            families += receiver(reading.ledger, signal)
            families += exporter(reading.ledger, signal)
        }
        families += receiverRequests(reading.ledger, unrouted: reading.unroutedRequests)
        families += exporterState(reading)
        families += deadLetters(reading.exporters)
        families += DurableQueueFamilies.all(reading.exporters)
        families += memory(reading)
        families += listeners(reading)
        families += TLSFamilies.all(reading)
        families += series(reading)
        families += agents(reading)
        families += store(reading.store)
        families += analytics(reading.analytics)
        families.append(redaction(reading))
        if let audit = reading.audit { families += AuditFamilies.all(audit) }
        if let process = reading.process { families += ProcessFamilies.all(process) }
        families += reading.host
        return families
    }

    private static func buildInfo(_ reading: SelfReading) -> SelfFamily {
        SelfFamily(
            name: "roost_build_info", type: .gauge,
            help: "Constant 1, labelled with the version of Roost that runs.",
            series: [(["version": reading.version] as LabelText, 1)])
    }

    // MARK: the ledger

    private static func receiver(_ ledger: LedgerSnapshot, _ signal: Signal) -> [SelfFamily] {
        let items = signal.itemName
        var accepted = SelfFamily(
            name: "roost_receiver_accepted_\(items)_total", type: .counter,
            help: "Items taken from senders: \(items), by transport.")
        var refused = SelfFamily(
            name: "roost_receiver_refused_\(items)_total", type: .counter,
            help: "Items refused to senders: \(items), by transport and reason.")
        for transport in Transport.allCases {
            accepted.series.append(
                (
                    ["transport": transport.name] as LabelText,
                    Double(ledger.accepted(signal, transport))
                ))
            for reason in RefusalReason.allCases {
                refused.series.append(
                    (
                        ["transport": transport.name, "reason": reason.name] as LabelText,
                        Double(ledger.refused(signal, transport, reason))
                    ))
            }
        }
        return [accepted, refused]
    }

    private static func receiverRequests(
        _ ledger: LedgerSnapshot, unrouted: Int
    ) -> [SelfFamily] {
        var accepted = SelfFamily(
            name: "roost_receiver_accepted_requests_total", type: .counter,
            help: "Requests taken from senders, empty ones too, by signal and transport.")
        var refused = SelfFamily(
            name: "roost_receiver_refused_requests_total", type: .counter,
            help: "Requests refused, wholly or (malformed) in part, by signal, transport, reason.")
        for signal in Signal.allCases {
            for transport in Transport.allCases {
                let labels = ["signal": signal.name, "transport": transport.name]
                accepted.series.append(
                    (labelText(labels), Double(ledger.acceptedRequests(signal, transport))))
                for reason in RefusalReason.allCases {
                    refused.series.append(
                        (
                            labelText(labels.merging(["reason": reason.name]) { $1 }),
                            Double(ledger.refusals(signal, transport, reason))
                        ))
                }
            }
        }
        let lost = SelfFamily(
            name: "roost_receiver_unrouted_requests_total", type: .counter,
            help: "Requests for paths and methods that no receiver serves.",
            series: [(.none, Double(unrouted))])
        return [accepted, refused, lost]
    }

    private static func exporter(_ ledger: LedgerSnapshot, _ signal: Signal) -> [SelfFamily] {
        let items = signal.itemName
        var offered = SelfFamily(
            name: "roost_exporter_offered_\(items)_total", type: .counter,
            help:
                "Accepted items meant for an exporter: \(items). Sent, queued and dropped add up to it."
        )
        var sent = SelfFamily(
            name: "roost_exporter_sent_\(items)_total", type: .counter,
            help: "Items that an exporter's peer took: \(items).")
        var queued = SelfFamily(
            name: "roost_exporter_queue_\(items)", type: .gauge,
            help: "Items waiting for an exporter or in flight: \(items).")
        var recovered = SelfFamily(
            name: "roost_exporter_recovered_\(items)_total", type: .counter,
            help: "Items that an exporter found on disk at start: \(items).")
        var dropped = SelfFamily(
            name: "roost_dropped_\(items)_total", type: .counter,
            help: "Accepted items lost to an exporter: \(items), by reason.")
        // The store takes no metrics.
        for exporter in ledger.exporters where signal != .metrics || exporter.name != "store" {
            let labels = ["exporter": exporter.name] as LabelText
            offered.series.append((labels, Double(exporter.offered(signal))))
            sent.series.append((labels, Double(exporter.sent(signal))))
            queued.series.append((labels, Double(exporter.queued(signal))))
            recovered.series.append((labels, Double(exporter.recovered(signal))))
            for reason in DropReason.allCases {
                dropped.series.append(
                    (
                        ["exporter": exporter.name, "reason": reason.name] as LabelText,
                        Double(exporter.dropped(signal, reason))
                    ))
            }
        }
        return [offered, sent, queued, recovered, dropped]
    }

    private static func exporterState(_ reading: SelfReading) -> [SelfFamily] {
        var failed = SelfFamily(
            name: "roost_exporter_failed_requests_total", type: .counter,
            help: "Attempts to deliver that failed, whatever became of the batch, by reason.")
        for exporter in reading.ledger.exporters {
            for reason in FailureReason.allCases {
                failed.series.append(
                    (
                        ["exporter": exporter.name, "reason": reason.name] as LabelText,
                        Double(exporter.failedRequests(reason))
                    ))
            }
        }
        func gauge(
            _ name: String, _ help: String, _ value: (ExportStatus) -> Double
        ) -> SelfFamily {
            SelfFamily(
                name: name, type: .gauge, help: help,
                series: reading.exporters.map { (["exporter": $0.name] as LabelText, value($0)) })
        }
        var bytes = gauge("roost_exporter_queue_bytes", "Bytes waiting or in flight.") {
            Double($0.queueBytes)
        }
        var capacity = gauge(
            "roost_exporter_queue_capacity_bytes", "Bytes that the queue may hold."
        ) { Double($0.queueCapacityBytes) }
        let store = ["exporter": "store"] as LabelText
        bytes.series.append((store, Double(reading.store.queueBytes + reading.store.openBytes)))
        capacity.series.append((store, Double(reading.store.queueCapacityBytes)))
        return [
            failed, bytes, capacity,
            gauge("roost_exporter_requests_in_flight", "Requests under way to the peer.") {
                Double($0.requestsInFlight)
            },
            gauge("roost_exporter_up", "1 while the last attempt to deliver succeeded.") {
                $0.consecutiveFailures == 0 ? 1 : 0
            },
        ]
    }

    private static func deadLetters(_ exporters: [ExportStatus]) -> [SelfFamily] {
        var letters = SelfFamily(
            name: "roost_dead_letters", type: .gauge,
            help: "Requests kept as dead letters, as far as is known.")
        var bytes = SelfFamily(
            name: "roost_dead_letters_bytes", type: .gauge,
            help: "Bytes of their files, as far as is known.")
        var written = SelfFamily(
            name: "roost_dead_letters_written_total", type: .counter,
            help: "Requests that an exporter's peer will not get and that were kept.")
        var dropped = SelfFamily(
            name: "roost_dead_letters_dropped_total", type: .counter,
            help: "Such requests that were not kept, or not any longer, by reason.")
        for exporter in exporters {
            guard let status = exporter.deadLetters else { continue }
            let labels = ["exporter": exporter.name] as LabelText
            letters.series.append((labels, Double(status.letters)))
            bytes.series.append((labels, Double(status.bytes)))
            written.series.append((labels, Double(status.written)))
            for loss in DeadLetterLoss.allCases {
                dropped.series.append(
                    (
                        ["exporter": exporter.name, "reason": loss.rawValue] as LabelText,
                        Double(status.lost[loss] ?? 0)
                    ))
            }
        }
        return [letters, bytes, written, dropped]
    }

    // MARK: resources

    private static func memory(_ reading: SelfReading) -> [SelfFamily] {
        [
            SelfFamily(
                name: "roost_memory_limit_bytes", type: .gauge,
                help: "limits.memory: bytes of telemetry that may be held.",
                series: [(.none, Double(reading.memoryLimitBytes))]),
            SelfFamily(
                name: "roost_memory_used_bytes", type: .gauge,
                help: "Bytes of telemetry held, by part.",
                series: reading.memoryUsage.map {
                    (["part": $0.name] as LabelText, Double($0.bytes))
                }),
        ]
    }

    private static func listeners(_ reading: SelfReading) -> [SelfFamily] {
        var open = SelfFamily(
            name: "roost_listener_connections", type: .gauge, help: "Open connections, by listener."
        )
        var accepted = SelfFamily(
            name: "roost_listener_connections_accepted_total", type: .counter,
            help: "Connections accepted, by listener.")
        var refused = SelfFamily(
            name: "roost_listener_connections_refused_total", type: .counter,
            help: "Connections closed at once: no descriptor, limits.connections or limits.memory.")
        var errors = SelfFamily(
            name: "roost_listener_protocol_errors_total", type: .counter,
            help: "Connections and streams ended because the peer broke the protocol.")
        var timeouts = SelfFamily(
            name: "roost_listener_timeouts_total", type: .counter,
            help: "Connections and requests ended by a time-out, by listener and kind.")
        for (name, counters) in reading.listeners {
            let labels = ["listener": name] as LabelText
            open.series.append((labels, Double(counters.connectionsOpen)))
            accepted.series.append((labels, Double(counters.connectionsAccepted)))
            refused.series.append((labels, Double(counters.connectionsRefused)))
            errors.series.append((labels, Double(counters.protocolErrors)))
            for (kind, count) in [
                ("header", counters.headerTimeouts), ("body", counters.bodyTimeouts),
                ("idle", counters.idleTimeouts), ("write", counters.writeTimeouts),
            ] {
                timeouts.series.append(
                    (["listener": name, "kind": kind] as LabelText, Double(count)))
            }
        }
        return [open, accepted, refused, errors, timeouts]
    }

    private static func series(_ reading: SelfReading) -> [SelfFamily] {
        var families = [
            SelfFamily(
                name: "roost_metrics_unexposed_points_total", type: .counter,
                help: "Points accepted and forwarded that /metrics cannot show, by reason.",
                series: reading.unexposedPoints.map {
                    (["reason": $0.reason] as LabelText, Double($0.points))
                }),
            SelfFamily(
                name: "roost_metrics_series", type: .gauge,
                help: "Series held, by where they come from.",
                series: [
                    (["source": "application"] as LabelText, Double(reading.applicationSeries)),
                    (["source": "spans"] as LabelText, Double(reading.spanMetricsSeries)),
                ]),
            SelfFamily(
                name: "roost_span_metrics_overflow_spans_total", type: .counter,
                help: "Spans counted in the overflow series, for limits.series_per_metric.",
                series: [(.none, Double(reading.spanMetricsOverflow))]),
        ]
        for counter in reading.seriesCounters {
            families.append(
                SelfFamily(
                    name: counter.name, type: .counter, help: counter.help,
                    series: [(.none, Double(counter.value))]))
        }
        return families
    }

    private static func agents(_ reading: SelfReading) -> [SelfFamily] {
        func counter(_ name: String, _ help: String, _ value: UInt64) -> SelfFamily {
            SelfFamily(
                name: "roost_agent_\(name)_total", type: .counter, help: help,
                series: [(.none, Double(value))])
        }
        func gauge(_ name: String, _ help: String, _ value: Int) -> SelfFamily {
            SelfFamily(
                name: "roost_agent_\(name)", type: .gauge, help: help,
                series: [(.none, Double(value))])
        }
        let events = reading.agents
        return [
            counter(
                "abandoned", "Activities in progress that were given up.", events.abandoned),
            counter(
                "late_children", "Calls below an agent whose own account had been believed.",
                events.lateChildren),
            counter(
                "left_out_activities",
                "Steps told by logs or metrics of a service whose spans or logs tell them too.",
                events.disbelieved),
            counter(
                "rejected_values", "Spans with token counts or costs that cannot be.",
                events.rejectedValues),
            counter(
                "repeated_spans", "Spans that came again and were not counted again as work.",
                events.repeatedSpans),
            counter(
                "duplicate_calls", "Calls that two spans told, counted once.",
                events.duplicateCalls),
            counter(
                "mended_times", "Spans that ended before they began or more than a year after.",
                events.mendedTimes),
            counter(
                "overflow_counts",
                "Counts and durations of agents put into overflow series, for "
                    + "limits.series_per_metric.", reading.agentOverflow),
            gauge(
                "held_activities", "Activities open or waiting for their trace to be quiet.",
                reading.heldActivities),
            gauge(
                "inbox_bytes", "What has been read about agents and not been counted yet.",
                reading.waitingActivityBytes),
        ]
    }

    private static func redaction(_ reading: SelfReading) -> SelfFamily {
        SelfFamily(
            name: "roost_redacted_values_total", type: .counter,
            help: "Values taken out of accepted telemetry, by rule.",
            series: reading.redactedValues.map {
                (["rule": $0.rule] as LabelText, Double($0.values))
            })
    }

    private static func labelText(_ labels: [String: String]) -> LabelText {
        var builder = LabelBuilder()
        for (name, value) in labels { builder.add(name, value) }
        return builder.finish()
    }
}
