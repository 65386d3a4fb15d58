import RoostCollector
import RoostCore
import RoostIngest

/// The tables of names in force, as a file for `agents.names`.
func namesCommand(_ options: Options) -> Int32 {
    guard let config = loadedConfig(options) else { return 2 }
    printText(NamesFile.text(config.names))
    return 0
}

/// What a model costs, and which line of which table says so.
func pricesCommand(_ options: Options) -> Int32 {
    guard let config = loadedConfig(options) else { return 2 }
    let prices = config.prices
    guard let model = options.words.first else {
        for line in PriceBook.text.split(separator: "\n").prefix(while: { $0.hasPrefix("#") }) {
            printText(line.drop { $0 == "#" || $0 == " " } + "\n")
        }
        return 0
    }
    let tiers: [String: ActivityServiceTier] = [
        "standard": .standard, "batch": .batch, "priority": .priority, "flex": .flex,
    ]
    let word = options.last("--tier") ?? "standard"
    guard let tier = tiers[word] else {
        printError("roost prices: \(word) is no tier; one of standard, batch, priority, flex\n")
        return 2
    }
    var time = unixNanoseconds()
    if let day = options.last("--at") {
        guard let start = PriceBook.time(day) else {
            printError("roost prices: \(day) is no date; write 2026-11-20 or 2026-11-20T04:30\n")
            return 2
        }
        time = start
    }
    let count = options.last("--input") ?? "0"
    guard let input = UInt64(count) else {
        printError("roost prices: \(count) is no number of tokens\n")
        return 2
    }
    guard
        let found = prices.find(
            model: model, provider: options.last("--provider") ?? "", tier: tier,
            inputTokens: input, unixNano: time)
    else {
        let near = prices.similar(to: model).joined(separator: ", ")
        printError(
            "roost prices: the price of \(model) is unknown"
                + (near.isEmpty ? "\n" : "; there are \(near)\n"))
        return 1
    }
    printText(PriceText.describe(found, model: model))
    return 0
}

/// What stands for users in labels, one line for each: its hash, two blanks, its id.
func userHashCommand(_ options: Options) -> Int32 {
    guard !options.words.isEmpty else {
        printError("roost user-hash: say which user\nSee roost help user-hash.\n")
        return 2
    }
    guard let config = loadedConfig(options) else { return 2 }
    do throws(UserKeyFault) {
        for user in options.words { printText("\(try config.userHash(user))  \(user)\n") }
        return 0
    } catch {
        printError("roost user-hash: \(error)\n")
        return 1
    }
}

private func loadedConfig(_ options: Options) -> Config? {
    do throws(ConfigErrors) {
        return try ConfigLoader.load(
            file: options.last("--config"), sets: options.all("--set"),
            environment: startEnvironment()
        ).config
    } catch {
        printError("\(error)\n")
        return nil
    }
}

private enum PriceText {
    static func describe(_ found: PriceBook.Found, model: String) -> String {
        var text = "\(model)\n"
        func line(_ name: String, _ value: String) {
            text +=
                "  " + name + String(repeating: " ", count: max(1, 16 - name.count)) + value
                + "\n"
        }
        line("provider", found.provider)
        line("matched by", found.match + (found.name == model ? "" : " as \(found.name)"))
        line("table", found.isUsers ? "agents.prices" : "built in")
        line(
            "holds since",
            (found.from == 0 ? "always" : String(rfc3339(unixNanoseconds: found.from).prefix(10)))
                + (found.hours.map { ", \($0) UTC each day" } ?? ""))
        line("tier", "\(found.tier)")
        if found.above > 0 { line("above", "\(found.above) tokens of input") }
        text += "  US dollars per million tokens\n"
        let rates = found.rates
        for (name, rate) in [
            ("  input", rates.input), ("  cache_read", rates.cacheRead),
            ("  cache_write", rates.cacheWrite), ("  cache_write_1h", rates.cacheWriteHour),
            ("  output", rates.output), ("  reasoning", rates.reasoning),
        ] { if let rate { line(name, "\(rate)") } }
        if let call = rates.call { line("each call", "\(call) US dollars") }
        return text
    }
}
