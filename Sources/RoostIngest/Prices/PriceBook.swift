import CPrices
import RoostCore
import Synchronization

/// What models cost: the built-in table, and a user's above it.
///
/// Any thread. The built-in table is read when the first price is asked for.
public final class PriceBook: PriceSource {
    /// A price that was found, and how.
    public struct Found: Sendable, Equatable {
        public let provider: String
        /// The match as the table writes it.
        public let match: String
        /// The name that fitted: the model's, or what was left of it.
        public let name: String
        public let isUsers: Bool
        /// Unix nanoseconds; 0 is always.
        public let from: UInt64
        /// The part of each day for which it holds, in UTC: `01:00-04:00`; nil is all of it.
        public let hours: String?
        public let tier: ActivityServiceTier
        public let above: UInt64
        public let rates: PriceRates
    }

    private let users: [PriceLine]
    private let state: Mutex<State>

    private struct State {
        /// By provider and model; nil is known to be unknown.
        var resolved: [String: [Candidate]] = [:]
    }

    /// The lines that fit one name, all with the same provider and match.
    private struct Candidate {
        let name: String
        let isUsers: Bool
        var lines: [PriceLine]
    }

    /// Answers kept; models come from outside.
    private static let mostResolved = 4096
    private static let longestModel = 256

    public init() {
        users = []
        state = Mutex(State())
    }

