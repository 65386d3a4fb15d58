import RoostCore
import RoostWire

/// Makes an `Activity` of every span of a request, as the reader of the request meets them.
///
/// Used by one request at a time on one thread. Rules that need one span only are here; those that
/// need its neighbours are `AgentTracker`'s.
@safe struct ActivityReader {
    let table: NameTable
    var batch: ActivityBatch
    var slots: SpanSlots
    let request: UnsafeRawBufferPointer

    /// A copy: a resource that came in several parts is lent only for a moment.
    private(set) var service: [UInt8] = []
    private var serviceRef = TextRef.none
    private var isNewService = true
    /// Of the scope at hand.
    private(set) var dialect: UInt8 = 0
    /// Where the latest text of each kind stands: the next is often the same.
    var recent = Activity()

    /// `batch` is where the activities go; `slots` is scratch. The request outlives the reader.
    init(
        _ table: NameTable, batch: consuming ActivityBatch, slots: SpanSlots,
        request: UnsafeRawBufferPointer
    ) {
        unsafe self.request = request
        self.table = table
        self.batch = batch
        self.slots = slots
        self.slots.reset()
    }

    /// A new resource and its name.
    mutating func resource(_ view: ResourceView) {
        resource()
        view.attributes.forEach { key, value in
            if key.equals("service.name"), value.kind == .string { service(value.stringBytes) }
        }
    }

    /// Begins a new batch: texts of the one before are not there.
    mutating func goOn(with batch: consuming ActivityBatch) {
        self.batch = batch
        recent = Activity()
        isNewService = true
    }

    /// A new resource, of no name until `service` says it.
    mutating func resource() {
        service.removeAll(keepingCapacity: true)
        isNewService = true
    }

    mutating func service(_ name: WireBytes) {
        service.removeAll(keepingCapacity: true)
        unsafe service.append(
            contentsOf: name.buffer.prefix(ActivityReader.textCount(name)))
    }

    mutating func scope(_ scope: ScopeView) {
        dialect = table.dialect(scope: scope.name, service: service)
    }

    @inline(__always)
    mutating func attribute(_ key: WireBytes, _ value: AnyValueView) {
        unsafe slots.note(key, value, table, in: request)
    }

    /// What was read; the reader is empty then.
    mutating func takeBatch() -> ActivityBatch {
        var taken = ActivityBatch()
        swap(&taken, &batch)
        return taken
    }

    mutating func spanRejected() { slots.reset() }

    @inline(__always)
    mutating func span(_ span: SpanView) {
        var activity = Activity()
        activity.traceIDHigh = unsafe load(span.traceID.base)
        activity.traceIDLow = unsafe load(span.traceID.base + 8)
        activity.spanID = unsafe load(span.spanID.base)
        if !span.parentSpanID.isEmpty {
            activity.parentSpanID = unsafe load(span.parentSpanID.base)
        }
        activity.start = span.startTimeUnixNano
        activity.end = span.endTimeUnixNano
        if activity.end < activity.start {
            activity.end = activity.start
            activity.flags.insert(.isMendedTime)
        }
        if span.statusCode == 2 {
            activity.status = .error
        } else if span.statusCode == 1 {
            activity.status = .ok
        }
        activity.service = placedService()
        activity.name = Self.text(span.name, &recent.name, &batch.text)
        activity.dialect = dialect != 0 ? dialect : slots.dialect
        if slots.present != 0 || dialect != 0 { understand(span, &activity) }
        slots.reset()
        batch.activities.append(activity)
    }

    /// The name of the service among the texts.
    @inline(__always)
    mutating func placedService() -> TextRef {
        if isNewService {
            serviceRef = batch.add(service)
            isNewService = false
        }
        return serviceRef
    }

    /// What the attributes make of a span.
    private mutating func understand(_ span: SpanView, _ activity: inout Activity) {
        activity.kind = kind(span)
        readNames(&activity)
        guard activity.kind != .other || slots.has(.inputTokens) || slots.has(.spanType) else {
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

    private func kind(_ span: SpanView) -> ActivityKind {
        if slots.has(.kind) {
            // The root of an OpenAI Agents run says that it is an agent and has no name.
            if slots.kind == .agent, span.parentSpanID.isEmpty, !slots.has(.agent),
                !slots.has(.entity), slots.value(.kind).stringBytes.equals("AGENT")
            {
                return .workflow
            }
            return slots.kind
        }
        if dialect != 0, let kind = table.spanNames.find(span.name) {
            return ActivityKind(rawValue: UInt8(truncatingIfNeeded: kind)) ?? .other
        }
        if slots.has(.tool), slots.rank(.tool) < 3 { return .tool }
        let hasModel = slots.has(.modelAnswered) || slots.has(.modelRequested)
        let hasTokens = slots.has(.inputTokens) || slots.has(.outputTokens)
        return hasModel && hasTokens ? .llm : .other
    }

    mutating func readNames(_ activity: inout Activity) {
        if slots.has(.workflow) {
            activity.workflow = Self.text(slots.text(.workflow), &recent.workflow, &batch.text)
        } else if activity.kind == .workflow, slots.has(.entity) {
            activity.workflow = Self.text(slots.text(.entity), &recent.workflow, &batch.text)
        }
        if slots.has(.agent) {
            activity.agent = Self.text(slots.text(.agent), &recent.agent, &batch.text)
        } else if activity.kind == .agent {
            if slots.has(.entity) {
                activity.agent = Self.text(slots.text(.entity), &recent.agent, &batch.text)
            } else if slots.has(.kind), ActivityReader.isPlainAgent(slots.text(.kind)) {
                activity.agent = activity.name
            }
        }
        if slots.has(.agentID) {
            activity.agentID = Self.text(slots.text(.agentID), &recent.agentID, &batch.text)
        }
        if slots.has(.session) {
            activity.session = Self.text(slots.text(.session), &recent.session, &batch.text)
        }
        if slots.has(.user) {
            activity.user = Self.text(slots.text(.user), &recent.user, &batch.text)
        }
        guard activity.kind == .tool else { return }
        if slots.has(.tool) {
            activity.tool = Self.text(slots.text(.tool), &recent.tool, &batch.text)
        } else if slots.has(.entity) {
            activity.tool = Self.text(slots.text(.entity), &recent.tool, &batch.text)
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
            activity.modelAnswered = Self.text(model, &recent.modelAnswered, &batch.text)
        }
        if slots.has(.modelRequested) {
            let requested = slots.text(.modelRequested)
            activity.modelRequested = Self.text(requested, &recent.modelRequested, &batch.text)
            if model.isEmpty { model = requested }
        }
        if model.isEmpty, slots.has(.modelParameters),
            let found = UsageJSON(slots.text(.modelParameters)).firstText("model")
        {
            model = found
            activity.modelRequested = Self.text(model, &recent.modelRequested, &batch.text)
        }
        activity.provider = provider(model)
    }

    private mutating func provider(_ model: WireBytes) -> TextRef {
        if slots.has(.provider) {
            let spelling = slots.text(.provider)
            switch table.provider(spelling) {
            case .known(let index): return provider(index)
            case .unknown: return Self.text(spelling, &recent.provider, &batch.text)
            case .none: break
            }
        }
        guard !model.isEmpty, let index = table.provider(ofModel: model) else { return .none }
        return provider(index)
    }

    private mutating func provider(_ index: Int) -> TextRef {
        unsafe table.providerNames[index].withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return .none }
            return Self.text(
                unsafe WireBytes(base: base, count: buffer.count), &recent.provider, &batch.text)
        }
    }

