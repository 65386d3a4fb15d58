import Testing

@testable import RoostIngest

@Suite struct PriceBookTests {
    private let book = PriceBook()
    private static let now: UInt64 = 1_795_000_000_000_000_000

    private func find(
        _ model: String, _ provider: String = "", _ tier: ActivityServiceTier = .standard,
        input: UInt64 = 0, at time: UInt64 = now
    ) -> PriceBook.Found? {
        book.find(
            model: model, provider: provider, tier: tier, inputTokens: input, unixNano: time)
    }

    /// Published prices, in US dollars per million tokens.
    @Test(arguments: [
        ("gpt-4o", 2.5, 10, 1.25), ("gpt-5", 1.25, 10, 0.125),
        ("claude-sonnet-4-5", 3, 15, 0.3), ("claude-opus-4-5", 5, 25, 0.5),
        ("gemini-2.5-pro", 1.25, 10, 0.125),
    ])
    func `well-known models`(_ model: String, _ input: Double, _ output: Double, _ cached: Double) {
        let rates = find(model)?.rates
        #expect(rates?.input == input)
        #expect(rates?.output == output)
        #expect(rates?.cacheRead == cached)
    }

    @Test(arguments: [
        "openai/gpt-4o", "gpt-4o-2024-08-06", "GPT-4o", "azure/gpt-4o",
    ])
    func `a model by its other names`(_ model: String) {
        #expect(find(model)?.rates.input == 2.5)
    }

    @Test(arguments: [
        "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5@20250929",
        "claude-sonnet-4-5-latest",
    ])
    func `a model with region, date or version`(_ model: String) {
        #expect(find(model)?.rates.input == 3)
    }

    @Test func `a long request costs more, whole`() {
        #expect(find("gemini-2.5-pro", input: 200_000)?.rates.input == 1.25)
        #expect(find("gemini-2.5-pro", input: 200_001)?.rates.input == 2.5)
    }

    @Test func `tiers have their prices`() {
        #expect(find("gpt-4o", "openai", .batch)?.rates.input == 1.25)
        #expect(find("gpt-4o", "openai", .priority)?.rates.output == 17)
        // None of its own: the standard one.
        #expect(find("gpt-4o", "openai", .flex)?.rates.input == 2.5)
    }

    @Test func `a region of Bedrock has its price, and a machine of one's own none`() {
        #expect(find("us.anthropic.claude-sonnet-4-5-20250929-v1:0")?.provider == "aws.bedrock")
        #expect(find("gpt-4o", "ollama") == nil)
    }

    @Test(arguments: ["vllm", "", "openai"])
    func `a user's line holds for whoever sells the model`(_ provider: String) throws {
        let book = try PriceBook(
            users: """
                vllm ^fleet-coder - standard 0 0.10 - - - 0.20 -
                vllm =gpt-4o - standard 0 7 - - - 7 -
                """)
        func find(_ model: String, _ provider: String) -> PriceBook.Found? {
            book.find(
                model: model, provider: provider, tier: .standard, inputTokens: 0,
                unixNano: Self.now)
        }
        #expect(find("fleet-coder-7b", provider)?.rates.input == 0.1)
        #expect(find("fleet-coder-7b", provider)?.provider == "vllm")
        #expect(find("fleet-coder-7b", "ollama") == nil)
        // Whose price is known keeps it.
        #expect(find("gpt-4o", provider)?.rates.input == (provider == "vllm" ? 7 : 2.5))
    }

    @Test func `without a provider a name costs what all its sellers ask`() throws {
        #expect(find("llama-3.3-70b-versatile")?.provider == "groq")
        #expect(find("llama-3.3-70b-versatile")?.rates.output == 0.79)
        // Groq and OpenRouter ask different prices.
        #expect(find("qwen/qwen3-32b") == nil)
        // A provider that is known sells it or does not.
        #expect(find("llama-3.3-70b-versatile", "openai") == nil)
        #expect(find("llama-3.3-70b-versatile", "vllm") == nil)
    }

