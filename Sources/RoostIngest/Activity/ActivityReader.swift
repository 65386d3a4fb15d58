import RoostCore
import RoostWire

/// Makes an `Activity` of every span of a request, as the reader of the request meets them.
///
/// Used by one request at a time on one thread. Rules that need one span only are here; those that
/// need its neighbours are `AgentTracker`'s.
@safe struct ActivityReader {
    let table: NameTable
    /// Of the table.
    let maps: NameMaps
    var batch: ActivityBatch
    var slots: SpanSlots
    let request: UnsafeRawBufferPointer
    /// Of the request; `start` is eight bytes in.
    private let start: UnsafeRawPointer
    private let end: UnsafeRawPointer

    /// A copy: a resource that came in several parts is lent only for a moment.
    private(set) var service: [UInt8] = []
    private var namespace: [UInt8] = []
    private var serviceRef = TextRef.none
    private var jobRef = TextRef.none
    private var isNewService = true
    /// Of the scope at hand.
    private(set) var dialect: UInt8 = 0
    private let scratch: ActivityScratch
    private var keys: KeyMemo
    private let texts: TextMemo
    /// The number of the batch among those that the memo of texts knows.
    private var batchNumber: UInt32
    /// Where the latest texts stand that are seldom the same for two traces.
    private var latestSession = TextRef.none
    private var latestUser = TextRef.none
    private var latestAgentID = TextRef.none
    /// Whether decisions about tools are taken note of.
    var tellsDecisions = false
    var decisions = ToolDecisions()

    /// `batch` is where the activities go. The request outlives the reader.
    init(
        _ table: NameTable, batch: consuming ActivityBatch, scratch: ActivityScratch,
        request: UnsafeRawBufferPointer
    ) {
        unsafe self.request = request
        let base = unsafe request.baseAddress ?? UnsafeRawPointer(WireBytes.empty.base)
        unsafe start = base + 8
        unsafe end = base + request.count
        self.table = table
        maps = table.maps
        self.batch = batch
        scratch.begin(table)
        self.scratch = scratch
        slots = scratch.slots
        keys = scratch.keys
        texts = scratch.texts
        batchNumber = scratch.newBatch()
        slots.reset()
    }

    /// A new resource and its name.
    mutating func resource(_ view: ResourceView) {
        resource()
        view.attributes.forEach { key, value in resourceAttribute(key, value) }
    }

    /// Begins a new batch: texts of the one before are not there.
    mutating func goOn(with batch: consuming ActivityBatch) {
        self.batch = batch
        batchNumber = scratch.newBatch()
        latestSession = .none
        latestUser = .none
        latestAgentID = .none
        isNewService = true
    }

    /// A new resource, of no name until an attribute says it.
    mutating func resource() {
        service.removeAll(keepingCapacity: true)
        namespace.removeAll(keepingCapacity: true)
        isNewService = true
    }

    mutating func resourceAttribute(_ key: WireBytes, _ value: AnyValueView) {
        guard value.kind == .string else { return }
        if key.equals("service.name") {
            Self.set(&service, value.stringBytes)
        } else if key.equals("service.namespace") {
            Self.set(&namespace, value.stringBytes)
        }
    }

    private static func set(_ bytes: inout [UInt8], _ text: WireBytes) {
        bytes.removeAll(keepingCapacity: true)
        unsafe bytes.append(contentsOf: text.buffer.prefix(textCount(text)))
    }

    mutating func scope(_ scope: ScopeView) {
        dialect = table.dialect(scope: scope.name, service: service)
    }

    /// Takes in the attributes that `fields` begins with, as far as it can; answers how many bytes
    /// they take. `tag` is that of their field.
    @inline(never)
    mutating func take(_ fields: WireBytes, tag: UInt8) -> Int {
        // Copied out, so that taking note does not need a copy of the whole reader.
        let (keys, end) = unsafe (self.keys, self.end)
        return unsafe keys.forEachAttribute(in: fields, tag: tag, before: end) { attribute in
            if attribute.meaning != NameTable.unlisted { note(attribute.meaning, attribute.value) }
        }
    }

