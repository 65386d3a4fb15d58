import RoostCore
import RoostWire

/// Whether an agent was allowed to use a tool, as a log record tells it.
public struct ToolDecision: Sendable, Equatable {
    public enum Verdict: Sendable { case approved, denied, unknown }

    public var verdict: Verdict
    /// In the sender's own word.
    public var decision: String
    /// What or who decided, in the sender's own word.
    public var decidedBy: String
    public var tool: String
    /// The agent, or the service where none is named.
    public var agent: String
    public var user: String
    public var session: String
    public var callID: String
    /// The event that told it.
    public var event: String
    /// 32 hexadecimal digits, or empty.
    public var traceID: String
    /// Unix nanoseconds; 0 when the record does not say.
    public var timeUnixNano: UInt64

    /// Of one request; the rest is counted.
    public static let mostInRequest = 4096
    /// Of a text, in bytes.
    static let longestText = 256
}

/// The decisions of one request.
public struct ToolDecisions: Sendable {
    public private(set) var all: [ToolDecision] = []
    /// More than a request may tell.
    public private(set) var leftOut = 0

    public init() {}

    public var isEmpty: Bool { all.isEmpty }

    mutating func add(_ decision: ToolDecision) {
        if all.count < ToolDecision.mostInRequest {
            all.append(decision)
        } else {
            leftOut += 1
        }
    }
}

extension ActivityReader {
    /// Takes note of what a record says by the rule of its event; nothing when it has no word for it.
    mutating func decide(_ rule: NameEvent.Decision, _ record: LogRecordView) {
        var words: [String: String] = [:]
        record.attributes.forEach { key, value in
            let name = key.string
            guard name == rule.by || name == rule.source || name == rule.call else { return }
            words[name] = Self.short(value.stringBytes)
        }
        guard let word = words[rule.by], !word.isEmpty else { return }
        let agent = slots.text(.agent)
        let call = Self.short(slots.text(.callID))
        decisions.add(
            ToolDecision(
                verdict: rule.verdict(word), decision: word, decidedBy: words[rule.source] ?? "",
                tool: Self.short(slots.text(.tool)),
                agent: agent.isEmpty
                    ? String(decoding: service.prefix(ToolDecision.longestText), as: UTF8.self)
                    : Self.short(agent),
                user: Self.short(slots.text(.user)), session: Self.short(slots.text(.session)),
                callID: words[rule.call] ?? call, event: Self.short(eventName(of: record)),
                traceID: Self.hex(record.traceID),
                timeUnixNano: record.timeUnixNano != 0
                    ? record.timeUnixNano : record.observedTimeUnixNano))
    }

    /// At most so many bytes that the text is still one of an audit trail, whatever was cut through.
    private static func short(_ text: WireBytes) -> String {
        guard text.count > ToolDecision.longestText else { return text.string }
        let head = unsafe String(
            decoding: text.buffer.prefix(ToolDecision.longestText - 3), as: UTF8.self)
        return String(head.unicodeScalars.filter { $0 != "\u{FFFD}" })
    }

    private static func hex(_ id: WireBytes) -> String {
        var digits: [UInt8] = []
        for byte in unsafe Array(id.buffer) {
            digits.append(hexDigit(byte >> 4))
            digits.append(hexDigit(byte & 15))
        }
        return String(decoding: digits, as: UTF8.self)
    }
}

extension NameEvent.Decision {
    /// Letters of either case.
    func verdict(_ word: String) -> ToolDecision.Verdict {
        let word = word.lowercased()
        if approved.contains(where: { $0.lowercased() == word }) { return .approved }
        return denied.contains { $0.lowercased() == word } ? .denied : .unknown
    }
}
