import RoostMetrics
import RoostNet

/// The families of TLS on listeners; those that speak plain text have no series.
enum TLSFamilies {
    static func all(_ reading: SelfReading) -> [SelfFamily] {
        var handshakes = SelfFamily(
            name: "roost_listener_tls_handshakes_total", type: .counter,
            help: "TLS handshakes that were finished, by listener and version.")
        var failures = SelfFamily(
            name: "roost_listener_tls_handshake_failures_total", type: .counter,
            help: "TLS handshakes that came to nothing, by listener and reason.")
        var expiry = SelfFamily(
            name: "roost_listener_tls_certificate_expiry_timestamp_seconds", type: .gauge,
            help: "When the certificate that new connections are shown expires, in Unix time.")
        for (name, counters) in reading.listeners {
            guard let validUntil = reading.certificates[name] else { continue }
            for version in TLSVersion.allCases {
                handshakes.series.append(
                    (
                        ["listener": name, "version": version.rawValue] as LabelText,
                        Double(counters.tls.handshakes(version))
                    ))
            }
            for reason in TLSFailure.allCases {
                failures.series.append(
                    (
                        ["listener": name, "reason": reason.rawValue] as LabelText,
                        Double(counters.tls.failures(reason))
                    ))
            }
            expiry.series.append((["listener": name] as LabelText, Double(validUntil)))
        }
        return [handshakes, failures, expiry]
    }
}