    mutating func attribute(_ key: WireBytes, _ value: AnyValueView) {
        let attributes = maps.attributes
        let meaning = keys.search(key) { attributes.find($0) ?? NameTable.unlisted }
        guard meaning != NameTable.unlisted, unsafe value.lies(within: request) else { return }
        note(meaning, value)
    }

    /// Takes in an attribute of which the tables say `packed`, and whose value lies in the request.
    @inline(__always)
    private mutating func note(_ packed: UInt32, _ value: AnyValueView) {
        if packed & 0xFF == UInt32(NameConcept.provider.rawValue) {
            // A framework's own name says nothing.
            let known = provider(spelling: value.stringBytes)
            guard known != TextMemo.Entry.nobody else { return }
            if slots.note(packed, value, maps) { slots.provider = known }
            return
        }
        _ = slots.note(packed, value, maps)
    }

    /// What was read; the reader is empty then.
    mutating func takeBatch() -> ActivityBatch {
        var taken = ActivityBatch()
        swap(&taken, &batch)
        return taken
    }

    /// What was taken in since the last span or record belongs to a malformed one.
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
        if activity.end < activity.start
            || activity.end - activity.start > ActivityReader.longest
        {
            mendTimes(&activity)
        }
        if span.statusCode == 2 {
            activity.status = .error
        } else if span.statusCode == 1 {
            activity.status = .ok
        }
        placeService(&activity)
        activity.name = text(span.name)
        activity.dialect = dialect != 0 ? dialect : slots.dialect
        if slots.present != 0 || dialect != 0 { understand(span, &activity) }
        slots.reset()
        batch.activities.append(activity)
    }

    /// Says whose an activity is.
    @inline(__always)
    mutating func placeService(_ activity: inout Activity) {
        if isNewService {
            serviceRef = batch.add(service)
            jobRef =
                namespace.isEmpty
                ? .none : batch.add(ServiceJob.text(name: service, namespace: namespace))
            isNewService = false
        }
        activity.service = serviceRef
        activity.job = jobRef
    }

    /// Nanoseconds; a month. What claims more is nonsense, or tells no start.
    private static let longest: UInt64 = 2_592_000_000_000_000

    /// Of what ended before it began, or began in another age, how long it took is unknown.
    @inline(never)
    private func mendTimes(_ activity: inout Activity) {
        if activity.end < activity.start {
            activity.end = activity.start
        } else {
            activity.start = activity.end
        }
        activity.flags.formUnion([.isMendedTime, .isInstant])
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
        if dialect != 0, let kind = maps.spanNames.find(span.name) {
            return ActivityKind(rawValue: UInt8(truncatingIfNeeded: kind)) ?? .other
        }
        if slots.has(.tool), slots.rank(.tool) < 3 { return .tool }
        let hasModel = slots.has(.modelAnswered) || slots.has(.modelRequested)
        let hasTokens = slots.has(.inputTokens) || slots.has(.outputTokens)
        return hasModel && hasTokens ? .llm : .other
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

    private mutating func provider(_ model: WireBytes) -> TextRef {
        if slots.has(.provider) {
            let spelling = slots.text(.provider)
            if slots.provider < 0 { return text(spelling) }
            return provider(slots.provider, spelling, .provider)
        }
        guard !model.isEmpty else { return .none }
        let known = provider(ofModel: model)
        return known >= 0 ? provider(known, model, .model) : .none
    }

    /// The name of provider number `index`, for which `text` stands.
    private mutating func provider(
        _ index: Int32, _ text: WireBytes, _ role: TextMemo.Role
    ) -> TextRef {
        guard text.count <= TextMemo.longest else { return self.text(ofProvider: index) }
        let entry = unsafe texts.find(text, role, isInside: isInside(text))
        if unsafe entry.pointee.batch != batchNumber {
            let ref = self.text(ofProvider: index)
            unsafe entry.pointee.ref = ref
            unsafe entry.pointee.batch = batchNumber
        }
        return unsafe entry.pointee.ref
    }

    /// The index of a provider by what somebody calls it, or why there is none.
    @inline(__always)
    private func provider(spelling: WireBytes) -> Int32 {
        guard !spelling.isEmpty, spelling.count <= TextMemo.longest else {
            return askProvider(spelling: spelling)
        }
        let entry = unsafe texts.find(spelling, .provider, isInside: isInside(spelling))
        if unsafe entry.pointee.meaning == TextMemo.Entry.unasked {
            unsafe entry.pointee.meaning = askProvider(spelling: spelling)
        }
        return unsafe entry.pointee.meaning
    }

    @inline(never)
    private func askProvider(spelling: WireBytes) -> Int32 {
        switch table.provider(spelling) {
        case .known(let index): Int32(truncatingIfNeeded: index)
        case .none: TextMemo.Entry.nobody
        case .unknown: TextMemo.Entry.unknown
        }
    }

    private func provider(ofModel model: WireBytes) -> Int32 {
        guard !model.isEmpty, model.count <= TextMemo.longest else {
            return askProvider(ofModel: model)
        }
        let entry = unsafe texts.find(model, .model, isInside: isInside(model))
        if unsafe entry.pointee.meaning == TextMemo.Entry.unasked {
            unsafe entry.pointee.meaning = askProvider(ofModel: model)
        }
        return unsafe entry.pointee.meaning
    }

    @inline(never)
    private func askProvider(ofModel model: WireBytes) -> Int32 {
        table.provider(ofModel: model).map { Int32(truncatingIfNeeded: $0) }
            ?? TextMemo.Entry.unknown
    }

    private mutating func text(ofProvider index: Int32) -> TextRef {
        unsafe table.providerNames[Int(index)].withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return .none }
            return text(unsafe WireBytes(base: base, count: buffer.count))
        }
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
    private mutating func readPending(_ activity: inout Activity) {
        activity.phase = .pending
        activity.spanID = activity.parentSpanID
        activity.parentSpanID = HexID.parse(slots.text(.pendingParent)) ?? 0
        activity.tokens = ActivityTokens()
        activity.reportedCost = .nan
        activity.flags.remove(.usageIsAggregate)
    }

    // MARK: texts

    /// Where a text stands in the batch; there once if it is among those met lately.
    @inline(__always)
    mutating func text(_ bytes: WireBytes) -> TextRef {
        if bytes.isEmpty { return .none }
        guard bytes.count <= TextMemo.longest else { return append(bytes) }
        let entry = unsafe texts.find(bytes, .plain, isInside: isInside(bytes))
        if unsafe entry.pointee.batch == batchNumber { return unsafe entry.pointee.ref }
        let ref = append(bytes)
        unsafe entry.pointee.ref = ref
        unsafe entry.pointee.batch = batchNumber
        return ref
    }

    /// Adds a text, unless `latest` is the same.
    @inline(__always)
    private mutating func text(_ bytes: WireBytes, after latest: TextRef) -> TextRef {
        if bytes.isEmpty { return .none }
        return unsafe batch.holds(latest, bytes.base, bytes.count) ? latest : append(bytes)
    }

    /// Adds a text.
    @inline(__always)
    mutating func append(_ bytes: WireBytes) -> TextRef {
        if bytes.count <= 64, isInside(bytes) {
            return unsafe batch.addShort(bytes.base, bytes.count)
        }
        return unsafe batch.add(bytes.base, ActivityReader.textCount(bytes))
    }

    /// Whether a text lies in the request, far enough from its ends to read it in wide steps.
    @inline(__always)
    private func isInside(_ text: WireBytes) -> Bool {
        let base = unsafe UnsafeRawPointer(text.base)
        return unsafe base >= start && end - base >= 64
    }

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
