import RoostCore

/// One parameter of an endpoint: how it is checked, and how the description tells of it.
struct Parameter {
    enum Kind {
        /// At most 256 characters.
        case text
        /// Of a service or an operation; at most 4,096 characters.
        case name
        /// A JSON object whose values are texts, numbers or truth values.
        case tags
        /// A key and a value with a colon between, as `error:true`.
        case pair
        case integer(ClosedRange<Int>)
        case choice([String])
        /// RFC 3339, or how long ago: `15m`, `24h`, `7d`.
        case time
        /// A number of seconds, or a time span such as `1.5`, `500ms`, `2m`.
        case seconds
        /// One or more numbers with units, as Go writes time spans: `1.5s`, `1h30m`; or `0`.
        case goDuration
        /// The same or with days and weeks, as Jaeger's pages write how far they look back; or
        /// `custom`, which says nothing.
        case lookback
        case boolean
        /// 32 hexadecimal digits, not all zero.
        case traceID
        /// The same, of which zeros on the left may be missing.
        case shortTraceID
        /// What an earlier answer gave.
        case cursor(Cursor)

        /// How the cursors of a list look.
        enum Cursor: String {
            case number = "^[0-9]{1,19}$"
            case place = "^[0-9a-f]{1,16}-[0-9a-f]{1,15}$"
            case row = "^[1-9a-f][0-9a-f]{0,14}(\\.[1-9a-f][0-9a-f]{0,14})?$"
        }
    }

    let name: String
    let kind: Kind
    let about: String
    var isRequired = false
    var isInPath = false
    /// Each of its values counts; of any other there may be one.
    var isRepeatable = false
    /// Told in the description.
    var standard: String?

    static func query(
        _ name: String, _ kind: Kind, _ about: String, standard: String? = nil,
        isRequired: Bool = false, isRepeatable: Bool = false
    ) -> Parameter {
        Parameter(
            name: name, kind: kind, about: about, isRequired: isRequired,
            isRepeatable: isRepeatable, standard: standard)
    }

    static func path(_ name: String, _ kind: Kind, _ about: String) -> Parameter {
        Parameter(name: name, kind: kind, about: about, isRequired: true, isInPath: true)
    }

    static let mostCharacters = 256
    static let mostTagCharacters = 4_096
    /// Of a pair. As a byte: a `Character` is another one with an accent behind it.
    static let colon = UInt8(ascii: ":")

    /// What is right, for error messages.
    var allowed: String {
        switch kind {
        case .text: "a text of 1 to \(Self.mostCharacters) characters"
        case .name: "a name of 1 to \(Self.mostTagCharacters) characters"
        case .tags:
            "a JSON object whose values are texts, of at most \(Self.mostTagCharacters) characters"
        case .pair: "a key and a value as key:value, at most \(Self.mostCharacters) characters"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): "one of " + words.joined(separator: ", ")
        case .time:
            "a time from 1970 to 2261 as 2026-11-20T08:15:00Z, or how long ago, at most a hundred "
                + "years, as 15m, 24h or 7d"
        case .seconds:
            "a number of seconds, or a time span as 500ms or 2m, at most a hundred years"
        case .goDuration: "a time span such as 500ms, 1.5s or 1h30m, at most a hundred years"
        case .lookback:
            "a time span such as 15m, 1h30m or 2d, at most a hundred years, or custom"
        case .boolean: "true or false"
        case .traceID: "a trace id of 32 hexadecimal digits, not all of them 0"
        case .shortTraceID: "a trace id of 1 to 32 hexadecimal digits, not all of them 0"
        case .cursor: "the cursor of an earlier answer"
        }
    }
}

/// A parameter's value that has been checked.
enum ParameterValue: Equatable {
    case text(String)
    case integer(Int)
    /// Unix nanoseconds.
    case time(UInt64)
    /// Nanoseconds.
    case duration(UInt64)
    case boolean(Bool)
    case traceID(TraceID)

