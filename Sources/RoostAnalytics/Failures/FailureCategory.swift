/// What sort of error a text names, and what helps against it.
public struct FailureCategory: Sendable {
    public let name: String
    private let signs: [ErrorSign]
    public let suggestion: String

    private init(name: String, signs: [ErrorSign], suggestion: String) {
        self.name = name
        self.signs = signs
        self.suggestion = suggestion
    }

    /// The first whose sign stands in the text of an error type, whatever its case and whatever
    /// stands between words.
    public static func of(_ errorType: String) -> FailureCategory {
        let words = ErrorWords(errorType)
        return all.first { $0.signs.contains { words.hold($0) } } ?? other
    }

    /// What failed can work with other arguments, and only with those.
    var refusesArguments: Bool { name == "validation" }

    static let other = FailureCategory(
        name: "other", signs: [],
        suggestion: "Look at the failed spans for what they have in common, and give the error a "
            + "type of its own (error.type) so that it can be told from others.")

    /// In the order in which they are asked: what is surer stands before what is vaguer, and how a
    /// call went wrong on its way before what could have been said at its end.
    static let all = [
        FailureCategory(
            name: "rate_limit",
            signs: [
                "*rate limit", "too many requests", "429", "throttl", "quota.", "quota exceeded",
                "daily limit", "request limit exceeded", "throughput exceeded",
                "resource exhausted", "overloaded", "529",
            ],
            suggestion: "Wait before the next attempt, longer each time and with some chance in "
                + "it; honour Retry-After; run fewer calls at once, or fall back to another model."),
        FailureCategory(
            name: "context_length",
            signs: [
                "context length", "context window", "maximum context", "max tokens", "token limit",
                "too many tokens", "prompt too l", "prompt is too l", "input too l",
                "request too large", "string above max length",
            ],
            suggestion: "Shorten the history or summarise it, return less from tools, or use a "
                + "model with a larger context; trying the same again fails again."),
        FailureCategory(
            name: "timeout",
            signs: ["*timeout", "time out.", "*timed out", "deadline", "408", "504"],
            suggestion:
                "Try again with a longer limit, split the work into smaller steps, or use a "
                + "faster model or tool."),
        FailureCategory(
            name: "authentication",
            signs: [
                "*authentication", "*authorization", "unauthorized", "not authorized",
                "unauthenticated", "permission", "forbidden", "access denied", "api key",
                "credential", "password", "privilege", "expired token", "token expired", "eacces",
                "eperm", "401", "403",
            ],
            suggestion: "Renew the key or the rights; do not try again before that."),
        FailureCategory(
            name: "connection",
            signs: [
                "*connect", "network", "dns", "name resolution", "getaddrinfo", "gaierror",
                "enotfound", "eai again", "*unreach", "econn", "*socket", "epipe", "broken pipe",
                "refused stream", "stream reset", "remote protocol", "incomplete read",
                "unavailable", "502", "503", "ssl", "tls", "cert.", "certificate",
            ],
            suggestion: "Try again after a short while and keep connections open; if it goes on, "
                + "look at the network and at the state of the provider."),
        FailureCategory(
            name: "content_filter",
            signs: [
                "*content filter", "content policy", "content management policy",
                "prohibited content", "safety", "moderation", "guardrail", "refus",
            ],
            suggestion: "Say the request differently or leave out what is refused; trying the same "
                + "again rarely helps."),
        FailureCategory(
            name: "cancelled", signs: ["*cancelled", "*canceled", "cancel", "abort", "interrupt"],
            suggestion: "Find out who gave up and why: a person, a deadline further up, or a "
                + "shutdown."),
        FailureCategory(
            name: "not_found",
            signs: ["not found", "*notfound", "404", "no such", "*does not exist", "enoent"],
            suggestion:
                "Check the name that was asked for; let the agent list what there is before "
                + "it asks."),
        FailureCategory(
            name: "validation",
            signs: [
                "validation", "*validation error", "invalid.", "invalid argument",
                "invalid request", "invalid input", "schema", "pars", "json", "decod",
                "bad request", "400", "422", "unprocessable", "type error", "value error",
                "key error", "argument",
            ],
            suggestion: "Give the model the schema and an example, tell it the error and let it "
                + "correct its answer, or repair it in code before use."),
        FailureCategory(
            name: "memory", signs: ["out of memory", "oom", "memory error", "enomem"],
            suggestion: "Work on smaller pieces, or give the process more memory."),
        FailureCategory(
            name: "server", signs: ["internal.", "*server error", "500", "api error"],
            suggestion: "Try again with growing pauses; keep another model or provider ready."),
        FailureCategory(
            name: "tool",
            signs: ["tool", "function", "command", "exit.", "*process exit", "*process error"],
            suggestion: "Look at the tool's arguments and answers; let it return errors that the "
                + "model can act on, and offer another way to the same end."),
    ]
}