    @Test(arguments: [
        ("global.anthropic.claude-opus-5", 5), ("anthropic.claude-opus-5", 5.5),
        ("us.anthropic.claude-opus-5", 5.5), ("eu.amazon.nova-pro-v1:0", 1.05),
        ("amazon.nova-pro-v1:0", 0.8), ("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0", 3.6),
        ("us-gov.anthropic.claude-haiku-5-5", 0.12),
    ])
    func `a region has its own price, the name as it is goes first`(
        _ model: String, _ input: Double
    ) {
        #expect(find(model, "aws.bedrock")?.rates.input == input)
    }

    @Test func `the longest match goes first, and of two as long the whole name`() throws {
        let book = try PriceBook(
            users: """
                x ^big- - standard 0 1 - - - 1 -
                x =big-one - standard 0 2 - - - 2 -
                x $gold/big-one - standard 0 3 - - - 3 -
                x ^big-two - standard 0 4 - - - 4 -
                x =big-two - standard 0 5 - - - 5 -
                """)
        func input(_ model: String) -> Double? {
            book.find(
                model: model, provider: "x", tier: .standard, inputTokens: 0, unixNano: Self.now
            )?.rates.input
        }
        #expect(input("big-three") == 1)
        #expect(input("big-one-20260101") == 2)
        #expect(input("gold/big-one") == 3)
        #expect(input("silver/big-one") == 2)
        #expect(input("big-two") == 5)
        #expect(input("big-two-20260101") == 5)
    }

    @Test func `some calls cost by themselves`() throws {
        let rates = try #require(find("sonar", "perplexity")?.rates)
        var tokens = ActivityTokens()
        tokens.input = 1000
        tokens.output = 100
        #expect(abs(rates.cost(tokens) - 0.0131) < 1e-9)
        #expect(abs(rates.cost(tokens, calls: 3) - 0.0371) < 1e-9)
        #expect(abs(rates.cost(tokens, calls: 0) - 0.0011) < 1e-9)
        let users = try PriceBook(users: "x =y - standard 0 - - - - - - 0.5")
        let found = users.find(
            model: "y", provider: "x", tier: .standard, inputTokens: 0, unixNano: Self.now)
        #expect(found?.rates.cost(tokens) == 0.5)
    }

    @Test func `before a user's dates the built-in price holds`() throws {
        let book = try PriceBook(
            users: """
                openai =gpt-4o 2026-06-01 standard 0 100 - - - 200 -
                x =later 2027-01-01 standard 0 7 - - - 7 -
                """)
        func input(_ model: String, _ provider: String, _ time: UInt64) -> Double? {
            let quote = book.quote(
                model: Array(model.utf8)[...], provider: Array(provider.utf8)[...],
                tier: .standard, inputTokens: 0, unixNano: time)
            let found = book.find(
                model: model, provider: provider, tier: .standard, inputTokens: 0, unixNano: time)
            #expect(found?.rates.input == quote.rates?.input)
            #expect(quote.holds(inputTokens: 0, unixNano: time))
            return found?.rates.input
        }
        #expect(input("gpt-4o", "openai", Self.now) == 100)
        #expect(input("gpt-4o", "openai", 1_719_792_000_000_000_000) == 2.5)
        #expect(input("gpt-4o-2024-08-06", "openai", 1_769_904_000_000_000_000) == 2.5)
        // Nobody knows one; the quote that says so ends when it is known.
        #expect(input("later", "x", Self.now) == nil)
        let quote = book.quote(
            model: Array("later".utf8)[...], provider: Array("x".utf8)[...], tier: .standard,
            inputTokens: 0, unixNano: Self.now)
        #expect(!quote.holds(inputTokens: 0, unixNano: 1_800_000_000_000_000_000))
        #expect(input("later", "x", 1_800_000_000_000_000_000) == 7)
    }

    @Test func `what nobody knows is unknown`() {
        #expect(find("fleet-coder-7b") == nil)
        #expect(find("") == nil)
        #expect(find(String(repeating: "x", count: 1 << 20)) == nil)
    }

