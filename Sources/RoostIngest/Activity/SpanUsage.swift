import RoostWire

/// Token counts and cost as one span or log record gives them, made comparable.
///
/// Input may or may not include what came from a cache, and output may or may not include
/// reasoning: an activity's counts never overlap.
struct SpanUsage {
    private(set) var tokens = ActivityTokens()
    private(set) var isPresent = false
    /// There is a count of input; of output.
    private(set) var tellsInput = false
    private(set) var tellsOutput = false
    /// A count or a cost was nonsense and was left out.
    private(set) var hasRejected = false

    private var input: UInt64?
    private var output: UInt64?
    private var cacheRead: UInt64?
    private var cacheWrite: UInt64?
    private var reasoning: UInt64?
    /// The sum of all, as the sender gives it.
    private var total: UInt64?
    /// What JSON says besides: parts of input and of output that are counted nowhere else if it
    /// turns out that its counts do not overlap.
    private var otherInput: UInt64 = 0
    private var otherOutput: UInt64 = 0

    /// No call to a model has more tokens of a kind.
    static let mostTokens: UInt64 = 1_000_000_000
    /// Nor costs as many dollars.
    static let mostCost = 1_000_000.0

    /// Counts of input and output and nothing else, which is what most calls say; nil when there is
    /// more to it.
    @inline(__always)
    static func plain(_ slots: SpanSlots) -> ActivityTokens? {
        guard slots.hasOnly(SpanSlots.plainUsage, of: SpanSlots.usage),
            !slots.has(.otherInputTokens)
        else { return nil }
        let (input, output) = (slots.value(.inputTokens), slots.value(.outputTokens))
        guard input.kind == .int, output.kind == .int else { return nil }
        let most = Int64(mostTokens)
        guard input.intValue >= 0, input.intValue <= most, output.intValue >= 0,
            output.intValue <= most
        else { return nil }
        var tokens = ActivityTokens()
        tokens.input = UInt64(input.intValue)
        tokens.output = UInt64(output.intValue)
        return tokens
    }

    init(_ slots: SpanSlots, _ maps: NameMaps, dialect: UInt8) {
        input = count(slots, .inputTokens)
        output = count(slots, .outputTokens)
        cacheRead = count(slots, .cacheReadTokens)
        cacheWrite = count(slots, .cacheWriteTokens)
        reasoning = count(slots, .reasoningTokens)
        if slots.has(.totalTokens) { total = count(slots, .totalTokens) }
        if slots.has(.usageDetails) { fillIn(slots.text(.usageDetails), maps) }
        if slots.has(.cacheDetails) { fillIn(slots.text(.cacheDetails), maps) }
        if slots.has(.reasoningDetails) { fillIn(slots.text(.reasoningDetails), maps) }
        isPresent = input != nil || output != nil
        tellsInput = input != nil
        tellsOutput = output != nil
        let semantics = maps.semantics(of: dialect)
        split(semantics)
        // Behind that: what is cached is part of the prompt's own tokens.
        if semantics.isToolInputApart, let tools = count(slots, .otherInputTokens) {
            tokens.input += tools
        }
    }

    private mutating func split(_ semantics: NameMaps.Semantics) {
        let cached = (cacheRead ?? 0) + (cacheWrite ?? 0)
        tokens.cacheRead = cacheRead ?? 0
        tokens.cacheWrite = cacheWrite ?? 0
        tokens.reasoning = reasoning ?? 0
        let given = input ?? 0
        let written = output ?? 0
        let overlap = overlap(given: given, cached: cached, written: written)
        if overlap == .none {
            tokens.input = given + otherInput
            tokens.output = written + otherOutput
            return
        }
        // More cached than read at all: then the cache is not part of it.
        let isExclusive =
            cached > given || overlap == .reasoning
            || overlap == .unknown && semantics.isExclusive
        tokens.input = isExclusive ? given : given - cached
        let isApart =
            tokens.reasoning > written || overlap == .cache
            || overlap == .unknown && semantics.isReasoningApart
        tokens.output = isApart ? written : written - tokens.reasoning
    }

    /// What is counted twice, as far as the sum that the sender gives beside its counts proves it.
    private enum Overlap {
        case unknown, none
        /// Input holds what is cached, and reasoning stands beside the output.
        case cache
        /// Output holds the reasoning, and what is cached stands beside the input.
        case reasoning
    }

