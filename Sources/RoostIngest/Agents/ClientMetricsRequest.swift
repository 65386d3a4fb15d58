import RoostCore
import RoostWire

/// The computed client metrics as the OTLP request that each service could have sent.
///
/// They go the way of application metrics from here on, so a family that some services send and
/// others do not is one family on the page, and nothing can clash.
public struct ClientMetricsRequest: Sendable {
    private var writer = MessageWriter()
    private let metrics: ClientMetrics
    private let texts: [[UInt8]]
    private let now: UInt64
    private let introduced: ClientTables<Int>
    private let presence: ClientTables<[ClientMetricsShown.Presence]>
    /// The service at hand sends its own now.
    private var isWithdrawn = false

    /// The bytes of an `ExportMetricsServiceRequest`; nil when there is nothing to show.
    ///
    /// `now` in Unix nanoseconds is the time of the points. What `shown` says that Prometheus has not
    /// seen is nothing if the request is for it; what has counted nothing for long has no value once,
    /// and is left out from then on.
    public static func bytes(
        of snapshot: AgentSnapshot, now: UInt64, shown: inout ClientMetricsShown,
        isForPrometheus: Bool
    ) -> [UInt8]? {
        guard let client = snapshot.metrics.client else { return nil }
        let introduced = shown.introduce(client, isForPrometheus: isForPrometheus)
        var request = ClientMetricsRequest(
            metrics: client, texts: snapshot.metrics.texts.texts, now: now, introduced: introduced,
            presence: shown.look(client, toPrometheus: isForPrometheus ? introduced : nil))
        var isEmpty = true
        for service in request.services() {
            request.isWithdrawn = client.others.contains(service.number)
            if request.isWithdrawn, !shown.withdraw(service.number) { continue }
            request.write(service)
            isEmpty = false
        }
        return isEmpty ? nil : request.writer.bytes
    }

    private init(
        metrics: ClientMetrics, texts: [[UInt8]], now: UInt64,
        introduced: ClientTables<Int>, presence: ClientTables<[ClientMetricsShown.Presence]>
    ) {
        self.metrics = metrics
        self.texts = texts
        self.now = now
        self.introduced = introduced
        self.presence = presence
    }

    /// Numbers of series, by operation, of the three tables.
    private struct Service {
        var number: Int32
        var durations: [[Int]]
        var inputTokens: [[Int]]
        var outputTokens: [[Int]]
        /// By detail, then by operation.
        var details: [[[Int]]]
    }

    private func services() -> [Service] {
        let none = [[Int]](repeating: [], count: ClientMetrics.operations.count)
        var found: [Int32: Service] = [:]
        func sort(
            _ tables: [AgentSeriesIndex], _ presence: [[ClientMetricsShown.Presence]],
            _ list: WritableKeyPath<Service, [[Int]]>
        ) {
            for (operation, index) in tables.enumerated() {
                for series in 1..<max(1, index.count) {
                    let number = index.keys[series].first
                    guard number >= 0, presence[operation][series] != .gone else { continue }
                    found[
                        number,
                        default: Service(
                            number: number, durations: none, inputTokens: none, outputTokens: none,
                            details: ClientMetrics.details.map { _ in none })
                    ][keyPath: list][operation].append(series)
                }
            }
        }
        sort(metrics.durations.map(\.index), presence.durations, \.durations)
        sort(metrics.inputTokens.map(\.index), presence.inputTokens, \.inputTokens)
        sort(metrics.outputTokens.map(\.index), presence.outputTokens, \.outputTokens)
        for place in ClientMetrics.details.indices {
            sort(
                metrics.detailTokens.map { $0[place].index },
                presence.details.map { $0[place] }, \.details[place])
        }
        return found.values.sorted { $0.number < $1.number }
    }

