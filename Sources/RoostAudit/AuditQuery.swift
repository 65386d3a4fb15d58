import RoostCore

/// Which records are wanted, newest first. Nil is any.
public struct AuditQuery: Sendable, Equatable {
    public var agent: String?
    public var action: String?
    public var user: String?
    public var result: String?
    /// Recorded at or after this, in Unix nanoseconds.
    public var since: UInt64?
    /// Recorded at or before this, in Unix nanoseconds.
    public var until: UInt64?
    /// At most this many, up to `mostRecords`.
    public var limit = 100
    /// Where an earlier page ended.
    public var cursor: UInt64?

    public static let mostRecords = 1000

    public init() {}
}

/// A part of the answer to a query.
public struct AuditPage: Sendable, Equatable {
    /// Each is a JSON object as it stands in the trail, hashes included. Newest first.
    public var records: [[UInt8]] = []
    /// For the next page; nil when there is no more.
    public var cursor: UInt64?
    /// Lines met that are no records, or fitted and do not match their own hash; they are left out.
    public var damaged = 0
}

/// A query in the bytes that lines are written in.
struct AuditFilter {
    private let agent: [UInt8]?
    private let action: [UInt8]?
    private let user: [UInt8]?
    private let result: [UInt8]?
    private let since: [UInt8]?
    private let until: [UInt8]?
    /// Only records before this one.
    var cursor: UInt64

    init(_ query: AuditQuery) {
        agent = query.agent.map(Self.escaped)
        action = query.action.map(Self.escaped)
        user = query.user.map(Self.escaped)
        result = query.result.map(Self.escaped)
        since = query.since.map { Array(rfc3339(unixNanoseconds: $0).utf8) }
        until = query.until.map { Array(rfc3339(unixNanoseconds: $0).utf8) }
        cursor = query.cursor ?? .max
    }

    private static func escaped(_ text: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(text)
        return Array(writer.bytes.dropFirst().dropLast())
    }

    enum Answer { case fits, other, tooOld }

    /// All times are written with the same number of digits, so they compare as texts.
    func look(at line: Span<UInt8>, _ header: AuditHeader) -> Answer {
        if header.sequence >= cursor { return .other }
        if let since, Self.order(line, header.time, since) < 0 { return .tooOld }
        if let until, Self.order(line, header.time, until) > 0 { return .other }
        guard Self.isText(line, header.result, result), Self.isText(line, header.action, action),
            Self.isText(line, header.agent, agent), Self.isText(line, header.user, user)
        else { return .other }
        return .fits
    }

    private static func isText(
        _ line: Span<UInt8>, _ range: Range<Int>?, _ wanted: [UInt8]?
    ) -> Bool {
        guard let wanted else { return true }
        guard let range, range.count == wanted.count else { return false }
        return AuditLine.has(wanted, line, at: range.lowerBound)
    }

    private static func order(_ line: Span<UInt8>, _ range: Range<Int>, _ other: [UInt8]) -> Int {
        for index in 0..<min(range.count, other.count) {
            let byte = line[range.lowerBound + index]
            if byte != other[index] { return byte < other[index] ? -1 : 1 }
        }
        return 0
    }
}
