import RoostCore
import RoostWire

/// What the attributes of a span make of it: its kind, names, model, usage, outcome and times.
extension ActivityReader {
    /// What the attributes make of a span.
    mutating func understand(_ span: SpanView, _ activity: inout Activity) {
        readKind(span, &activity)
        readNames(&activity)
        guard activity.kind != .other || slots.has(.inputTokens) || slots.has(.spanType) else {
            if activity.flags.contains(.tellsOutcome) { readOutcome(span.events, &activity) }
            return
        }
        readModel(&activity)
        readUsage(&activity)
        readOutcome(span.events, &activity)
        readTimes(&activity)
        if slots.has(.spanType), slots.text(.spanType).equals("pending_span") {
            readPending(&activity)
        }
    }

    private func readKind(_ span: SpanView, _ activity: inout Activity) {
        if slots.has(.kind) {
            activity.kind = isWholeRun(span) ? .workflow : slots.kind
            return
        }
        if dialect != 0, let word = maps.spanNames.find(span.name) {
            activity.kind = ActivityKind(rawValue: UInt8(truncatingIfNeeded: word)) ?? .other
            if word & NameTable.outcome != 0 { activity.flags.insert(.tellsOutcome) }
            return
        }
        if slots.has(.tool), slots.rank(.tool) < 3 {
            activity.kind = .tool
            return
        }
        let hasModel = slots.has(.modelAnswered) || slots.has(.modelRequested)
        let hasTokens = slots.has(.inputTokens) || slots.has(.outputTokens)
        activity.kind = hasModel && hasTokens ? .llm : .other
    }

    /// The root of an OpenAI Agents run says that it is an agent, as the agents below it do, and has
    /// no agent's name. Its scope or its usual name tells it from the agents of other libraries
    /// that have none either.
    private func isWholeRun(_ span: SpanView) -> Bool {
        slots.kind == .agent && span.parentSpanID.isEmpty && !slots.has(.agent)
            && !slots.has(.entity) && !slots.isKindJSON
            && slots.value(.kind).stringBytes.equals("AGENT")
            && (maps.semantics(of: dialect).isRootWorkflow || span.name.equals("Agent workflow"))
    }

    mutating func readNames(_ activity: inout Activity) {
        if slots.has(.workflow) {
            activity.workflow = text(slots.text(.workflow))
        } else if activity.kind == .workflow, slots.has(.entity) {
            activity.workflow = text(slots.text(.entity))
        }
        if slots.has(.agent) {
            activity.agent = text(slots.text(.agent))
        } else if activity.kind == .agent {
            if slots.has(.entity) {
                activity.agent = text(slots.text(.entity))
            } else if slots.has(.kind), ActivityReader.isPlainAgent(slots.text(.kind)) {
                activity.agent = activity.name
            }
        }
        if slots.has(.agentID) {
            activity.agentID = text(slots.text(.agentID), after: latestAgentID)
            latestAgentID = activity.agentID
        }
        if slots.has(.session) {
            activity.session = text(slots.text(.session), after: latestSession)
            latestSession = activity.session
        }
        if slots.has(.user) {
            activity.user = text(slots.text(.user), after: latestUser)
            latestUser = activity.user
        }
        if activity.kind == .tool || activity.kind == .agent, slots.has(.arguments) {
            activity.arguments = ArgumentsHash.short(slots.value(.arguments))
        }
        guard activity.kind == .tool else { return }
        if slots.has(.tool) {
            activity.tool = text(slots.text(.tool))
        } else if slots.has(.entity) {
            activity.tool = text(slots.text(.entity))
        } else {
            activity.tool = activity.name
        }
    }

    /// Dialects whose word for an agent is just that name the span after it.
    private static func isPlainAgent(_ word: WireBytes) -> Bool {
        word.equals("agent") || word.equals("AGENT")
    }

    mutating func readModel(_ activity: inout Activity) {
        var model = WireBytes.empty
        if slots.has(.modelAnswered) {
            model = slots.text(.modelAnswered)
            activity.modelAnswered = text(model)
        }
        if slots.has(.modelRequested) {
            let requested = slots.text(.modelRequested)
            activity.modelRequested = text(requested)
            if model.isEmpty { model = requested }
        }
        if model.isEmpty, slots.has(.modelParameters),
            let found = UsageJSON(slots.text(.modelParameters)).outermostText("model")
        {
            model = found
            activity.modelRequested = text(model)
        }
        activity.provider = provider(model)
    }