    private mutating func write(_ service: Service) {
        let isNew = metrics.conventions == .genai
        let (name, namespace) = ServiceJob.parts(of: texts[Int(service.number)])
        // `writer` is lent out, so what is needed of `self` is copied first.
        let source = self
        writer.message(1) { resourceMetrics in
            resourceMetrics.message(1) { resource in
                Self.attribute(&resource, 1, "service.name", Array(name))
                if !namespace.isEmpty {
                    Self.attribute(&resource, 1, "service.namespace", Array(namespace))
                }
            }
            resourceMetrics.message(2) { scoped in
                scoped.message(1) { $0.string(1, "roost") }
                scoped.message(2) { metric in
                    metric.string(
                        1,
                        isNew
                            ? "gen_ai.client.inference.duration"
                            : "gen_ai.client.operation.duration")
                    metric.string(2, "GenAI operation duration.")
                    metric.string(3, "s")
                    metric.message(9) { histogram in
                        source.points(&histogram, .durations, service.durations, type: nil)
                        histogram.varint(2, 2)
                    }
                }
                if isNew {
                    for (type, tables, series) in [
                        ("input", Histograms.inputTokens, service.inputTokens),
                        ("output", Histograms.outputTokens, service.outputTokens),
                    ] where series.contains(where: { !$0.isEmpty }) {
                        scoped.message(2) { metric in
                            metric.string(1, "gen_ai.client.inference.operation.\(type)_tokens")
                            metric.string(2, "Number of \(type) tokens of an operation.")
                            metric.string(3, "{token}")
                            metric.message(9) { histogram in
                                source.points(&histogram, tables, series, type: nil)
                                histogram.varint(2, 2)
                            }
                        }
                    }
                    for usage in source.usage(of: service) {
                        scoped.message(2) { metric in
                            metric.string(1, "gen_ai.client.inference.usage.\(usage.name)")
                            metric.string(2, "Number of tokens used.")
                            metric.string(3, "{token}")
                            metric.message(7) { sum in
                                source.points(&sum, usage)
                                sum.varint(2, 2)
                                sum.varint(3, 1)
                            }
                        }
                    }
                } else if (service.inputTokens + service.outputTokens)
                    .contains(where: { !$0.isEmpty })
                {
                    scoped.message(2) { metric in
                        metric.string(1, "gen_ai.client.token.usage")
                        metric.string(2, "Number of input and output tokens used.")
                        metric.string(3, "{token}")
                        metric.message(9) { histogram in
                            source.points(
                                &histogram, .inputTokens, service.inputTokens, type: "input")
                            source.points(
                                &histogram, .outputTokens, service.outputTokens, type: "output")
                            histogram.varint(2, 2)
                        }
                    }
                }
            }
        }
    }

    /// The three tables of histograms.
    private enum Histograms {
        case durations, inputTokens, outputTokens
    }

    private func points(
        _ histogram: inout MessageWriter, _ which: Histograms, _ series: [[Int]], type: String?
    ) {
        let (tables, introduced, presence) =
            switch which {
            case .durations: (metrics.durations, introduced.durations, presence.durations)
            case .inputTokens: (metrics.inputTokens, introduced.inputTokens, presence.inputTokens)
            case .outputTokens:
                (metrics.outputTokens, introduced.outputTokens, presence.outputTokens)
            }
        for (operation, table) in tables.enumerated() {
            for number in series[operation] {
                histogram.message(1) { point in
                    self.point(
                        &point, table, number, operation, type,
                        hasValue: hasValue(presence[operation][number]),
                        isNew: number >= introduced[operation])
                }
            }
        }
    }

    private func hasValue(_ presence: ClientMetricsShown.Presence) -> Bool {
        !isWithdrawn && presence == .shown
    }

    /// One of the counters of tokens: its series by operation, and what they are at.
    private struct Usage {
        let name: String
        let series: [[Int]]
        let value: (_ operation: Int, _ series: Int) -> Double
        let index: (_ operation: Int) -> AgentSeriesIndex
        let introduced: (_ operation: Int) -> Int
        let presence: (_ operation: Int) -> [ClientMetricsShown.Presence]
    }

