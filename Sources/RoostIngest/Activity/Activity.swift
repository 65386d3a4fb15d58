import RoostCore

/// What a span or a log record of an agent is, whatever dialect it speaks.
public enum ActivityKind: UInt8, Sendable, CaseIterable {
    case other, workflow, agent, llm, embedding, tool, retrieval, guardrail, evaluation, humanWait
}

/// Whether an activity is over.
public enum ActivityPhase: UInt8, Sendable {
    /// It ended, and how is known.
    case finished
    /// It began: a pending span or a start event. Its end time and usage mean nothing.
    case pending
}

/// What an activity was read from.
public enum ActivitySource: UInt8, Sendable { case span, log }

/// How an activity ended; `unset` counts as ok.
public enum ActivityStatus: UInt8, Sendable { case unset, ok, error }

/// The tier that a call to a model was served at, where the price depends on it.
public enum ActivityServiceTier: UInt8, Sendable { case standard, batch, priority, flex }

/// A stretch of `ActivityBatch.text`.
public struct TextRef: Sendable, Equatable {
    public var offset: UInt32
    public var count: UInt32

    @inlinable public init(offset: UInt32, count: UInt32) {
        self.offset = offset
        self.count = count
    }

    /// What was not said.
    @inlinable public static var none: TextRef { TextRef(offset: 0, count: 0) }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// To where its text has been moved.
    @inlinable mutating func move(by distance: UInt32) {
        if count > 0 { offset &+= distance }
    }
}

/// Token counts that do not overlap, so that they add up.
public struct ActivityTokens: Sendable, Equatable {
    /// Read by the model at the full price.
    public var input: UInt64 = 0
    public var cacheRead: UInt64 = 0
    public var cacheWrite: UInt64 = 0
    /// Written by the model for somebody to read.
    public var output: UInt64 = 0
    public var reasoning: UInt64 = 0

    @inlinable public init() {}

    @inlinable public var isEmpty: Bool { input | cacheRead | cacheWrite | output | reasoning == 0 }

    /// In the order in which they are exposed.
    @inlinable subscript(place: Int) -> UInt64 {
        switch place {
        case 0: input
        case 1: cacheRead
        case 2: cacheWrite
        case 3: output
        default: reasoning
        }
    }
}

/// One step of an agent: a run, a call to a model or a tool, or any other span between them.
///
/// What one span or log record says by itself; what follows from its neighbours (which agent it
/// belongs to, whether its usage repeats that of others) is found by `AgentTracker`. A plain value:
/// its texts stand in the batch that holds it.
public struct Activity: Sendable {
    public var kind = ActivityKind.other
    public var phase = ActivityPhase.finished
    public var source = ActivitySource.span
    public var status = ActivityStatus.unset
    public var serviceTier = ActivityServiceTier.standard
    /// Index into the dialects of the name tables.
    public var dialect: UInt8 = 0
    public var flags: ActivityFlags = []

    /// Of a log record without trace: made from service, session and prompt; see `isDerivedTrace`.
    public var traceIDHigh: UInt64 = 0
    public var traceIDLow: UInt64 = 0
    /// 0 is none, as for `parentSpanID`.
    public var spanID: UInt64 = 0
    public var parentSpanID: UInt64 = 0

    /// Unix nanoseconds.
    public var start: UInt64 = 0
    /// Unix nanoseconds, never before `start`.
    public var end: UInt64 = 0
    /// Nanoseconds until the model's first token; 0 is unknown.
    public var timeToFirstToken: UInt64 = 0

    public var tokens = ActivityTokens()
    /// A hash of what a tool or an agent was given, good within this process; 0 is unknown. Not kept
    /// in the store.
    public var arguments: UInt32 = 0
    /// USD, as the sender worked it out; not a number when it did not say.
    public var reportedCost = Double.nan

    public var service = TextRef.none
    /// Name and namespace of the service together; none where it has no namespace.
    public var job = TextRef.none
    /// Of the span, or of the event.
    public var name = TextRef.none
    public var workflow = TextRef.none
    public var agent = TextRef.none
    public var agentID = TextRef.none
    public var modelRequested = TextRef.none
    public var modelAnswered = TextRef.none
    /// In OpenTelemetry's spelling, for example `aws.bedrock`.
    public var provider = TextRef.none
    public var tool = TextRef.none
    public var session = TextRef.none
    public var user = TextRef.none
    public var errorType = TextRef.none
    /// What names the model's answer or the tool call, so that two reports of one are known as one.
    public var callID = TextRef.none

    @inlinable public init() {}

    /// Nanoseconds that one may last; a year. What claims more is nonsense, or tells no start.
    package static let longest: UInt64 = 31_536_000_000_000_000

    /// Nanoseconds.
    @inlinable public var duration: UInt64 { end &- start }

    /// Whether something about agents was recognised; the rest are the spans between.
    @inlinable public var isAgentic: Bool { kind != .other }

    @inlinable public var hasReportedCost: Bool { !reportedCost.isNaN }
}