    mutating func readUsage(_ activity: inout Activity) {
        var usage = SpanUsage(slots, table, dialect: activity.dialect)
        activity.tokens = usage.tokens
        activity.reportedCost = usage.cost(slots)
        if usage.hasRejected { activity.flags.insert(.hasRejectedValue) }
        let isLeaf = activity.kind == .llm || activity.kind == .embedding
        if !isLeaf, usage.isPresent || activity.hasReportedCost {
            activity.flags.insert(.usageIsAggregate)
        }
        if slots.has(.serviceTier) {
            let tier = slots.text(.serviceTier)
            if tier.equals("batch") { activity.serviceTier = .batch }
            if tier.equals("priority") { activity.serviceTier = .priority }
            if tier.equals("flex") { activity.serviceTier = .flex }
        }
        if slots.has(.callID) {
            activity.callID = Self.text(slots.text(.callID), &recent.callID, &batch.text)
        }
    }

    mutating func readOutcome(_ events: EventList?, _ activity: inout Activity) {
        if slots.has(.errorType) {
            activity.status = .error
            activity.errorType = Self.text(
                ErrorName.short(slots.text(.errorType)), &recent.errorType, &batch.text)
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
            activity.errorType = text(
                Array("\(Int(code))".utf8)[...])
        }
        if slots.has(.outcome), ErrorName.isFailure(slots.text(.outcome)) {
            activity.status = .error
        }
        if slots.has(.finishReason), let reason = ErrorName.finish(slots.value(.finishReason)) {
            activity.status = .error
            activity.errorType = Self.text(reason, &recent.errorType, &batch.text)
        }
        guard activity.status == .error, activity.errorType.isEmpty else { return }
        if let events, let name = ErrorName.exception(events) {
            activity.errorType = Self.text(ErrorName.short(name), &recent.errorType, &batch.text)
        }
    }

    mutating func readTimes(_ activity: inout Activity) {
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
    }

    /// A pending span announces the span that it names as its parent.
    private mutating func readPending(_ activity: inout Activity) {
        activity.phase = .pending
        activity.spanID = activity.parentSpanID
        activity.parentSpanID = HexID.parse(slots.text(.pendingParent)) ?? 0
        activity.tokens = ActivityTokens()
        activity.reportedCost = .nan
        activity.flags.remove(.usageIsAggregate)
    }

    // MARK: texts

    /// Adds a text, unless the latest of its kind is the same; `recent` is then the new one.
    @inline(__always)
    static func text(
        _ bytes: WireBytes, _ recent: inout TextRef, _ texts: inout [UInt8]
    ) -> TextRef {
        if bytes.isEmpty { return .none }
        let count = textCount(bytes)
        if Int(recent.count) == count {
            let start = Int(recent.offset)
            let isSame = unsafe texts.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress, start + count <= buffer.count else {
                    return false
                }
                return unsafe memoryIsEqual(base + start, bytes.base, count: count)
            }
            if isSame { return recent }
        }
        let offset = texts.count
        unsafe texts.append(contentsOf: UnsafeBufferPointer(start: bytes.base, count: count))
        recent = TextRef(
            offset: UInt32(truncatingIfNeeded: offset), count: UInt32(truncatingIfNeeded: count))
        return recent
    }

    private mutating func text(_ bytes: ArraySlice<UInt8>) -> TextRef { batch.add(bytes) }

    /// At most `ActivityBatch.longestText`, ending between two characters.
    @inline(__always)
    private static func textCount(_ text: WireBytes) -> Int {
        guard text.count > ActivityBatch.longestText else { return text.count }
        var end = ActivityBatch.longestText
        while end > 0, unsafe text.base[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    @inline(__always)
    func load(_ base: UnsafePointer<UInt8>) -> UInt64 {
        unsafe UInt64(
            bigEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
    }
}