    /// For comparing two of a kind; nil for what has no order.
    var magnitude: UInt64? {
        switch self {
        case .integer(let number): UInt64(exactly: number)
        case .time(let time): time
        case .duration(let duration): duration
        case .text, .boolean, .traceID: nil
        }
    }
}

/// The id of a trace.
struct TraceID: Hashable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// From up to 32 hexadecimal digits, of which missing ones on the left are zero, as Jaeger
    /// takes them.
    init?(_ text: String) {
        let digits = Array(text.utf8)
        guard (1...32).contains(digits.count) else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for digit in digits {
            guard let value = hexValue(digit) else { return nil }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(value)
        }
        guard high | low != 0 else { return nil }
        self.init(high: high, low: low)
    }
}

extension Parameter {
    /// `now` is Unix nanoseconds.
    func value(of text: String, now: UInt64) throws(APIError) -> ParameterValue {
        let value = text.unicodeScalars.count <= longest ? checked(text, now: now) : nil
        guard let value else { throw .badParameter(name, text, allowed: allowed) }
        return value
    }

    private var longest: Int {
        switch kind {
        case .name, .tags: Self.mostTagCharacters
        default: Self.mostCharacters
        }
    }

    private func checked(_ text: String, now: UInt64) -> ParameterValue? {
        switch kind {
        case .text, .cursor, .name, .tags: .text(text)
        case .pair:
            text.utf8.first != Self.colon && text.utf8.contains(Self.colon)
                ? .text(text) : nil
        case .integer(let range):
            text.first == "+"
                ? nil : Int(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .choice(let words): words.contains(text) ? .text(text) : nil
        case .time: Self.time(text, now: now).map { .time($0) }
        case .seconds: Self.nanoseconds(text).map { .duration($0) }
        case .goDuration: Self.goNanoseconds(text).map { .duration($0) }
        case .boolean:
            text == "true" || text == "1"
                ? .boolean(true) : text == "false" || text == "0" ? .boolean(false) : nil
        case .lookback:
            text == "custom"
                ? .text(text) : Self.lookback(text).map { .duration($0) }
        case .traceID:
            text.utf8.count == 32 ? TraceID(text).map { .traceID($0) } : nil
        case .shortTraceID: TraceID(text).map { .traceID($0) }
        }
    }

    private static func time(_ text: String, now: UInt64) -> UInt64? {
        if let time = unixNanoseconds(rfc3339: text) { return time }
        guard text.last?.isLetter == true, let ago = nanoseconds(text) else { return nil }
        return now > ago ? now - ago : 0
    }

    private static let units: [(name: String, nanoseconds: Double)] = [
        ("", 1e9), ("s", 1e9), ("ms", 1e6), ("us", 1e3), ("µs", 1e3), ("ns", 1), ("m", 60e9),
        ("h", 3_600e9), ("d", 86_400e9), ("w", 604_800e9),
    ]

    private static func lookback(_ text: String) -> UInt64? {
        goNanoseconds(text) ?? (text.last?.isLetter == true ? nanoseconds(text) : nil)
    }

    /// The sum of its parts, each with a unit; at most a hundred years.
    static func goNanoseconds(_ text: String) -> UInt64? {
        if text == "0" { return 0 }
        guard (1...64).contains(text.utf8.count), text.last?.isLetter == true else { return nil }
        var rest = Substring(text)
        var sum: UInt64 = 0
        while let first = rest.first, !first.isLetter {
            let digits = rest.prefix { !$0.isLetter }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            rest = rest.dropFirst(digits.count + unit.count)
            guard unit != "d", unit != "w", let part = nanoseconds(String(digits + unit)),
                part <= 3_200_000_000_000_000_000 - sum
            else { return nil }
            sum += part
        }
        return rest.isEmpty ? sum : nil
    }

    /// At most a hundred years.
    static func nanoseconds(_ text: String) -> UInt64? {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count)
        guard let number = Double(digits), let factor = units.first(where: { $0.name == unit })
        else { return nil }
        let nanoseconds = number * factor.nanoseconds
        guard nanoseconds >= 0, nanoseconds <= 3.2e18 else { return nil }
        return UInt64(nanoseconds.rounded())
    }
}
