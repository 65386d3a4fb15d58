public import RoostCore

/// One act to be remembered: who did what to what, and how it ended.
public struct AuditRecord: Sendable, Equatable {
    /// Who told Roost.
    public enum Source: String, Sendable, CaseIterable {
        /// Somebody over the API.
        case api
        /// An agent's own telemetry.
        case agent
        /// Roost itself.
        case roost
    }

    /// What was done, `tool.execute`.
    public var action: String
    /// How it ended: `success`, `failure`, `denied`, or another lower-case word.
    public var result: String
    public var source: Source
    public var agent: String?
    public var user: String?
    public var session: String?
    /// 32 hexadecimal digits.
    public var traceID: String?
    /// When it happened, in Unix nanoseconds, if that is not when it is recorded.
    public var happened: UInt64?
    /// A JSON object with whatever else is to be known.
    public var details: JSONValue?

    public init(
        action: String, result: String, source: Source, agent: String? = nil, user: String? = nil,
        session: String? = nil, traceID: String? = nil, happened: UInt64? = nil,
        details: JSONValue? = nil
    ) {
        self.action = action
        self.result = result
        self.source = source
        self.agent = agent
        self.user = user
        self.session = session
        self.traceID = traceID
        self.happened = happened
        self.details = details
    }

    /// Of an action, agent, user or session, in characters (Unicode scalars).
    public static let longestText = 256
    /// Of a result.
    public static let longestResult = 32
    /// Of the details, as JSON.
    public static let mostDetails = 16 << 10
}

extension AuditRecord {
    /// Throws what is wrong with it.
    public func check() throws(AuditRefusal) { _ = try body() }

    /// What the sender says, as the members of its line: `,"agent":…,"details":{…}`.
    func body() throws(AuditRefusal) -> [UInt8] {
        try check("action", action, isRequired: true)
        try check("agent", agent)
        try check("user", user)
        try check("session", session)
        guard !result.isEmpty, result.utf8.count <= Self.longestResult,
            result.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x5F })
        else {
            throw .invalid(
                "result is a word of at most \(Self.longestResult) lower-case letters, as success, "
                    + "failure or denied")
        }
        if let traceID {
            guard traceID.utf8.count == 32, traceID.utf8.allSatisfy({ hexValue($0) != nil }) else {
                throw .invalid("trace_id is 32 hexadecimal digits")
            }
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.optional("agent", agent)
        writer.field("action", action)
        writer.optional("user", user)
        writer.field("result", result)
        writer.field("source", source.rawValue)
        writer.optional("session", session)
        writer.optional("trace_id", traceID?.lowercased())
        if let happened { writer.field("happened", rfc3339(unixNanoseconds: happened)) }
        writer.key("details")
        let before = writer.bytes.count
        switch details {
        case nil, .null: writer.raw(Array("{}".utf8))
        case .object?: if let details { writer.value(details) }
        default: throw .invalid("details is a JSON object")
        }
        guard writer.bytes.count - before <= Self.mostDetails else {
            throw .invalid("details is larger than \(Self.mostDetails >> 10) KiB")
        }
        // The brace of the writer's object becomes the comma behind the sequence number.
        var bytes = writer.bytes
        bytes[0] = UInt8(ascii: ",")
        return bytes
    }

    private func check(
        _ name: String, _ text: String?, isRequired: Bool = false
    ) throws(AuditRefusal) {
        guard let text else { return }
        if isRequired, text.isEmpty { throw .invalid("\(name) is missing") }
        guard text.unicodeScalars.count <= Self.longestText else {
            throw .invalid("\(name) is longer than \(Self.longestText) characters")
        }
    }
}

extension JSONWriter {
    fileprivate mutating func optional(_ name: String, _ text: String?) {
        key(name)
        if let text { value(text) } else { null() }
    }
}
