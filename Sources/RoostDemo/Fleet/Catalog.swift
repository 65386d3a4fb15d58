/// A language model as the fleet knows it: who serves it, how fast it is and what it costs.
struct Model: Hashable, Sendable {
    struct Price: Hashable, Sendable {
        /// US dollars per million tokens.
        var input, output, cacheRead, cacheWrite: Double
    }

    var provider: String
    var name: String
    /// What the provider says it answered with; often a dated name.
    var responseName: String
    var host: String
    var path: String
    /// nil where nobody publishes one: a model of one's own.
    var price: Price?
    /// Seconds until the first token of a short prompt, the median.
    var firstToken: Double
    var tokensPerSecond: Double
    /// The part of the answer that is thought and not shown.
    var reasoning: Double
    var contextWindow: Int
    /// What the provider's library calls a refusal for too many requests.
    var rateLimitError: String
}

extension Model {
    static let gpt5 = Model(
        provider: "openai", name: "gpt-5", responseName: "gpt-5-2025-08-07",
        host: "api.openai.com", path: "/v1/responses",
        price: Price(input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 1.25),
        firstToken: 1.6, tokensPerSecond: 85, reasoning: 0.45, contextWindow: 400_000,
        rateLimitError: "openai.RateLimitError")
    static let gpt5Mini = Model(
        provider: "openai", name: "gpt-5-mini", responseName: "gpt-5-mini-2025-08-07",
        host: "api.openai.com", path: "/v1/responses",
        price: Price(input: 0.25, output: 2, cacheRead: 0.025, cacheWrite: 0.25),
        firstToken: 0.7, tokensPerSecond: 150, reasoning: 0.3, contextWindow: 400_000,
        rateLimitError: "openai.RateLimitError")
    static let opus = Model(
        provider: "anthropic", name: "claude-opus-4-5",
        responseName: "claude-opus-4-5-20251101", host: "api.anthropic.com", path: "/v1/messages",
        price: Price(input: 5, output: 25, cacheRead: 0.5, cacheWrite: 6.25),
        firstToken: 1.9, tokensPerSecond: 70, reasoning: 0.2, contextWindow: 200_000,
        rateLimitError: "anthropic.OverloadedError")
    static let sonnet = Model(
        provider: "anthropic", name: "claude-sonnet-4-5",
        responseName: "claude-sonnet-4-5-20250929", host: "api.anthropic.com",
        path: "/v1/messages",
        price: Price(input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75),
        firstToken: 1.2, tokensPerSecond: 90, reasoning: 0.15, contextWindow: 200_000,
        rateLimitError: "anthropic.RateLimitError")
    static let haiku = Model(
        provider: "anthropic", name: "claude-haiku-4-5",
        responseName: "claude-haiku-4-5-20251001", host: "api.anthropic.com",
        path: "/v1/messages",
        price: Price(input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25),
        firstToken: 0.6, tokensPerSecond: 160, reasoning: 0, contextWindow: 200_000,
        rateLimitError: "anthropic.RateLimitError")
    static let geminiPro = Model(
        provider: "gcp.gemini", name: "gemini-2.5-pro", responseName: "gemini-2.5-pro",
        host: "generativelanguage.googleapis.com", path: "/v1beta/models/gemini-2.5-pro",
        price: Price(input: 1.25, output: 10, cacheRead: 0.125, cacheWrite: 1.25),
        firstToken: 2.1, tokensPerSecond: 110, reasoning: 0.5, contextWindow: 1_048_576,
        rateLimitError: "google.genai.errors.ClientError")
    static let geminiFlash = Model(
        provider: "gcp.gemini", name: "gemini-2.5-flash", responseName: "gemini-2.5-flash",
        host: "generativelanguage.googleapis.com", path: "/v1beta/models/gemini-2.5-flash",
        price: Price(input: 0.3, output: 2.5, cacheRead: 0.03, cacheWrite: 0.3),
        firstToken: 0.5, tokensPerSecond: 210, reasoning: 0.2, contextWindow: 1_048_576,
        rateLimitError: "google.genai.errors.ClientError")
    static let ownCoder = Model(
        provider: "vllm", name: "fleet-coder-7b", responseName: "fleet-coder-7b",
        host: "models.internal.example", path: "/v1/chat/completions", price: nil,
        firstToken: 0.15, tokensPerSecond: 60, reasoning: 0, contextWindow: 32_768,
        rateLimitError: "httpx.HTTPStatusError")
    static let embedding = Model(
        provider: "openai", name: "text-embedding-3-small",
        responseName: "text-embedding-3-small", host: "api.openai.com", path: "/v1/embeddings",
        price: Price(input: 0.02, output: 0, cacheRead: 0.02, cacheWrite: 0.02),
        firstToken: 0.12, tokensPerSecond: 1_000, reasoning: 0, contextWindow: 8_192,
        rateLimitError: "openai.RateLimitError")
}

