@testable import RoostMetrics

/// A point of any kind, with the fields that tests use.
struct Point {
    var attributes: [(String, AttributeValue)] = []
    var start: UInt64 = 0
    var time: UInt64 = 0
    var isGone = false
    /// Of an exemplar; its ids are made of the number 7.
    var exemplar: (value: Double, time: UInt64)?

    func write(_ out: inout OTLPBytes, attributes: UInt64, exemplars: UInt64, flags: UInt64) {
        out.attributes(attributes, self.attributes)
        if start != 0 { out.fixed(2, start) }
        if time != 0 { out.fixed(3, time) }
        if let exemplar {
            out.message(exemplars) {
                $0.attributes(7, [("user", "u1")])
                $0.fixed(2, exemplar.time)
                $0.double(3, exemplar.value)
                $0.raw(4, [UInt8](repeating: 7, count: 8))
                $0.raw(5, [UInt8](repeating: 7, count: 16))
            }
        }
        if isGone { out.number(flags, 1) }
    }
}

/// A metric and one point of it.
enum Sent {
    enum Temporality: UInt64 { case delta = 1, cumulative = 2 }

    static func metric(
        _ name: String, unit: String = "", help: String = "", type: String = "",
        _ data: (inout OTLPBytes) -> Void
    ) -> [UInt8] {
        var out = OTLPBytes()
        out.text(1, name)
        out.text(2, help)
        out.text(3, unit)
        data(&out)
        if !type.isEmpty { out.attributes(12, [("prometheus.type", .text(type))]) }
        return out.bytes
    }

    static func number(_ value: Double?, _ point: Point) -> [UInt8] {
        var out = OTLPBytes()
        point.write(&out, attributes: 7, exemplars: 5, flags: 8)
        if let value { out.double(4, value) }
        return out.bytes
    }

    static func gauge(
        _ name: String, _ value: Double?, _ point: Point = Point(), unit: String = "",
        help: String = "", type: String = ""
    ) -> [UInt8] {
        metric(name, unit: unit, help: help, type: type) { out in
            out.message(5) { $0.raw(1, number(value, point)) }
        }
    }

    static func sum(
        _ name: String, _ value: Double?, _ point: Point = Point(),
        _ temporality: Temporality = .cumulative, isMonotonic: Bool = true, unit: String = "",
        help: String = ""
    ) -> [UInt8] {
        metric(name, unit: unit, help: help) { out in
            out.message(7) {
                $0.raw(1, number(value, point))
                $0.number(2, temporality.rawValue)
                if isMonotonic { $0.number(3, 1) }
            }
        }
    }

    static func histogram(
        _ name: String, bounds: [Double], counts: [UInt64], sum: Double?, _ point: Point = Point(),
        _ temporality: Temporality = .cumulative
    ) -> [UInt8] {
        metric(name) { out in
            out.message(9) {
                $0.message(1) {
                    point.write(&$0, attributes: 9, exemplars: 8, flags: 10)
                    $0.fixed(4, counts.reduce(0, &+))
                    if let sum { $0.double(5, sum) }
                    $0.packed(6, fixed: counts)
                    $0.packed(7, fixed: bounds.map(\.bitPattern))
                }
                $0.number(2, temporality.rawValue)
            }
        }
    }

    static func exponential(
        _ name: String, scale: Int32, zero: UInt64 = 0, offset: Int32, counts: [UInt64],
        sum: Double?, _ point: Point = Point(), _ temporality: Temporality = .cumulative
    ) -> [UInt8] {
        metric(name) { out in
            out.message(10) {
                $0.message(1) {
                    point.write(&$0, attributes: 1, exemplars: 11, flags: 10)
                    $0.fixed(4, counts.reduce(zero, &+))
                    if let sum { $0.double(5, sum) }
                    $0.signed(6, scale)
                    $0.fixed(7, zero)
                    $0.message(8) {
                        $0.signed(1, offset)
                        $0.message(2) { for count in counts { $0.varint(count) } }
                    }
                }
                $0.number(2, temporality.rawValue)
            }
        }
    }

    static func summary(
        _ name: String, count: UInt64, sum: Double, quantiles: [(Double, Double)],
        _ point: Point = Point()
    ) -> [UInt8] {
        metric(name) { out in
            out.message(11) {
                $0.message(1) {
                    point.write(&$0, attributes: 7, exemplars: 99, flags: 8)
                    $0.fixed(4, count)
                    $0.double(5, sum)
                    for (quantile, value) in quantiles {
                        $0.message(6) {
                            $0.double(1, quantile)
                            $0.double(2, value)
                        }
                    }
                }
            }
        }
    }

    /// A whole request of one resource and one scope.
    static func request(
        _ metrics: [[UInt8]], resource: [(String, AttributeValue)] = [],
        scope: (name: String, version: String, attributes: [(String, AttributeValue)]) = (
            "", "", []
        )
    ) -> [UInt8] {
        var out = OTLPBytes()
        out.message(1) {
            $0.message(1) { $0.attributes(1, resource) }
            $0.message(2) { scopeMetrics in
                scopeMetrics.message(1) {
                    $0.text(1, scope.name)
                    $0.text(2, scope.version)
                    $0.attributes(3, scope.attributes)
                }
                for metric in metrics { scopeMetrics.raw(2, metric) }
            }
        }
        return out.bytes
    }
}

extension SeriesStore {
    /// Takes a request of `metrics`.
    func take(
        _ metrics: [UInt8]..., now: UInt64 = 0, resource: [(String, AttributeValue)] = []
    ) {
        take(request: Sent.request(metrics, resource: resource), now: now)
    }

    func take(request: [UInt8], now: UInt64 = 0) {
        unsafe request.withUnsafeBytes { unsafe ingest($0, now: now) }
    }

    /// The page as text, without the lines that are the same everywhere.
    func page(_ format: ExpositionFormat = .text) -> String {
        let page = ExpositionPage(format: format, sources: [self])
        var bytes: [UInt8] = []
        while page.next(into: &bytes) {}
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The sample lines of the page.
    var samples: [String] {
        page().split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }
}
