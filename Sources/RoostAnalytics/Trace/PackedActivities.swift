public import RoostIngest

// Activities as bytes to be kept, in the order of the batch:
//
//     version   1 byte, 1
//     texts     count, then each: length, bytes; number 0 is the empty text and is not written
//     activities count, then each:
//       fields     a set of bits, `Fields`
//       kind, state, dialect, flags          1 byte each; state is status, tier
//       [trace id]  16 bytes, when it is not that of the one before
//       span id     8 bytes
//       [parent]    8 bytes
//       start       less that of the one before, zigzag
//       [duration, time to first token, five counts of tokens, cost of 8 bytes]
//       texts       a set of bits, then the number of each that is there
//
// Counts, lengths, numbers, sets and times are varints; ids and costs are little-endian.

extension ActivityBatch {
    /// The batch in a compact form that `init(unpacking:)` reads.
    public func packed() -> [UInt8] {
        var packer = ActivityPacker(self)
        return packer.pack()
    }

    /// The batch that was packed; nil when the bytes are damaged or of a later version.
    public init?(unpacking bytes: [UInt8]) {
        var unpacker = ActivityUnpacker(bytes)
        guard let batch = unpacker.unpack() else { return nil }
        self = batch
    }
}

private struct Fields: OptionSet {
    let rawValue: UInt64
    static let hasTrace = Fields(rawValue: 1)
    static let hasParent = Fields(rawValue: 2)
    static let hasDuration = Fields(rawValue: 4)
    static let hasFirstToken = Fields(rawValue: 8)
    static let hasTokens = Fields(rawValue: 16)
    static let hasCost = Fields(rawValue: 32)
    static let isPending = Fields(rawValue: 64)
    static let isFromLog = Fields(rawValue: 128)
    static let all = Fields(rawValue: 255)
}

private let version: UInt8 = 1

extension Activity {
    /// Visits its texts in the order in which they are packed; new ones come last and need a new
    /// version.
    @inline(__always)
    fileprivate mutating func forEachText(_ body: (inout TextRef, UInt64) -> Void) {
        body(&service, 0)
        body(&name, 1)
        body(&workflow, 2)
        body(&agent, 3)
        body(&agentID, 4)
        body(&modelRequested, 5)
        body(&modelAnswered, 6)
        body(&provider, 7)
        body(&tool, 8)
        body(&session, 9)
        body(&user, 10)
        body(&errorType, 11)
        body(&callID, 12)
    }

    fileprivate static let textCount: UInt64 = 13
}

private struct ActivityPacker {
    private let batch: ActivityBatch
    private var output: [UInt8] = []
    private var texts: [ArraySlice<UInt8>] = []
    private var numbers: [ArraySlice<UInt8>: UInt64] = [:]
    /// Of each kind of text the one packed last: most activities repeat it.
    private var latest = [(text: TextRef, number: UInt64)](
        repeating: (.none, 0), count: Int(Activity.textCount))

    init(_ batch: ActivityBatch) { self.batch = batch }

    mutating func pack() -> [UInt8] {
        var before = Activity()
        for activity in batch.activities {
            pack(activity, after: before)
            before = activity
        }
        let activities = output
        output = [version]
        varint(UInt64(texts.count))
        for text in texts {
            varint(UInt64(text.count))
            output.append(contentsOf: text)
        }
        varint(UInt64(batch.activities.count))
        output.append(contentsOf: activities)
        return output
    }

    private mutating func pack(_ activity: Activity, after before: Activity) {
        var fields = Fields()
        if activity.traceIDHigh != before.traceIDHigh || activity.traceIDLow != before.traceIDLow {
            fields.insert(.hasTrace)
        }
        if activity.parentSpanID != 0 { fields.insert(.hasParent) }
        if activity.end > activity.start { fields.insert(.hasDuration) }
        if activity.timeToFirstToken != 0 { fields.insert(.hasFirstToken) }
        if !activity.tokens.isEmpty { fields.insert(.hasTokens) }
        if activity.hasReportedCost { fields.insert(.hasCost) }
        if activity.phase == .pending { fields.insert(.isPending) }
        if activity.source == .log { fields.insert(.isFromLog) }
        varint(fields.rawValue)
        output.append(activity.kind.rawValue)
        output.append(activity.status.rawValue | activity.serviceTier.rawValue << 4)
        output.append(activity.dialect)
        output.append(UInt8(truncatingIfNeeded: activity.flags.rawValue & 0x7F))
        if fields.contains(.hasTrace) {
            fixed(activity.traceIDHigh)
            fixed(activity.traceIDLow)
        }
        fixed(activity.spanID)
        if fields.contains(.hasParent) { fixed(activity.parentSpanID) }
        let step = Int64(bitPattern: activity.start &- before.start)
        varint(UInt64(bitPattern: (step &<< 1) ^ (step &>> 63)))
        if fields.contains(.hasDuration) { varint(activity.end &- activity.start) }
        if fields.contains(.hasFirstToken) { varint(activity.timeToFirstToken) }
        if fields.contains(.hasTokens) {
            let tokens = activity.tokens
            for count in [
                tokens.input, tokens.cacheRead, tokens.cacheWrite, tokens.output, tokens.reasoning,
            ] { varint(count) }
        }
        if fields.contains(.hasCost) { fixed(activity.reportedCost.bitPattern) }
        packTexts(activity)
    }

