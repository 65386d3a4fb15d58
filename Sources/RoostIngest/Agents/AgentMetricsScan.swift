import RoostCore
public import RoostWire

/// What a metrics request says about agents: usage, and which services send the conventions' client
/// metrics themselves. Costs a look or two for each metric of others.
@safe public struct AgentMetricsScan: MetricsVisitor {
    public private(set) var facts: [UsageFact] = []
    /// Services with client metrics, their namespaces with them, as often as their resources occur.
    public private(set) var senders: [[UInt8]] = []

    private let names: NameTable?
    private var service: [UInt8] = []
    private var namespace: [UInt8] = []
    private var isNoted = false
    private var resourceHash: UInt64 = 0
    private var resource: AttributeList?
    private var isResourceRead = false
    private var scope = WireBytes.empty
    private var isExclusive = false
    /// The metric at hand, when its points tell something.
    private var metric: NameMetric?
    private var metricHash: UInt64 = 0
    private var isCumulative = false

    /// More points than this are not looked at.
    private static let mostFacts = 20_000
    private static let longestText = 256

    /// Without names only client metrics are looked for.
    public init(names: NameTable?) { self.names = names }

    public mutating func resource(_ resource: ResourceView) {
        isNoted = false
        isResourceRead = false
        self.resource = resource.attributes
    }

    /// Reads what is needed of resource and scope, which most requests never ask for.
    private mutating func readResource() {
        guard !isResourceRead, let resource else { return }
        isResourceRead = true
        service = []
        namespace = []
        resourceHash = Self.hash(resource, seed: 11)
        resource.forEach { key, value in
            guard value.kind == .string else { return }
            if key.equals("service.name") { service = Self.text(value.stringBytes) }
            if key.equals("service.namespace") { namespace = Self.text(value.stringBytes) }
        }
    }

    public mutating func scope(_ scope: ScopeView) { self.scope = scope.name }

    public mutating func metric(_ metric: MetricView) {
        noteClientMetric(metric.name)
        self.metric = nil
        guard let names, metric.kind == .sum, let index = names.metricNames.find(metric.name)
        else { return }
        self.metric = names.metrics[Int(index)]
        readResource()
        metricHash = Self.hash(metric.name, seed: Self.hash(scope, seed: resourceHash))
        let dialect = names.dialect(scope: scope, service: service)
        isExclusive = names.maps.semantics(of: dialect).isExclusive
        isCumulative = metric.temporality == 2
    }

    private mutating func noteClientMetric(_ name: WireBytes) {
        guard !isNoted, name.count > 18, name.count < 64 else { return }
        guard
            name.equals("gen_ai.client.token.usage")
                || name.equals("gen_ai.client.operation.duration")
                || name.equals("gen_ai.client.inference.duration")
                || name.equals("gen_ai.client.inference.operation.input_tokens")
                || name.equals("gen_ai.client.inference.operation.output_tokens")
                || name.equals("gen_ai.client.inference.usage.input_tokens")
                || name.equals("gen_ai.client.inference.usage.output_tokens")
        else { return }
        isNoted = true
        readResource()
        senders.append(ServiceJob.text(name: service, namespace: namespace))
    }

    public mutating func numberPoint(_ point: NumberPointView) {
        guard let metric, let names, facts.count < Self.mostFacts, point.flags & 1 == 0 else {
            return
        }
        var fact = UsageFact()
        switch point.value {
        case .int(let value): fact.value = Double(value)
        case .double(let value): fact.value = value
        case .none: return
        }
        fact.service = service
        fact.tells = metric.tells
        fact.isExclusive = isExclusive
        fact.isCumulative = isCumulative
        fact.start = point.startTimeUnixNano
        fact.time = point.timeUnixNano
        fact.stream = Self.hash(point.attributes, seed: metricHash)
        var type: Int?
        var ranks: [NameConcept: Int] = [:]
        point.attributes.forEach { key, value in
            if !metric.by.isEmpty, unsafe key.buffer.elementsEqual(metric.by.utf8) {
                type = metric.types.firstIndex { words in
                    words.contains { unsafe value.stringBytes.buffer.elementsEqual($0.utf8) }
                }
            }
            guard let packed = names.maps.attributes.find(key),
                let concept = NameConcept(rawValue: UInt8(packed & 0xFF))
            else { return }
            let rank = Int(packed >> 8 & 0xFF)
            guard rank < ranks[concept] ?? .max else { return }
            if Self.take(concept, value, &fact) { ranks[concept] = rank }
        }
        if metric.tells == .tokens {
            // Kinds of tokens that the table does not list are part of others, or new.
            guard let type else { return }
            fact.tokenType = type
        }
        if fact.provider.isEmpty, !fact.model.isEmpty {
            fact.provider = unsafe fact.model.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return [] }
                return names.provider(ofModel: unsafe WireBytes(base: base, count: buffer.count))
                    .map { names.providerNames[$0] } ?? []
            }
        }
        facts.append(fact)
    }

    /// Whether the attribute said something.
    private static func take(
        _ concept: NameConcept, _ value: AnyValueView, _ fact: inout UsageFact
    ) -> Bool {
        let text = value.kind == .string ? Self.text(value.stringBytes) : []
        switch concept {
        case .agent: fact.agent = text
        case .tool: fact.tool = text
        case .session: fact.session = text
        case .user: fact.user = text
        case .modelAnswered: fact.model = text
        case .modelRequested where fact.model.isEmpty: fact.model = text
        case .errorType:
            fact.errorType = text
            fact.isError = fact.isError || !text.isEmpty
        case .success:
            let failed = value.kind == .bool ? !value.boolValue : text == Array("false".utf8)
            fact.isError = fact.isError || failed
            return true
        case .statusCode:
            let code =
                value.kind == .int
                ? value.intValue : Int64(String(decoding: text, as: UTF8.self)) ?? 0
            fact.isError = fact.isError || code >= 400
            return true
        default: return false
        }
        return !text.isEmpty
    }

    private static func text(_ bytes: WireBytes) -> [UInt8] {
        unsafe Array(bytes.buffer.prefix(longestText))
    }

    private static func hash(_ bytes: WireBytes, seed: UInt64) -> UInt64 {
        unsafe ByteHash.hash(UnsafeRawPointer(bytes.base), count: bytes.count, seed: seed)
    }

    /// The same whatever the order.
    private static func hash(_ attributes: AttributeList, seed: UInt64) -> UInt64 {
        var sum = seed
        attributes.forEach { key, value in
            let name = hash(key, seed: 1)
            switch value.kind {
            case .string: sum &+= hash(value.stringBytes, seed: name)
            case .int: sum &+= mixed(name, UInt64(bitPattern: value.intValue))
            case .bool: sum &+= mixed(name, value.boolValue ? 1 : 2)
            case .double: sum &+= mixed(name, value.doubleValue.bitPattern)
            default: sum &+= name
            }
        }
        return sum
    }

    private static func mixed(_ state: UInt64, _ bits: UInt64) -> UInt64 {
        (state ^ bits) &* 0x9E37_79B9_7F4A_7C15
    }
}
