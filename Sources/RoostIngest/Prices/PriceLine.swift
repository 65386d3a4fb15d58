/// One line of a table of prices; see `Prices/generate.py` for its shape.
struct PriceLine: Sendable, Equatable {
    var provider: String
    var match: PriceMatch
    /// Unix nanoseconds since when the price holds; 0 is always.
    var from: UInt64
    /// Nil is the whole day.
    var hours: PriceHours?
    var tier: ActivityServiceTier
    /// Only for requests with more input tokens.
    var above: UInt64
    var rates: PriceRates
}

/// A part of every day, in UTC, in minutes after midnight; it may go beyond midnight.
struct PriceHours: Sendable, Equatable, CustomStringConvertible {
    let start: UInt64
    let end: UInt64

    static let minute: UInt64 = 60_000_000_000
    static let day: UInt64 = 1_440 * minute

    func hold(at unixNano: UInt64) -> Bool {
        let time = unixNano % Self.day
        let isAfterStart = time >= start * Self.minute
        let isBeforeEnd = time < end * Self.minute
        return start <= end ? isAfterStart && isBeforeEnd : isAfterStart || isBeforeEnd
    }

    /// `01:00-04:00`.
    init?(_ text: some StringProtocol) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let start = Self.minutes(ends[0]), let end = Self.minutes(ends[1]),
            start != end
        else { return nil }
        (self.start, self.end) = (start, end)
    }

    var description: String { "\(Self.clock(start))-\(Self.clock(end))" }

    private static func clock(_ minutes: UInt64) -> String {
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minutes / 60)):\(two(minutes % 60))"
    }

    /// Of `04:30`.
    static func minutes(_ text: some StringProtocol) -> UInt64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }),
            let hour = UInt64(parts[0]), let minute = UInt64(parts[1]), hour < 24, minute < 60
        else { return nil }
        return hour * 60 + minute
    }
}

/// Which names of models a line is for. Names are compared in small letters.
enum PriceMatch: Sendable, Equatable, Hashable {
    case equals(String)
    case begins(String)
    case ends(String)
    case holds(String)

    func fits(_ name: String) -> Bool {
        switch self {
        case .equals(let text): name == text
        case .begins(let text): name.hasPrefix(text)
        case .ends(let text): name.hasSuffix(text)
        case .holds(let text): name.contains(text)
        }
    }

    var description: String {
        switch self {
        case .equals(let text): "=\(text)"
        case .begins(let text): "^\(text)"
        case .ends(let text): "$\(text)"
        case .holds(let text): "~\(text)"
        }
    }
}

/// US dollars per million tokens, and per call; nil where the kind has no price of its own.
public struct PriceRates: Sendable, Equatable {
    public var input: Double?
    public var cacheRead: Double?
    public var cacheWrite: Double?
    /// For a cache that is kept for an hour.
    public var cacheWriteHour: Double?
    public var output: Double?
    public var reasoning: Double?
    /// US dollars for each call, whatever its tokens.
    public var call: Double?

    /// What the tokens of so many calls cost, in US dollars. What has no price of its own is paid as
    /// plain input or output.
    public func cost(_ tokens: ActivityTokens, calls: UInt32 = 1) -> Double {
        let input = input ?? 0
        let output = output ?? 0
        var sum = Double(tokens.input) * input
        sum += Double(tokens.cacheRead) * (cacheRead ?? input)
        sum += Double(tokens.cacheWrite) * (cacheWrite ?? input)
        sum += Double(tokens.output) * output
        sum += Double(tokens.reasoning) * (reasoning ?? output)
        sum /= 1e6
        return call.map { sum + $0 * Double(calls) } ?? sum
    }
}

/// What is wrong with a line.
public struct PriceFault: Error, Sendable, Equatable {
    /// From 1, in bytes.
    public let column: Int
    public let message: String
}

extension PriceLine {
    /// Reads a line; nil for an empty one and for a comment.
    static func read(_ line: some StringProtocol) throws(PriceFault) -> PriceLine? {
        var words: [(text: String, column: Int)] = []
        var column = 1
        for word in line.split(separator: " ", omittingEmptySubsequences: false) {
            if !word.isEmpty { words.append((String(word), column)) }
            column += word.utf8.count + 1
        }
        guard let first = words.first, !first.text.hasPrefix("#") else { return nil }
        guard words.count == 11 || words.count == 12 else {
            throw PriceFault(
                column: 1,
                message: "a line has eleven words (provider match from tier above input cache_read "
                    + "cache_write cache_write_1h output reasoning) or twelve (and call), "
                    + "this one has \(words.count)")
        }
        func fault(_ index: Int, _ message: String) -> PriceFault {
            PriceFault(column: words[index].column, message: "\"\(words[index].text)\" \(message)")
        }
        guard let match = PriceMatch(words[1].text) else {
            throw fault(1, "is no match; it begins with =, ^, $ or ~ and goes on")
        }
        let since = words[2].text.split(
            separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let from = date(String(since[0])) else {
            throw fault(2, "is no date; write 2026-11-20, or - for always")
        }
        let hours = since.count > 1 ? PriceHours(since[1]) : nil
        guard since.count == 1 || hours != nil else {
            throw fault(2, "has no hours behind its @; write 01:00-04:00, in UTC")
        }
        let tiers: [String: ActivityServiceTier] = [
            "standard": .standard, "batch": .batch, "priority": .priority, "flex": .flex,
        ]
        guard let tier = tiers[words[3].text] else {
            throw fault(3, "is no tier; one of standard, batch, priority, flex")
        }
        guard let above = UInt64(words[4].text) else {
            throw fault(4, "is no number of tokens")
        }
        var rates: [Double?] = []
        for index in 5..<words.count {
            if words[index].text == "-" {
                rates.append(nil)
                continue
            }
            guard let rate = Double(words[index].text), rate >= 0, rate < 1e9 else {
                throw fault(
                    index,
                    index == 11
                        ? "is no price in US dollars per call"
                        : "is no price in US dollars per million tokens")
            }
            rates.append(rate)
        }
        guard rates.contains(where: { $0 != nil }) else {
            throw PriceFault(column: words[5].column, message: "a line needs at least one price")
        }
        return PriceLine(
            provider: first.text, match: match, from: from, hours: hours, tier: tier, above: above,
            rates: PriceRates(
                input: rates[0], cacheRead: rates[1], cacheWrite: rates[2],
                cacheWriteHour: rates[3], output: rates[4], reasoning: rates[5],
                call: rates.count > 6 ? rates[6] : nil))
    }

    /// The start of a day in UTC; 0 for `-`.
    static func date(_ text: String) -> UInt64? {
        if text == "-" { return 0 }
        let parts = text.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1970...2200).contains(parts[0]), (1...12).contains(parts[1]),
            (1...31).contains(parts[2])
        else { return nil }
        // Days since 1970 by the civil calendar, with March as the first month of a year.
        let year = parts[1] <= 2 ? parts[0] - 1 : parts[0]
        let month = (parts[1] + 9) % 12
        let days = 365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10
        return UInt64(max(days + parts[2] - 1 - 719_468, 0)) * 86_400_000_000_000
    }
}

extension PriceMatch {
    fileprivate init?(_ text: String) {
        let rest = text.dropFirst().lowercased()
        guard !rest.isEmpty else { return nil }
        switch text.first {
        case "=": self = .equals(rest)
        case "^": self = .begins(rest)
        case "$": self = .ends(rest)
        case "~": self = .holds(rest)
        default: return nil
        }
    }
}