    /// OpenAI's names of tuned models: base, organisation, suffix and id, some with a checkpoint.
    @Test(arguments: [
        ("ft:gpt-4o-2024-08-06:acme::A1b2", 3.75),
        ("ft:gpt-4o-mini-2024-07-18:my-org:custom:9abc123", 0.3),
        ("ft:gpt-4.1-2025-04-14:acme::Z", 3), ("openai/ft:gpt-4.1-mini-2025-04-14:acme:x:1", 0.8),
        ("ft:gpt-4.1-nano-2025-04-14:acme:20250101", 0.2), ("ft:o4-mini-2025-04-16:acme:x:Z", 4),
        ("ft:gpt-3.5-turbo-0125:acme:x:Z:ckpt-step-90", 3), ("ft:davinci-002:acme::Z", 12),
    ])
    func `a tuned model costs what its tuned base does`(_ model: String, _ input: Double) {
        for provider in ["openai", ""] {
            #expect(find(model, provider)?.rates.input == input, "\(provider)")
        }
    }

    @Test func `a tuned model whose price nobody knows does not cost what its base does`() throws {
        for model in ["ft:gpt-4o:org::id", "ft:gpt-5:org::1", "ft:open-mistral-7b:org:20240430:id"]
        {
            for provider in ["openai", "mistral_ai", ""] { #expect(find(model, provider) == nil) }
        }
        #expect(find("ft:gpt-4.1-2025-04-14:acme::Z", "openai", .batch)?.rates.input == 1.5)
        let book = try PriceBook(
            users: """
                openai ^ft:gpt-4o:org: - standard 0 7 - - - 8 -
                openai =ft:gpt-4o - standard 0 5 - - - 6 -
                openai =ft:gpt-4.1-2025-04-14:ACME::Z - standard 0 9 - - - 9 -
                """)
        func input(_ model: String) -> Double? {
            book.find(
                model: model, provider: "openai", tier: .standard, inputTokens: 0,
                unixNano: Self.now)?.rates.input
        }
        #expect(input("ft:gpt-4o:org::id") == 7)
        #expect(input("ft:gpt-4o:other:x:id") == 5)
        #expect(input("ft:gpt-4.1-2025-04-14:acme::Z") == 9)
        #expect(input("ft:gpt-4.1-2025-04-14:acme::Y") == 3)
    }

    @Test func `kinds without a price are paid as plain ones`() {
        var tokens = ActivityTokens()
        tokens.input = 1_000_000
        tokens.cacheRead = 1_000_000
        tokens.output = 1_000_000
        tokens.reasoning = 1_000_000
        #expect(PriceRates(input: 2, output: 8).cost(tokens) == 20)
        #expect(PriceRates(input: 2, cacheRead: 1, output: 8, reasoning: 4).cost(tokens) == 15)
    }

    @Test func `a user's table is believed first and its dates hold`() throws {
        let book = try PriceBook(
            users: """
                # provider match from tier above input cache_read cache_write 1h output reasoning
                openai =gpt-4o - standard 0 9 - - - 99 -
                openai =gpt-4o 2026-01-01 standard 0 8 - - - 88 -
                vllm ^fleet- - standard 0 0.1 - - - 0.2 -
                """)
        func input(_ model: String, _ provider: String, _ time: UInt64) -> Double? {
            book.find(
                model: model, provider: provider, tier: .standard, inputTokens: 0, unixNano: time
            )?.rates.input
        }
        #expect(input("gpt-4o", "openai", Self.now) == 8)
        #expect(input("gpt-4o", "openai", 1) == 9)
        #expect(input("fleet-coder-7b", "vllm", Self.now) == 0.1)
        #expect(input("gpt-5", "openai", Self.now) == 1.25)
    }

    /// 2026-11-20 and so many minutes.
    private func at(_ hour: UInt64, _ minute: UInt64 = 0) -> UInt64 {
        1_795_132_800_000_000_000 + (hour * 60 + minute) * 60_000_000_000
    }

    @Test func `prices by the hour go before those of the rest of the day`() throws {
        let book = try PriceBook(
            users: """
                x =night - standard 0 9 - - - 9 -
                x =night 2026-01-01 standard 0 8 - - - 8 -
                x =night 2026-01-01@01:00-04:00 standard 0 4 - - - 4 -
                x =night 2026-01-01@22:30-00:30 standard 0 2 - - - 2 -
                x =night 2026-01-01@22:30-00:30 standard 1000 3 - - - 3 -
                x =night 2027-01-01 standard 0 1 - - - 1 -
                """)
        func input(_ time: UInt64, _ tokens: UInt64 = 0) -> Double? {
            let quote = book.quote(
                model: Array("night".utf8)[...], provider: Array("x".utf8)[...], tier: .standard,
                inputTokens: tokens, unixNano: time)
            #expect(quote.holds(inputTokens: tokens, unixNano: time))
            let found = book.find(
                model: "night", provider: "x", tier: .standard, inputTokens: tokens,
                unixNano: time)
            #expect(found?.rates.input == quote.rates?.input)
            // The quote says the truth about every other minute of these days too.
            for minute in stride(from: 0, to: 3 * 1440, by: 7) {
                let other = at(0) - 86_400_000_000_000 + UInt64(minute) * 60_000_000_000
                guard quote.holds(inputTokens: tokens, unixNano: other) else { continue }
                let there = book.find(
                    model: "night", provider: "x", tier: .standard, inputTokens: tokens,
                    unixNano: other)
                #expect(there?.rates.input == quote.rates?.input, "minute \(minute)")
            }
            return found?.rates.input
        }
        #expect(input(at(0, 59)) == 8)
        #expect(input(at(1)) == 4)
        #expect(input(at(3, 59)) == 4)
        #expect(input(at(4)) == 8)
        #expect(input(at(22, 29)) == 8)
        #expect(input(at(22, 30)) == 2)
        #expect(input(at(23, 59), 1_001) == 3)
        #expect(input(at(0, 29)) == 2)
        #expect(input(at(0, 30)) == 8)
        // Before and after the dates.
        #expect(input(1) == 9)
        #expect(input(1_800_000_000_000_000_000) == 1)
    }

    @Test func `hours of the built-in table hold`() {
        #expect(find("deepseek-reasoner", "deepseek", at: at(20))?.rates.input == 0.135)
        let day = find("deepseek-reasoner", "deepseek", at: at(12))
        #expect(day?.rates.input == 0.55)
        #expect(day?.hours == "00:30-16:30")
    }

    @Test func `no rule of the figures is left out, and what is left out is told`() {
        #expect(PriceBook.text.contains("# Left out, since a line cannot say them: 0 rules, "))
        #expect(PriceBook.text.contains("148 models what sound, images, searches"))
        #expect(find("gemini-3.5-flash-002", "google")?.rates.input == 1.5)
        #expect(find("gemini-2.5-flash-lite-preview-09-2025", "google")?.rates.input == 0.1)
    }

    @Test(arguments: [
        ("openai gpt-4o - standard 0 1 - - - 1 -", 8, "is no match"),
        ("openai =x 2026-13-01 standard 0 1 - - - 1 -", 11, "is no date"),
        ("openai =x -@1-2 standard 0 1 - - - 1 -", 11, "no hours"),
        ("openai =x -@ standard 0 1 - - - 1 -", 11, "no hours"),
        ("openai =x -@01:00-24:00 standard 0 1 - - - 1 -", 11, "no hours"),
        ("openai =x -@01:00-01:00 standard 0 1 - - - 1 -", 11, "no hours"),
        ("openai =x 2026-01-01@01:00-02:00-03:00 standard 0 1 - - - 1 -", 11, "no hours"),
        ("openai =x - cheap 0 1 - - - 1 -", 13, "is no tier"),
        ("openai =x - standard 0 -1 - - - 1 -", 24, "is no price"),
        ("openai =x - standard 0 1", 1, "eleven words"),
        ("openai =x - standard 0 1 - - - 1 - 1 1", 1, "or twelve"),
        ("openai =x - standard 0 1 - - - 1 - much", 36, "per call"),
    ])
    func `faults are told with line and column`(_ line: String, _ column: Int, _ words: String) {
        do throws(PriceFaults) {
            _ = try PriceBook(users: "# one\n" + line)
            Issue.record("it was taken")
        } catch {
            #expect(error.faults.map(\.line) == [2])
            #expect(error.faults.first?.fault.column == column)
            #expect(error.faults.first?.fault.message.contains(words) == true)
        }
    }

    @Test func `a quote holds where it says`() {
        let quote = book.quote(
            model: Array("gemini-2.5-pro".utf8)[...], provider: [], tier: .standard,
            inputTokens: 1000, unixNano: Self.now)
        #expect(quote.holds(inputTokens: 200_000, unixNano: Self.now))
        #expect(!quote.holds(inputTokens: 200_001, unixNano: Self.now))
    }
}