    /// With a user's table. Throws every fault with its line.
    public init(users text: String) throws(PriceFaults) {
        var lines: [PriceLine] = []
        var faults: [(line: Int, fault: PriceFault)] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            do throws(PriceFault) {
                if let read = try PriceLine.read(line) { lines.append(read) }
            } catch {
                faults.append((index + 1, error))
            }
        }
        guard faults.isEmpty else { throw PriceFaults(faults: faults) }
        users = lines
        state = Mutex(State())
    }

    public func quote(
        model: ArraySlice<UInt8>, provider: ArraySlice<UInt8>, tier: ActivityServiceTier,
        inputTokens: UInt64, unixNano: UInt64
    ) -> PriceQuote {
        let model = String(decoding: model, as: UTF8.self)
        let provider = String(decoding: provider, as: UTF8.self)
        let found = find(
            model: model, provider: provider, tier: tier, inputTokens: inputTokens,
            unixNano: unixNano)
        // Whatever another line says, the quote ends there.
        let lines = candidates(model: model.lowercased(), provider: provider).flatMap(\.lines)
        let turns = lines.map(\.from) + Self.turns(of: lines, around: unixNano)
        let later: UInt64 = turns.filter { $0 > unixNano }.min() ?? .max
        let more: UInt64 = lines.map(\.above).filter { $0 >= inputTokens && $0 > 0 }.min() ?? .max
        let earlier = turns.filter { $0 <= unixNano }.max() ?? 0
        let fewer = lines.map(\.above).filter { $0 < inputTokens }.max() ?? 0
        return PriceQuote(rates: found?.rates, from: earlier, until: later, over: fewer, to: more)
    }

    /// When the hours of lines begin and end, on the day of `unixNano` and those beside it.
    private static func turns(of lines: [PriceLine], around unixNano: UInt64) -> [UInt64] {
        let hours = lines.compactMap(\.hours)
        if hours.isEmpty { return [] }
        let midnight = unixNano - unixNano % PriceHours.day
        return [midnight, midnight &- PriceHours.day, midnight &+ PriceHours.day].flatMap { day in
            hours.flatMap {
                [day &+ $0.start * PriceHours.minute, day &+ $0.end * PriceHours.minute]
            }
        }
    }

    /// The price of a request with so many tokens of input at a time; nil when it is unknown.
    ///
    /// The model decides, the provider narrows: what the provider has no price for costs what its
    /// maker asks, or else what a user's line for any provider says. Without a provider and a known
    /// maker it costs what all ask who sell it under this whole name. A tier without a price of its
    /// own costs the standard price.
    public func find(
        model: String, provider: String, tier: ActivityServiceTier, inputTokens: UInt64,
        unixNano: UInt64
    ) -> Found? {
        guard !model.isEmpty, model.utf8.count <= Self.longestModel else { return nil }
        let candidates = candidates(model: model.lowercased(), provider: provider)
        for wanted in tier == .standard ? [tier] : [tier, .standard] {
            for candidate in candidates {
                let lines = candidate.lines.filter {
                    $0.tier == wanted && $0.hours?.hold(at: unixNano) ?? true
                }
                guard let first = lines.map(\.from).min() else { continue }
                let past = lines.map(\.from).filter { $0 <= unixNano }.max()
                // What a user says of later is not said of before; of that the built-in table knows
                // the earliest price.
                guard let from = past ?? (candidate.isUsers ? nil : first) else { continue }
                var dated = lines.filter { $0.from == from }
                // What holds for a part of the day is told beside what holds for the rest.
                if dated.contains(where: { $0.hours != nil }) {
                    dated.removeAll { $0.hours == nil }
                }
                guard
                    let line = dated.filter({ $0.above == 0 || inputTokens > $0.above })
                        .max(by: { $0.above < $1.above })
                else { continue }
                return Found(
                    provider: line.provider, match: line.match.description, name: candidate.name,
                    isUsers: candidate.isUsers, from: line.from, hours: line.hours?.description,
                    tier: line.tier, above: line.above, rates: line.rates)
            }
        }
        return nil
    }

    private func candidates(model: String, provider: String) -> [Candidate] {
        state.withLock { state in
            let key = "\(provider)\u{0}\(model)"
            if let known = state.resolved[key] { return known }
            var found: [Candidate] = []
            let providers = PriceNames.providers(provider, model: model)
            for (lines, isUsers) in [(users, true), (Self.builtIn, false)] {
                for provider in providers {
                    found += Self.fitting(lines, [provider], model, isUsers)
                }
            }
            if found.isEmpty, !PriceNames.isOwnMachine(provider) {
                found = Self.fitting(users, Self.providers(of: users), model, true)
                if found.isEmpty, provider.isEmpty { found = Self.agreed(Self.builtIn, model) }
            }
            if state.resolved.count >= Self.mostResolved { state.resolved = [:] }
            state.resolved[key] = found
            return found
        }
    }

    /// The groups of lines that fit a model, the longest match first: what is said of the name as it
    /// is goes before what is said of a part of it. Of matches of one length a whole name goes first.
    private static func fitting(
        _ lines: [PriceLine], _ providers: [String], _ model: String, _ isUsers: Bool
    ) -> [Candidate] {
        var found: [(order: (Int, Int, Int), candidate: Candidate)] = []
        for (place, name) in PriceNames.forms(of: model).enumerated() {
            for provider in providers {
                for (match, candidate) in fitting(lines, provider, name, isUsers) {
                    let count = match.description.utf8.count
                    found.append(((-count, match == .equals(name) ? 0 : 1, place), candidate))
                }
            }
        }
        return found.enumerated().sorted {
            $0.element.order == $1.element.order
                ? $0.offset < $1.offset : $0.element.order < $1.element.order
        }.map(\.element.candidate)
    }

    /// Those who sell a model under this whole name; none where they ask different prices.
    private static func agreed(_ lines: [PriceLine], _ model: String) -> [Candidate] {
        for name in PriceNames.forms(of: model) {
            let named = lines.filter { $0.match == .equals(name) }
            let sellers = providers(of: named).map { seller in
                named.filter { $0.provider == seller }
            }
            guard let first = sellers.first else { continue }
            func standard(_ lines: [PriceLine]) -> [PriceLine] {
                lines.filter { $0.tier == .standard }.map { line in
                    var line = line
                    line.provider = ""
                    return line
                }
            }
            let agree = sellers.allSatisfy { standard($0) == standard(first) }
            return agree ? [Candidate(name: name, isUsers: false, lines: first)] : []
        }
        return []
    }

    /// Each once, in order.
    private static func providers(of lines: [PriceLine]) -> [String] {
        var seen: Set<String> = []
        return lines.map(\.provider).filter { seen.insert($0).inserted }
    }

    /// The groups of lines of a provider that fit a name.
    private static func fitting(
        _ lines: [PriceLine], _ provider: String, _ name: String, _ isUsers: Bool
    ) -> [(PriceMatch, Candidate)] {
        var groups: [PriceMatch: Candidate] = [:]
        for line in lines where line.provider == provider && line.match.fits(name) {
            groups[line.match, default: Candidate(name: name, isUsers: isUsers, lines: [])]
                .lines.append(line)
        }
        return groups.sorted { $0.key.description < $1.key.description }.map { ($0.key, $0.value) }
    }

    /// Read when a price is asked for the first time.
    private static let builtIn = text.split(separator: "\n").compactMap { try? PriceLine.read($0) }

    /// The built-in table as it is written.
    public static var text: String {
        let table = unsafe roost_prices_table()
        return unsafe String(
            decoding: UnsafeRawBufferPointer(start: table, count: Int(roost_prices_size)),
            as: UTF8.self)
    }

    /// A day in UTC, or a minute of it, in Unix nanoseconds: `2026-11-20`, `2026-11-20T04:30`.
    public static func time(_ text: String) -> UInt64? {
        let parts = text.split(separator: "T", omittingEmptySubsequences: false)
        guard text != "-", parts.count <= 2, let day = PriceLine.date(String(parts[0])) else {
            return nil
        }
        if parts.count == 1 { return day }
        return PriceHours.minutes(parts[1]).map { day + $0 * PriceHours.minute }
    }

    /// Names of models that are written much like this one.
    public func similar(to model: String) -> [String] {
        let form = PriceNames.forms(of: model.lowercased()).last ?? model
        let start = form.prefix(4)
        var seen: Set<String> = []
        for line in Self.builtIn + users {
            let name = String(line.match.description.dropFirst())
            if name.hasPrefix(start) { seen.insert(name) }
        }
        return Array(
            seen.sorted { abs($0.count - form.count) < abs($1.count - form.count) }.prefix(5))
    }
}

