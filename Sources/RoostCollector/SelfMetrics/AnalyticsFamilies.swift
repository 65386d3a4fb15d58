import RoostMetrics

/// What analytics and live streams have done, read at one moment.
package struct AnalyticsReading: Sendable, Equatable {
    package var facts: UInt64 = 0
    package var droppedFacts: UInt64 = 0
    package var openWorkflows = 0
    package var stuckWorkflows = 0
    package var liveConnections = 0
    package var liveEvents: UInt64 = 0
    package var liveDelivered: UInt64 = 0
    package var liveLost: UInt64 = 0
    /// Name of each switch and whether it is on.
    package var switches: [String: Bool] = [:]
}

/// Families of analytics, live streams and switches.
extension SelfMetricsFamilies {
    static func analytics(_ reading: AnalyticsReading) -> [SelfFamily] {
        func counter(_ name: String, _ help: String, _ value: UInt64) -> SelfFamily {
            SelfFamily(name: name, type: .counter, help: help, series: [(.none, Double(value))])
        }
        func gauge(_ name: String, _ help: String, _ value: Int) -> SelfFamily {
            SelfFamily(name: name, type: .gauge, help: help, series: [(.none, Double(value))])
        }
        return [
            counter(
                "roost_analytics_facts_total", "Facts about agents that were analysed.",
                reading.facts),
            counter(
                "roost_analytics_dropped_facts_total",
                "Facts about agents that found no room to be analysed; metrics count them all.",
                reading.droppedFacts),
            gauge(
                "roost_analytics_open_workflows", "Runs of workflows that are followed.",
                reading.openWorkflows),
            gauge(
                "roost_analytics_stuck_workflows", "Of these, runs that are silent for too long.",
                reading.stuckWorkflows),
            gauge("roost_live_connections", "Open live streams.", reading.liveConnections),
            counter(
                "roost_live_events_total", "Events while somebody listened to live streams.",
                reading.liveEvents),
            counter(
                "roost_live_delivered_messages_total", "Messages handed to live streams.",
                reading.liveDelivered),
            counter(
                "roost_live_lost_messages_total",
                "Messages that live streams lost because their clients read too slowly.",
                reading.liveLost),
            SelfFamily(
                name: "roost_part_enabled", type: .gauge,
                help: "Whether a part is switched on, 1 or 0.",
                series: reading.switches.sorted { $0.key < $1.key }.map {
                    (["part": $0.key] as LabelText, $0.value ? 1 : 0)
                }),
        ]
    }
}