    mutating func readUsage(_ activity: inout Activity) {
        let isLeaf = activity.kind == .llm || activity.kind == .embedding
        if isLeaf, let tokens = SpanUsage.plain(slots) {
            activity.tokens = tokens
        } else if slots.hasAny(SpanSlots.usage) {
            var usage = SpanUsage(slots, maps, dialect: activity.dialect)
            activity.tokens = usage.tokens
            activity.reportedCost = usage.cost(slots)
            if usage.hasRejected { activity.flags.insert(.hasRejectedValue) }
            if !usage.tellsInput { activity.flags.insert(.tellsNoInput) }
            if !usage.tellsOutput { activity.flags.insert(.tellsNoOutput) }
            if !isLeaf, usage.isPresent || activity.hasReportedCost {
                activity.flags.insert(.usageIsAggregate)
            }
        }
        if slots.has(.serviceTier) {
            let tier = slots.text(.serviceTier)
            if tier.equals("batch") { activity.serviceTier = .batch }
            if tier.equals("priority") { activity.serviceTier = .priority }
            if tier.equals("flex") { activity.serviceTier = .flex }
        }
        if slots.has(.callID) {
            activity.callID = append(slots.text(.callID))
        }
    }

    mutating func readOutcome(_ events: EventList?, _ activity: inout Activity) {
        guard activity.status == .error || slots.hasAny(SpanSlots.outcomes) else { return }
        if slots.has(.errorType) {
            activity.status = .error
            activity.errorType = text(
                ErrorName.short(slots.text(.errorType)))
            return
        }
        if slots.has(.success) {
            let value = slots.value(.success)
            let isFalse = value.kind == .bool ? !value.boolValue : value.stringBytes.equals("false")
            if isFalse { activity.status = .error }
        }
        if slots.has(.statusCode), let code = SpanUsage.number(slots.value(.statusCode)),
            code >= 400, code < 1000
        {
            activity.status = .error
            activity.errorType = batch.add(Array("\(Int(code))".utf8))
        }
        if slots.has(.outcome), ErrorName.isFailure(slots.text(.outcome)) {
            activity.status = .error
        }
        if slots.has(.finishReason), let reason = ErrorName.finish(slots.value(.finishReason)) {
            activity.status = .error
            activity.errorType = text(reason)
        }
        guard activity.status == .error, activity.errorType.isEmpty else { return }
        if let events, let name = ErrorName.exception(events) {
            activity.errorType = text(ErrorName.short(name))
        }
    }

    mutating func readTimes(_ activity: inout Activity) {
        guard slots.hasAny(SpanSlots.times) else { return }
        var seconds = 0.0
        if slots.has(.secondsToFirstToken) {
            seconds = SpanUsage.number(slots.value(.secondsToFirstToken)) ?? 0
        } else if slots.has(.millisecondsToFirstToken) {
            seconds = (SpanUsage.number(slots.value(.millisecondsToFirstToken)) ?? 0) / 1000
        } else if slots.has(.timeToFirstToken) {
            let value = slots.value(.timeToFirstToken)
            seconds = (SpanUsage.number(value) ?? 0) / (value.kind == .int ? 1000 : 1)
        }
        if seconds > 0, seconds < 1e6 { activity.timeToFirstToken = UInt64(seconds * 1e9) }
        guard seconds == 0, slots.has(.firstTokenTime), !activity.flags.contains(.isInstant),
            let time = Self.moment(slots.text(.firstTokenTime))
        else { return }
        // Outside of the call it is nonsense.
        if time > activity.start, time <= activity.end {
            activity.timeToFirstToken = time - activity.start
        }
    }

    /// RFC 3339, in quotes too. Unix nanoseconds.
    private static func moment(_ text: WireBytes) -> UInt64? {
        guard text.count <= 66 else { return nil }
        let words = text.string
        return words.hasPrefix("\"")
            ? unixNanoseconds(rfc3339: words.dropFirst().dropLast())
            : unixNanoseconds(rfc3339: words)
    }

    /// A pending span announces the span that it names as its parent.
    mutating func readPending(_ activity: inout Activity) {
        activity.phase = .pending
        activity.spanID = activity.parentSpanID
        activity.parentSpanID = HexID.parse(slots.text(.pendingParent)) ?? 0
        activity.tokens = ActivityTokens()
        activity.reportedCost = .nan
        activity.flags.remove(.usageIsAggregate)
    }
}