    private mutating func packTexts(_ activity: Activity) {
        var copy = activity
        var present: UInt64 = 0
        copy.forEachText { text, bit in if !text.isEmpty { present |= 1 << bit } }
        varint(present)
        copy.forEachText { text, bit in
            guard !text.isEmpty else { return }
            if latest[Int(bit)].text != text {
                latest[Int(bit)] = (text, number(batch.bytes(text)))
            }
            varint(latest[Int(bit)].number)
        }
    }

    private mutating func number(_ text: ArraySlice<UInt8>) -> UInt64 {
        if let known = numbers[text] { return known }
        texts.append(text)
        let number = UInt64(texts.count)
        numbers[text] = number
        return number
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.append(UInt8(truncatingIfNeeded: rest))
    }

    private mutating func fixed(_ value: UInt64) {
        for place in 0..<8 {
            output.append(UInt8(truncatingIfNeeded: value >> UInt64(place * 8)))
        }
    }
}

private struct ActivityUnpacker {
    private let bytes: [UInt8]
    private var place = 0
    private var batch = ActivityBatch()
    /// The first is the empty one.
    private var texts: [TextRef] = [.none]

    /// No activity is packed into fewer bytes, so that a count alone cannot ask for memory.
    private static let fewestBytes = 15

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var rest: Int { bytes.count - place }

    mutating func unpack() -> ActivityBatch? {
        guard byte() == version, let textCount = varint(), textCount <= UInt64(rest) else {
            return nil
        }
        for _ in 0..<textCount {
            guard let count = varint(), count > 0, count <= UInt64(ActivityBatch.longestText),
                count <= UInt64(rest)
            else { return nil }
            texts.append(batch.add(Array(bytes[place..<place + Int(count)])))
            place += Int(count)
        }
        guard let count = varint(), count <= UInt64(rest / Self.fewestBytes) else { return nil }
        batch.activities.reserveCapacity(Int(count))
        var before = Activity()
        for _ in 0..<count {
            guard let activity = activity(after: before) else { return nil }
            batch.activities.append(activity)
            before = activity
        }
        return rest == 0 ? batch : nil
    }

    private mutating func activity(after before: Activity) -> Activity? {
        guard let bits = varint(), bits <= Fields.all.rawValue else { return nil }
        let fields = Fields(rawValue: bits)
        var activity = Activity()
        guard let kind = byte().flatMap({ ActivityKind(rawValue: $0) }), let state = byte(),
            let status = ActivityStatus(rawValue: state & 15),
            let tier = ActivityServiceTier(rawValue: state >> 4), let dialect = byte(),
            let flags = byte()
        else { return nil }
        activity.kind = kind
        activity.status = status
        activity.serviceTier = tier
        activity.dialect = dialect
        activity.flags = ActivityFlags(rawValue: UInt16(flags))
        activity.phase = fields.contains(.isPending) ? .pending : .finished
        activity.source = fields.contains(.isFromLog) ? .log : .span
        activity.traceIDHigh = before.traceIDHigh
        activity.traceIDLow = before.traceIDLow
        if fields.contains(.hasTrace) {
            guard let high = fixed(), let low = fixed() else { return nil }
            activity.traceIDHigh = high
            activity.traceIDLow = low
        }
        guard let span = fixed() else { return nil }
        activity.spanID = span
        if fields.contains(.hasParent) {
            guard let parent = fixed() else { return nil }
            activity.parentSpanID = parent
        }
        guard readTimes(fields, &activity, after: before), readUsage(fields, &activity),
            readTexts(&activity)
        else { return nil }
        return activity
    }

    private mutating func readTimes(
        _ fields: Fields, _ activity: inout Activity, after before: Activity
    ) -> Bool {
        guard let step = varint() else { return false }
        activity.start = before.start &+ ((step >> 1) ^ (0 &- (step & 1)))
        activity.end = activity.start
        if fields.contains(.hasDuration) {
            guard let duration = varint() else { return false }
            let (end, isTooLong) = activity.start.addingReportingOverflow(duration)
            guard !isTooLong else { return false }
            activity.end = end
        }
        if fields.contains(.hasFirstToken) {
            guard let time = varint() else { return false }
            activity.timeToFirstToken = time
        }
        return true
    }

    private mutating func readUsage(_ fields: Fields, _ activity: inout Activity) -> Bool {
        if fields.contains(.hasTokens) {
            guard let input = varint(), let cacheRead = varint(), let cacheWrite = varint(),
                let output = varint(), let reasoning = varint()
            else { return false }
            activity.tokens.input = input
            activity.tokens.cacheRead = cacheRead
            activity.tokens.cacheWrite = cacheWrite
            activity.tokens.output = output
            activity.tokens.reasoning = reasoning
        }
        if fields.contains(.hasCost) {
            guard let cost = fixed() else { return false }
            activity.reportedCost = Double(bitPattern: cost)
        }
        return true
    }

    private mutating func readTexts(_ activity: inout Activity) -> Bool {
        guard let present = varint(), present >> Activity.textCount == 0 else { return false }
        var isRight = true
        activity.forEachText { text, bit in
            guard isRight, present >> bit & 1 == 1 else { return }
            guard let number = varint(), number > 0, number < UInt64(texts.count) else {
                isRight = false
                return
            }
            text = texts[Int(number)]
        }
        return isRight
    }

    private mutating func byte() -> UInt8? {
        guard place < bytes.count else { return nil }
        place += 1
        return bytes[place - 1]
    }

    private mutating func fixed() -> UInt64? {
        guard rest >= 8 else { return nil }
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(bytes[place + offset]) << UInt64(offset * 8) }
        place += 8
        return value
    }

    private mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            guard let next = byte() else { return nil }
            value |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        return nil
    }
}