    private func overlap(given: UInt64, cached: UInt64, written: UInt64) -> Overlap {
        guard let total, input != nil, output != nil else { return .unknown }
        let plain = given + written
        let apart = cached + tokens.reasoning + otherInput + otherOutput
        if apart > 0, plain + apart == total { return .none }
        if cached == tokens.reasoning { return .unknown }
        if cached > 0, plain + cached == total { return .reasoning }
        if tokens.reasoning > 0, plain + tokens.reasoning == total { return .cache }
        return .unknown
    }

    /// Counts that no attribute of their own gave.
    private mutating func fillIn(_ json: WireBytes, _ maps: NameMaps) {
        var found = [Double?](repeating: nil, count: NameConcept.allCases.count)
        UsageJSON(json).forEachNumber { key, number in
            guard let concept = maps.usageKeys.find(key) else { return }
            // Of each count one counts, of parts all.
            if concept == NameConcept.otherInputTokens.rawValue {
                otherInput &+= SpanUsage.count(number) ?? 0
            } else if concept == NameConcept.otherOutputTokens.rawValue {
                otherOutput &+= SpanUsage.count(number) ?? 0
            } else if found[Int(concept)] == nil {
                found[Int(concept)] = number
            }
        }
        func take(_ concept: NameConcept, _ field: inout UInt64?) {
            guard field == nil, let number = found[Int(concept.rawValue)] else { return }
            field = SpanUsage.count(number)
            if field == nil { hasRejected = true }
        }
        take(.inputTokens, &input)
        take(.outputTokens, &output)
        take(.cacheReadTokens, &cacheRead)
        take(.cacheWriteTokens, &cacheWrite)
        take(.reasoningTokens, &reasoning)
        if total == nil {
            total = found[Int(NameConcept.totalTokens.rawValue)].flatMap(SpanUsage.count)
        }
    }

    private mutating func count(_ slots: SpanSlots, _ concept: NameConcept) -> UInt64? {
        guard slots.has(concept) else { return nil }
        let value = slots.value(concept)
        if value.kind == .int, value.intValue >= 0, value.intValue <= Int64(SpanUsage.mostTokens) {
            return UInt64(value.intValue)
        }
        let count = SpanUsage.number(value).flatMap(SpanUsage.count)
        if count == nil { hasRejected = true }
        return count
    }

    private static func count(_ number: Double) -> UInt64? {
        number >= 0 && number <= Double(mostTokens) ? UInt64(number) : nil
    }

    /// The cost that was reported, in USD; not a number when none was. A cost of nothing for tokens
    /// that were used is what senders write that know no price.
    mutating func cost(_ slots: SpanSlots) -> Double {
        var cost = Double.nan
        if slots.has(.costCurrency), !isDollars(slots.text(.costCurrency)) { return .nan }
        if slots.has(.cost) {
            cost = SpanUsage.number(slots.value(.cost)) ?? .nan
        } else if slots.has(.costDetails) {
            cost = SpanUsage.total(slots.text(.costDetails))
        } else {
            return .nan
        }
        guard cost >= 0, cost <= SpanUsage.mostCost else {
            hasRejected = true
            return .nan
        }
        return cost == 0 && !tokens.isEmpty ? .nan : cost
    }

    private func isDollars(_ currency: WireBytes) -> Bool {
        currency.count == 3 && currency.hasPrefixIgnoringCase("usd", at: 0)
    }

    /// `total` of a JSON object of costs, or else their sum.
    private static func total(_ json: WireBytes) -> Double {
        var total = Double.nan
        var sum = 0.0
        var isEmpty = true
        UsageJSON(json).forEachNumber { key, number in
            if key.equals("total") || key.equals("total_cost") {
                total = number
            } else {
                sum += number
                isEmpty = false
            }
        }
        return total.isNaN && !isEmpty ? sum : total
    }

    /// A number however it was sent: as one, or as text.
    static func number(_ value: AnyValueView) -> Double? {
        switch value.kind {
        case .int: return Double(value.intValue)
        case .double: return value.doubleValue
        case .string:
            let text = value.stringBytes
            return text.count <= 40 ? Double(text.string) : nil
        default: return nil
        }
    }
}