public struct ActivityFlags: OptionSet, Sendable {
    public let rawValue: UInt16
    @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The usage may repeat what calls below it say.
    public static let usageIsAggregate = ActivityFlags(rawValue: 1)
    /// The trace id was made up from a session.
    public static let isDerivedTrace = ActivityFlags(rawValue: 2)
    /// A value was nonsense and was left out.
    public static let hasRejectedValue = ActivityFlags(rawValue: 4)
    /// The clock ran backwards: `end` was before `start`.
    public static let isMendedTime = ActivityFlags(rawValue: 8)
    /// How long it took is unknown; `start` is `end`.
    public static let isInstant = ActivityFlags(rawValue: 16)
    /// The trace id was made up from a session and one prompt in it.
    public static let isOfPrompt = ActivityFlags(rawValue: 32)
    /// A posted event said that a workflow is over; what a user asked for only begins one.
    public static let tellsEnd = ActivityFlags(rawValue: 64)
    /// Nothing, or nonsense, was said of the tokens of input; of output. Not kept in the store.
    public static let tellsNoInput = ActivityFlags(rawValue: 128)
    public static let tellsNoOutput = ActivityFlags(rawValue: 256)
    /// It is a part of a call of a tool, above it, and tells how that ended. Not kept either.
    public static let tellsOutcome = ActivityFlags(rawValue: 512)
}

/// Activities and their texts, in two arrays that are reused.
public struct ActivityBatch: Sendable {
    public var activities: [Activity] = []
    /// The texts one after another, and room for more.
    private var text: [UInt8] = []
    private var textCount = 0

    /// Texts longer than this are cut, between two characters.
    public static let longestText = 256

    public init() {}

    /// What it holds, for whoever bounds it.
    public var byteCount: Int {
        activities.count * MemoryLayout<Activity>.stride + textCount
    }

    public var isEmpty: Bool { activities.isEmpty }

    /// Keeps the room.
    public mutating func removeAll() {
        activities.removeAll(keepingCapacity: true)
        textCount = 0
    }

    /// Adds a text of at most `longestText` bytes.
    public mutating func add(_ bytes: [UInt8]) -> TextRef {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return .none }
            return unsafe add(base, min(buffer.count, Self.longestText))
        }
    }

    /// The same for memory of somebody else.
    @inline(__always)
    mutating func add(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> TextRef {
        if count == 0 { return .none }
        let offset = textCount
        if text.count &- offset < count { grow(by: count) }
        unsafe text.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe (base + offset).update(from: bytes, count: count)
        }
        textCount = offset &+ count
        return TextRef(
            offset: UInt32(truncatingIfNeeded: offset), count: UInt32(truncatingIfNeeded: count))
    }

    /// The same for up to 64 bytes, where 64 can be read.
    @inline(__always)
    mutating func addShort(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> TextRef {
        if count == 0 { return .none }
        let offset = textCount
        if text.count &- offset < 64 { grow(by: 64) }
        unsafe text.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let target = unsafe UnsafeMutableRawPointer(base + offset)
            let source = unsafe UnsafeRawPointer(bytes)
            typealias Wide = SIMD2<UInt64>
            for place in 0..<4 {
                unsafe target.storeBytes(
                    of: source.loadUnaligned(fromByteOffset: place &* 16, as: Wide.self),
                    toByteOffset: place &* 16, as: Wide.self)
            }
        }
        textCount = offset &+ count
        return TextRef(
            offset: UInt32(truncatingIfNeeded: offset), count: UInt32(truncatingIfNeeded: count))
    }

    @inline(never)
    private mutating func grow(by count: Int) {
        let room = max(text.count * 2, textCount + count, 4096)
        text.append(contentsOf: repeatElement(0, count: room - text.count))
    }

    /// Whether a text of this batch is `count` bytes that are these.
    @inline(__always)
    func holds(_ ref: TextRef, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        guard Int(ref.count) == count else { return false }
        return unsafe text.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe memoryIsEqual(base + Int(ref.offset), bytes, count: count)
        }
    }

    /// Adds everything of another batch.
    public mutating func append(_ other: ActivityBatch) {
        let offset = UInt32(truncatingIfNeeded: textCount)
        text.removeSubrange(textCount...)
        text.append(contentsOf: other.text[..<other.textCount])
        textCount = text.count
        for var activity in other.activities {
            activity.service.move(by: offset)
            activity.job.move(by: offset)
            activity.name.move(by: offset)
            activity.workflow.move(by: offset)
            activity.agent.move(by: offset)
            activity.agentID.move(by: offset)
            activity.modelRequested.move(by: offset)
            activity.modelAnswered.move(by: offset)
            activity.provider.move(by: offset)
            activity.tool.move(by: offset)
            activity.session.move(by: offset)
            activity.user.move(by: offset)
            activity.errorType.move(by: offset)
            activity.callID.move(by: offset)
            activities.append(activity)
        }
    }

    /// The bytes of a text of this batch.
    public func bytes(_ ref: TextRef) -> ArraySlice<UInt8> {
        let start = Int(ref.offset)
        return text[start..<start + Int(ref.count)]
    }
}
