public import RoostCore
import RoostWire

/// The trace request with the attributes of OpenTelemetry's GenAI conventions added to spans that
/// say the same in another dialect. What a span has is never changed, and every other byte stays.
///
/// `activities` are those of the well-formed spans of `body`, in their order. Answers `body` itself
/// when nothing is missing, nil when the budget has no room for the copy.
public func normalizeSpans(
    _ body: ByteBlock, activities: ActivityBatch, memory: MemoryBudget.Share
) -> ByteBlock? {
    let edits = EditList(share: memory)
    unsafe body.withBytes { bytes in
        var visitor = unsafe NotedVisitor(
            activities: activities, names: MissingNames(bytes, edits: edits))
        var rejections = Rejections()
        // Validated before; what were to be wrong now would only be left as it is.
        _ = unsafe try? readTraces(bytes, visitor: &visitor, rejections: &rejections)
    }
    return rewrite(body, edits, memory: memory)
}

/// The same for a request whose activities are too many to be held: each is read when its span is
/// met.
public func normalizeSpans(
    _ body: ByteBlock, names: NameTable, memory: MemoryBudget.Share
) -> ByteBlock? {
    let edits = EditList(share: memory)
    let scratch = ActivityScratch()
    unsafe body.withBytes { bytes in
        var visitor = ReadingVisitor(
            reader: unsafe ActivityReader(
                names, batch: ActivityBatch(), scratch: scratch, request: bytes),
            names: unsafe MissingNames(bytes, edits: edits))
        var rejections = Rejections()
        _ = unsafe try? readTraces(bytes, visitor: &visitor, rejections: &rejections)
    }
    return rewrite(body, edits, memory: memory)
}

private struct NotedVisitor: TraceVisitor {
    let activities: ActivityBatch
    let names: MissingNames
    private var index = 0

    init(activities: ActivityBatch, names: MissingNames) {
        self.activities = activities
        self.names = names
    }

    mutating func span(_ span: SpanView) {
        defer { index += 1 }
        guard index < activities.activities.count else { return }
        names.add(to: span, activities.activities[index], activities)
    }
}

private struct ReadingVisitor: TraceVisitor {
    var reader: ActivityReader
    let names: MissingNames

    mutating func resource(_ resource: ResourceView) { reader.resource(resource) }
    mutating func scope(_ scope: ScopeView) { reader.scope(scope) }
    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        reader.attribute(key, value)
    }
    mutating func takeSpanAttributes(_ fields: WireBytes) -> Int { reader.take(fields, tag: 0x4A) }
    mutating func spanRejected() { reader.spanRejected() }

    mutating func span(_ span: SpanView) {
        reader.span(span)
        if let activity = reader.batch.activities.last {
            names.add(to: span, activity, reader.batch)
        }
        if reader.batch.activities.count >= 1024 { reader.leaveOut() }
    }
}

/// The attributes that may be added.
private enum NormalName: Int, CaseIterable {
    case operation, provider, requestModel, responseModel, inputTokens, outputTokens, cacheRead
    case cacheWrite, reasoning, conversation, agent, agentID, tool, workflow

    /// GenAI semantic conventions 1.41, registry.
    var key: StaticString {
        switch self {
        case .operation: "gen_ai.operation.name"
        case .provider: "gen_ai.provider.name"
        case .requestModel: "gen_ai.request.model"
        case .responseModel: "gen_ai.response.model"
        case .inputTokens: "gen_ai.usage.input_tokens"
        case .outputTokens: "gen_ai.usage.output_tokens"
        case .cacheRead: "gen_ai.usage.cache_read.input_tokens"
        case .cacheWrite: "gen_ai.usage.cache_creation.input_tokens"
        case .reasoning: "gen_ai.usage.reasoning.output_tokens"
        case .conversation: "gen_ai.conversation.id"
        case .agent: "gen_ai.agent.name"
        case .agentID: "gen_ai.agent.id"
        case .tool: "gen_ai.tool.name"
        case .workflow: "gen_ai.workflow.name"
        }
    }
}

/// Adds to spans what they do not have.
@safe private struct MissingNames {
    private let start: UnsafeRawPointer?
    private let edits: EditList