    /// Those that say something. Input and output are the sums of what their histograms hold.
    private func usage(of service: Service) -> [Usage] {
        let (input, output) = (metrics.inputTokens, metrics.outputTokens)
        let details = metrics.detailTokens
        let (introduced, presence) = (introduced, presence)
        let all =
            [
                Usage(
                    name: "input_tokens", series: service.inputTokens,
                    value: { input[$0].sums[$1] }, index: { input[$0].index },
                    introduced: { introduced.inputTokens[$0] },
                    presence: { presence.inputTokens[$0] }),
                Usage(
                    name: "output_tokens", series: service.outputTokens,
                    value: { output[$0].sums[$1] }, index: { output[$0].index },
                    introduced: { introduced.outputTokens[$0] },
                    presence: { presence.outputTokens[$0] }),
            ]
            + ClientMetrics.details.enumerated().map { place, name in
                Usage(
                    name: name, series: service.details[place],
                    value: { details[$0][place].values[$1] }, index: { details[$0][place].index },
                    introduced: { introduced.details[$0][place] },
                    presence: { presence.details[$0][place] })
            }
        return all.filter { $0.series.contains { !$0.isEmpty } }
    }

    private func points(_ sum: inout MessageWriter, _ usage: Usage) {
        for (operation, series) in usage.series.enumerated() {
            let (index, presence) = (usage.index(operation), usage.presence(operation))
            for number in series {
                sum.message(1) { point in
                    attributes(&point, 7, index.keys[number], operation)
                    // Of what kind tokens are, spans do not tell.
                    Self.attribute(&point, 7, "gen_ai.token.modality", Array("unknown".utf8))
                    point.fixed64(2, index.created[number])
                    point.fixed64(3, now)
                    if hasValue(presence[number]) {
                        let isNew = number >= usage.introduced(operation)
                        point.double(4, isNew ? 0 : usage.value(operation, number))
                    } else {
                        point.varint(8, Self.noValue)
                    }
                }
            }
        }
    }

    private func point(
        _ point: inout MessageWriter, _ table: AgentHistogram, _ number: Int, _ operation: Int,
        _ type: String?, hasValue: Bool, isNew: Bool
    ) {
        let key = table.index.keys[number]
        let width = table.bounds.bucketCount
        attributes(&point, 9, key, operation)
        if let type { Self.attribute(&point, 9, "gen_ai.token.type", Array(type.utf8)) }
        point.fixed64(2, table.index.created[number])
        point.fixed64(3, now)
        guard hasValue else { return point.varint(10, Self.noValue) }
        point.fixed64(4, isNew ? 0 : table.counts[number])
        point.double(5, isNew ? 0 : table.sums[number])
        if isNew {
            point.packedFixed64(6, [UInt64](repeating: 0, count: width)[...])
        } else {
            point.packedFixed64(6, table.buckets[number * width..<(number + 1) * width])
        }
        point.packedDouble(7, table.bounds.seconds)
    }

    /// The flag of points that say that there is no value any more. OTLP, `DataPointFlags`.
    private static let noValue: UInt64 = 1

    private func attributes(
        _ point: inout MessageWriter, _ field: Int, _ key: AgentSeriesKey, _ operation: Int
    ) {
        let labels: [(String, Int32)] = [
            ("gen_ai.provider.name", key.second), ("gen_ai.request.model", key.third),
            ("gen_ai.response.model", key.fourth), ("error.type", key.fifth),
        ]
        Self.attribute(
            &point, field, "gen_ai.operation.name",
            Array(ClientMetrics.operations[operation].utf8))
        for (name, text) in labels where text > 0 {
            Self.attribute(&point, field, name, texts[Int(text)])
        }
    }

    private static func attribute(
        _ writer: inout MessageWriter, _ field: Int, _ key: String, _ value: [UInt8]
    ) {
        writer.message(field) { attribute in
            attribute.string(1, key)
            attribute.message(2) { $0.bytes(1, value) }
        }
    }
}