/// Everything that is wrong with a table, by line.
public struct PriceFaults: Error, Sendable {
    public let faults: [(line: Int, fault: PriceFault)]
}

/// Which providers and which names of a model are asked, in order.
enum PriceNames {
    /// Who made models of their own that others sell too.
    private static let makers: [(prefixes: [String], provider: String)] = [
        (["gpt-", "o1", "o3", "o4", "chatgpt-", "text-embedding-", "codex-"], "openai"),
        (["claude"], "anthropic"),
        (["gemini", "gemma"], "gcp.gemini"),
        (["mistral", "codestral", "magistral", "ministral", "pixtral", "devstral"], "mistral_ai"),
        (["command", "embed-", "rerank-"], "cohere"),
        (["deepseek"], "deepseek"),
        (["grok"], "x_ai"),
        (["sonar"], "perplexity"),
        (["kimi", "moonshot"], "moonshot_ai"),
        (["glm-"], "zai"),
        (["voyage"], "voyageai"),
        (["llama"], "meta"),
    ]

    /// What runs on a machine of one's own has no price but one's own.
    static func isOwnMachine(_ provider: String) -> Bool {
        ["ollama", "vllm", "lmstudio", "llama.cpp", "llamacpp", "localai", "sglang", "tgi"]
            .contains(provider)
    }

    static func providers(_ provider: String, model: String) -> [String] {
        if isOwnMachine(provider) { return [provider] }
        var found = provider.isEmpty ? [] : [provider]
        // Only there a model has a region or its maker before a point.
        if found.isEmpty, isBedrock(model) { found = ["aws.bedrock"] }
        if provider == "gcp.vertex_ai" || provider == "gcp.gen_ai" { found.append("gcp.gemini") }
        if provider == "azure.ai.inference" { found.append("azure.ai.openai") }
        for form in forms(of: model) {
            let made = form.hasPrefix(tuned) ? form.dropFirst(tuned.count) : form[...]
            for maker in makers where maker.prefixes.contains(where: made.hasPrefix) {
                if !found.contains(maker.provider) { found.append(maker.provider) }
            }
        }
        return found
    }

    private static func isBedrock(_ model: String) -> Bool {
        let name = model.split(separator: "/").last ?? model[...]
        return ["us.", "eu.", "apac.", "jp.", "au.", "global.", "us-gov.", "anthropic.", "amazon."]
            .contains { name.hasPrefix($0) }
    }

    /// How names of models begin that somebody tuned: `ft:BASE:ORGANISATION:SUFFIX:ID`.
    private static let tuned = "ft:"

    /// The name as it is, then without a provider and region before it, then without whose it is, if
    /// it was tuned, then without a date or version behind it, then without `-latest`. A tuned model
    /// is never taken for its base, which costs less.
    static func forms(of model: String) -> [String] {
        var forms = [model]
        func add(_ form: some StringProtocol) {
            let text = String(form)
            if !text.isEmpty, !forms.contains(text) { forms.append(text) }
        }
        if let slash = model.lastIndex(of: "/") { add(model[model.index(after: slash)...]) }
        if let last = forms.last {
            var rest = last[...]
            for region in ["us.", "eu.", "apac.", "jp.", "au.", "global.", "us-gov."]
            where rest.hasPrefix(region) { rest = rest.dropFirst(region.count) }
            add(rest)
            for maker in [
                "anthropic.", "meta.", "mistral.", "cohere.", "deepseek.", "openai.", "google.",
            ]
            where rest.hasPrefix(maker) { add(rest.dropFirst(maker.count)) }
        }
        for form in forms where form.hasPrefix(tuned) {
            let base = form.dropFirst(tuned.count).prefix { $0 != ":" }
            if !base.isEmpty { add(tuned + base) }
        }
        for form in forms { add(withoutVersion(form)) }
        for form in forms where form.hasSuffix("-latest") { add(form.dropLast(7)) }
        return forms
    }

    /// Without `:0`, `-v1`, `@20250929`, `-20250929` or `-2025-09-29` at the end.
    private static func withoutVersion(_ form: String) -> String {
        var rest = form[...]
        if let colon = rest.lastIndex(of: ":"), rest[colon...].dropFirst().allSatisfy(\.isNumber) {
            rest = rest[..<colon]
        }
        if let dash = rest.lastIndex(of: "-"), rest[dash...].hasPrefix("-v"),
            rest[dash...].count > 2, rest[dash...].dropFirst(2).allSatisfy(\.isNumber)
        {
            rest = rest[..<dash]
        }
        for (count, shape) in [(11, "-dddd-dd-dd"), (9, "-dddddddd"), (9, "@dddddddd")] {
            guard rest.count > count else { continue }
            let end = rest.suffix(count)
            let fits = zip(end, shape).allSatisfy { $1 == "d" ? $0.isNumber : $0 == $1 }
            if fits { return String(rest.dropLast(count)) }
        }
        return String(rest)
    }
}
