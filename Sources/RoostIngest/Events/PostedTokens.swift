import RoostCore

extension ActivityTokens {
    /// What a posted event says of tokens: an object in `tokens`, else counts of their own in the
    /// payload, else one number in `tokens`, which says nothing of its parts.
    init(posted payload: JSONValue) throws(PostedEvent.Fault) {
        self.init()
        let told = payload.first("tokens")
        if let told, let members = told.members {
            guard try !read(told, PostedCount.inTokens, in: "tokens.") else { return }
            // Counts under names that nobody knows would be lost in silence.
            let known = PostedCount.inTokens.flatMap(\.names)
            guard members.isEmpty || members.contains(where: { known.holds($0.name) }) else {
                throw PostedEvent.Fault(
                    reason: "tokens has none of "
                        + PostedCount.inTokens.map(\.name).joined(separator: ", ")
                        + "; of a sum alone, tokens is the number itself")
            }
        }
        _ = try read(payload, PostedCount.inPayload)
        if isEmpty, let told, told.members == nil { input = try PostedCount.read(told, "tokens") }
    }

    /// True when at least one count is there. `place` is where the object stands.
    private mutating func read(
        _ object: JSONValue, _ counts: [PostedCount], in place: String = ""
    ) throws(PostedEvent.Fault) -> Bool {
        var isTold = false
        for count in counts {
            var found: UInt64?
            for name in count.names {
                guard let value = object[name], value != .null else { continue }
                let number = try PostedCount.read(value, place + name)
                found = found ?? number
            }
            guard let found else { continue }
            self[keyPath: count.part] = found
            isTold = true
        }
        return isTold
    }
}

/// A count of tokens and what it may be called; the first name that is there counts.
private struct PostedCount: Sendable {
    typealias Part = any WritableKeyPath<ActivityTokens, UInt64> & Sendable

    let part: Part
    let names: [String]

    var name: String { names[0] }

    static let inTokens = [
        PostedCount(\.input, ["input"] + inputNames),
        PostedCount(\.cacheRead, ["cache_read", "cache_read_tokens"]),
        PostedCount(\.cacheWrite, ["cache_write", "cache_write_tokens"]),
        PostedCount(\.output, ["output"] + outputNames),
        PostedCount(\.reasoning, ["reasoning", "reasoning_tokens"]),
    ]

    static let inPayload = [PostedCount(\.input, inputNames), PostedCount(\.output, outputNames)]

    private static let inputNames = ["input_tokens", "gen_ai.usage.input_tokens"]
    private static let outputNames = ["output_tokens", "gen_ai.usage.output_tokens"]

    private init(_ part: Part, _ names: [String]) {
        self.part = part
        self.names = names
    }

    static func read(_ value: JSONValue, _ name: String) throws(PostedEvent.Fault) -> UInt64 {
        guard let number = value.number, number >= 0, number <= 1e9 else {
            throw PostedEvent.Fault(reason: "\(name) is a number from 0 to 1000000000")
        }
        return UInt64(number)
    }
}

extension JSONValue {
    /// The member with the first of these names that is there; null is nothing.
    func first(_ names: String...) -> JSONValue? {
        for name in names {
            if let value = self[name], value != .null { return value }
        }
        return nil
    }
}