/// What one model call used, each token counted once.
struct Usage: Hashable, Sendable {
    /// Neither read from a cache nor written to one.
    var input = 0
    var cacheRead = 0
    var cacheWrite = 0
    /// Shown.
    var output = 0
    var reasoning = 0

    /// As `gen_ai.usage.input_tokens` counts: with the cached ones.
    var allInput: Int { input + cacheRead + cacheWrite }
    /// As `gen_ai.usage.output_tokens` counts: with the reasoning.
    var allOutput: Int { output + reasoning }

    static func += (left: inout Usage, right: Usage) {
        left.input += right.input
        left.cacheRead += right.cacheRead
        left.cacheWrite += right.cacheWrite
        left.output += right.output
        left.reasoning += right.reasoning
    }
}

/// The use and the price of one model call; no price for a model without one.
struct ModelBill: Hashable, Sendable {
    var usage: Usage
    var dollars: Double?

    init(_ usage: Usage, by model: Model) {
        self.usage = usage
        dollars = model.price.map { price in
            (Double(usage.input) * price.input + Double(usage.cacheRead) * price.cacheRead
                + Double(usage.cacheWrite) * price.cacheWrite
                + Double(usage.allOutput) * price.output) / 1_000_000
        }
    }
}

/// Something an agent can use.
struct Tool: Hashable, Sendable {
    enum Place: Hashable, Sendable {
        /// In the agent's own process.
        case local
        /// Behind an MCP server, a process of its own.
        case mcp(Role)
        /// A search in a vector store: an embedding and a query.
        case retrieval
        /// Shards that run at the same time.
        case testRun
    }

    var name: String
    var place: Place
    /// Seconds, the median and the spread of the logarithm.
    var seconds: Double
    var sigma: Double
    var failureRate: Double
    var errorType: String
    var errorMessage: String
}

extension Tool {
    static let webSearch = Tool(
        name: "web_search", place: .mcp(.webTools), seconds: 0.9, sigma: 0.5, failureRate: 0.05,
        errorType: "TimeoutError", errorMessage: "no answer from the search index in time")
    static let fetchPage = Tool(
        name: "fetch_page", place: .mcp(.webTools), seconds: 0.6, sigma: 0.8, failureRate: 0.12,
        errorType: "HTTPStatusError", errorMessage: "the page answered 503")
    static let searchTickets = Tool(
        name: "search_tickets", place: .mcp(.repoTools), seconds: 0.25, sigma: 0.4,
        failureRate: 0.02, errorType: "PermissionError", errorMessage: "the board is private")
    static let searchCode = Tool(
        name: "search_code", place: .mcp(.repoTools), seconds: 0.4, sigma: 0.5, failureRate: 0.02,
        errorType: "IndexError", errorMessage: "the index is being rebuilt")
    static let searchDocs = Tool(
        name: "search_docs", place: .retrieval, seconds: 0.08, sigma: 0.5, failureRate: 0.01,
        errorType: "ConnectionError", errorMessage: "the vector store closed the connection")
    static let readFile = Tool(
        name: "read_file", place: .local, seconds: 0.01, sigma: 0.6, failureRate: 0.06,
        errorType: "FileNotFoundError", errorMessage: "no such file")
    static let editFile = Tool(
        name: "edit_file", place: .local, seconds: 0.03, sigma: 0.6, failureRate: 0.09,
        errorType: "PatchError", errorMessage: "the text to replace occurs more than once")
    static let runTests = Tool(
        name: "run_tests", place: .testRun, seconds: 4, sigma: 0.5, failureRate: 0.22,
        errorType: "TestFailure", errorMessage: "2 of 148 tests failed")
    static let lint = Tool(
        name: "lint", place: .local, seconds: 0.8, sigma: 0.4, failureRate: 0.08,
        errorType: "LintError", errorMessage: "3 findings above the threshold")
}
