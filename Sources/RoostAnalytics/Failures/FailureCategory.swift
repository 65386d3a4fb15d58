/// What sort of error a text names, and what helps against it.
public struct FailureCategory: Sendable {
    public let name: String
    /// Parts of error types in small letters and digits only.
    private let signs: [[UInt8]]
    public let suggestion: String

    private init(name: String, signs: [String], suggestion: String) {
        self.name = name
        self.signs = signs.map { Array($0.utf8) }
        self.suggestion = suggestion
    }

    /// The first whose sign stands in the text of an error type, whatever its case and whatever
    /// stands between letters.
    public static func of(_ errorType: String) -> FailureCategory {
        var plain: [UInt8] = []
        for byte in errorType.utf8.prefix(256) {
            switch byte {
            case 0x41...0x5A: plain.append(byte + 0x20)
            case 0x30...0x39, 0x61...0x7A: plain.append(byte)
            default: continue
            }
        }
        return all.first { $0.signs.contains { holds(plain, $0) } } ?? other
    }

    /// What failed can work with other arguments, and only with those.
    var refusesArguments: Bool { name == "validation" }

    private static func holds(_ text: [UInt8], _ sign: [UInt8]) -> Bool {
        guard sign.count <= text.count else { return false }
        for start in 0...(text.count - sign.count) where text[start] == sign[0] {
            var length = 1
            while length < sign.count, text[start + length] == sign[length] { length += 1 }
            if length == sign.count { return true }
        }
        return false
    }

    static let other = FailureCategory(
        name: "other", signs: [],
        suggestion: "Look at the failed spans for what they have in common, and give the error a "
            + "type of its own (error.type) so that it can be told from others.")

    static let all = [
        FailureCategory(
            name: "rate_limit",
            signs: [
                "ratelimit", "toomanyrequests", "429", "throttl", "quota", "resourceexhausted",
                "overloaded", "529",
            ],
            suggestion: "Wait before the next attempt, longer each time and with some chance in "
                + "it; honour Retry-After; run fewer calls at once, or fall back to another model."),
        FailureCategory(
            name: "context_length",
            signs: [
                "contextlength", "contextwindow", "maximumcontext", "maxtokens", "tokenlimit",
                "toomanytokens", "prompttoolong", "promptislong", "inputtoolong",
            ],
            suggestion: "Shorten the history or summarise it, return less from tools, or use a "
                + "model with a larger context; trying the same again fails again."),
        FailureCategory(
            name: "content_filter",
            signs: [
                "contentfilter", "contentpolicy", "safety", "moderation", "guardrail", "refus",
            ],
            suggestion: "Say the request differently or leave out what is refused; trying the same "
                + "again rarely helps."),
        FailureCategory(
            name: "cancelled", signs: ["cancel", "abort", "interrupt"],
            suggestion: "Find out who gave up and why: a person, a deadline further up, or a "
                + "shutdown."),
        FailureCategory(
            name: "timeout", signs: ["timeout", "timedout", "deadline", "408", "504"],
            suggestion:
                "Try again with a longer limit, split the work into smaller steps, or use a "
                + "faster model or tool."),
        FailureCategory(
            name: "authentication",
            signs: [
                "authentication", "authorization", "unauthorized", "unauthenticated", "permission",
                "forbidden", "accessdenied", "apikey", "credential", "401", "403",
            ],
            suggestion: "Renew the key or the rights; do not try again before that."),
        FailureCategory(
            name: "connection",
            signs: [
                "connect", "network", "dns", "nameresolution", "unreachable", "econn", "socket",
                "brokenpipe", "unavailable", "502", "503", "ssl", "certificate",
            ],
            suggestion: "Try again after a short while and keep connections open; if it goes on, "
                + "look at the network and at the state of the provider."),
        FailureCategory(
            name: "not_found", signs: ["notfound", "404", "nosuch", "doesnotexist", "filenot"],
            suggestion:
                "Check the name that was asked for; let the agent list what there is before "
                + "it asks."),
        FailureCategory(
            name: "validation",
            signs: [
                "validation", "invalid", "schema", "pars", "json", "decod", "badrequest", "400",
                "422", "unprocessable", "typeerror", "valueerror", "keyerror", "argument",
            ],
            suggestion: "Give the model the schema and an example, tell it the error and let it "
                + "correct its answer, or repair it in code before use."),
        FailureCategory(
            name: "memory", signs: ["outofmemory", "oomkill", "memoryerror"],
            suggestion: "Work on smaller pieces, or give the process more memory."),
        FailureCategory(
            name: "server", signs: ["internal", "servererror", "500", "apierror"],
            suggestion: "Try again with growing pauses; keep another model or provider ready."),
        FailureCategory(
            name: "tool", signs: ["tool", "function", "command", "exit", "subprocess"],
            suggestion: "Look at the tool's arguments and answers; let it return errors that the "
                + "model can act on, and offer another way to the same end."),
    ]
}