    init(_ request: UnsafeRawBufferPointer, edits: EditList) {
        unsafe start = request.baseAddress
        self.edits = edits
    }

    /// `activity` is that of the span; its texts stand in `batch`.
    func add(to span: SpanView, _ activity: Activity, _ batch: ActivityBatch) {
        guard let start = unsafe start, activity.isAgentic else { return }
        var present: UInt32 = 0
        span.attributes.forEach { key, _ in
            for name in NormalName.allCases where key.equals(name.key) {
                present |= 1 << UInt32(name.rawValue)
            }
        }
        var fields: [UInt8] = []
        for name in NormalName.allCases where present >> UInt32(name.rawValue) & 1 == 0 {
            fields += attribute(name, activity, batch)
        }
        guard !fields.isEmpty else { return }
        let place = unsafe UnsafeRawPointer(span.bytes.base) - start
        edits.replace(place..<place, with: fields)
    }

    /// The attribute as field 9 of a span; nothing when the activity does not say it.
    private func attribute(
        _ name: NormalName, _ activity: Activity, _ batch: ActivityBatch
    ) -> [UInt8] {
        func text(_ name: NormalName, _ ref: TextRef) -> [UInt8] { self.text(name, ref, batch) }
        let tokens = activity.tokens
        // What agents and workflows say of their calls' usage is not said of them again.
        let hasUsage =
            !tokens.isEmpty && activity.phase == .finished
            && !activity.flags.contains(.usageIsAggregate)
        return switch name {
        case .operation: self.text(name, Self.operation(activity.kind))
        case .provider: text(name, activity.provider)
        case .requestModel: text(name, activity.modelRequested)
        case .responseModel: text(name, activity.modelAnswered)
        case .inputTokens:
            number(
                name, tokens.input &+ tokens.cacheRead &+ tokens.cacheWrite,
                if: hasUsage && !activity.flags.contains(.tellsNoInput))
        case .outputTokens:
            number(
                name, tokens.output &+ tokens.reasoning,
                if: hasUsage && !activity.flags.contains(.tellsNoOutput))
        case .cacheRead: number(name, tokens.cacheRead, if: hasUsage && tokens.cacheRead > 0)
        case .cacheWrite: number(name, tokens.cacheWrite, if: hasUsage && tokens.cacheWrite > 0)
        case .reasoning: number(name, tokens.reasoning, if: hasUsage && tokens.reasoning > 0)
        case .conversation: text(name, activity.session)
        case .agent: text(name, activity.agent)
        case .agentID: text(name, activity.agentID)
        case .tool: activity.kind == .tool ? text(name, activity.tool) : []
        case .workflow: text(name, activity.workflow)
        }
    }

    private static func operation(_ kind: ActivityKind) -> [UInt8] {
        let name =
            switch kind {
            case .llm: "chat"
            case .embedding: "embeddings"
            case .tool: "execute_tool"
            case .agent: "invoke_agent"
            case .workflow: "invoke_workflow"
            case .retrieval: "retrieval"
            case .guardrail, .evaluation, .humanWait, .other: ""
            }
        return Array(name.utf8)
    }

    /// A text that an activity had to cut is not passed off as the whole.
    private func text(
        _ name: NormalName, _ ref: TextRef, _ batch: ActivityBatch
    ) -> [UInt8] {
        Int(ref.count) > ActivityBatch.longestText - 4 ? [] : text(name, Array(batch.bytes(ref)))
    }

    private func text(_ name: NormalName, _ text: [UInt8]) -> [UInt8] {
        guard !text.isEmpty else { return [] }
        return keyValue(name) { $0.bytes(1, text) }
    }

    private func number(_ name: NormalName, _ value: UInt64, if isKnown: Bool) -> [UInt8] {
        guard isKnown else { return [] }
        return keyValue(name) { $0.varint(3, value) }
    }

    private func keyValue(
        _ name: NormalName, _ fill: (inout MessageWriter) -> Void
    ) -> [UInt8] {
        var writer = MessageWriter()
        writer.message(9) { attribute in
            attribute.string(1, "\(name.key)")
            attribute.message(2) { fill(&$0) }
        }
        return writer.bytes
    }
}
