public import RoostWire

/// Finds in a metrics request which services send the conventions' client metrics themselves.
@safe public struct ClientMetricsFinder: MetricsVisitor {
    /// Names of the services, as often as their resources occur.
    public private(set) var services: [[UInt8]] = []
    private var service: [UInt8] = []
    private var isNoted = false

    public init() {}

    public mutating func resource(_ resource: ResourceView) {
        isNoted = false
        service.removeAll(keepingCapacity: true)
        resource.attributes.forEach { key, value in
            guard key.equals("service.name"), value.kind == .string else { return }
            service.removeAll(keepingCapacity: true)
            unsafe service.append(contentsOf: value.stringBytes.buffer)
        }
    }

    public mutating func metric(_ metric: MetricView) {
        // All begin with this, and most metrics do not.
        guard !isNoted, metric.name.count > 18, metric.name.count < 48 else { return }
        let name = metric.name
        guard
            name.equals("gen_ai.client.token.usage")
                || name.equals("gen_ai.client.operation.duration")
                || name.equals("gen_ai.client.inference.duration")
                || name.equals("gen_ai.client.inference.operation.input_tokens")
                || name.equals("gen_ai.client.inference.operation.output_tokens")
        else { return }
        isNoted = true
        services.append(service)
    }
}
