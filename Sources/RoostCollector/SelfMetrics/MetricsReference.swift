import RoostAudit
import RoostIngest
import RoostMetrics
import RoostWire

/// The reference of Roost's own metrics as Markdown, made from the tables that serve them.
///
/// `docs/metrics.md` holds it between two markers, and a test holds the two together.
package enum MetricsReference {
    package static func markdown(_ reading: SelfReading) -> String {
        var text = "| family | type | labels | what it says |\n| --- | --- | --- | --- |\n"
        for family in SelfMetricsFamilies.all(reading) {
            let labels = labelNames(family).map { "`\($0)`" }.joined(separator: ", ")
            text += "| `\(family.name)` | \(family.type) | \(labels) | \(family.help) |\n"
        }
        text += reasons(
            "Reasons of `roost_receiver_refused_*_total`",
            RefusalReason.allCases.map { ($0.name, $0.explanation) })
        text += reasons(
            "Reasons of `roost_dropped_*_total`",
            DropReason.allCases.map { ($0.name, $0.explanation) })
        text += reasons(
            "Reasons of `roost_exporter_failed_requests_total`",
            FailureReason.allCases.map { ($0.name, $0.explanation) })
        text += reasons(
            "Reasons of `roost_dead_letters_dropped_total`",
            DeadLetterLoss.allCases.map { ($0.rawValue, $0.explanation) })
        text += reasons(
            "Reasons of `roost_metrics_unexposed_points_total`",
            UnexposedReason.allCases.map { ($0.name, $0.explanation) })
        text += reasons(
            "Reasons of `roost_audit_append_failures_total`",
            AuditRefusal.Kind.allCases.map { ($0.rawValue, $0.explanation) })
        return text
    }

    private static func reasons(_ title: String, _ rows: [(String, String)]) -> String {
        rows.reduce("\n### \(title)\n\n| reason | meaning |\n| --- | --- |\n") { text, row in
            text + "| `\(row.0)` | \(row.1) |\n"
        }
    }

    /// Names in the label text of the family's first series; values here hold no quotes.
    private static func labelNames(_ family: SelfFamily) -> [String] {
        let labels = family.series.first?.labels ?? family.histograms.first?.labels
        guard let text = labels?.string else { return [] }
        return text.split(separator: ",").compactMap { pair in
            pair.split(separator: "=").first.map(String.init)
        }
    }
}
