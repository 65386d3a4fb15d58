import RoostAnalytics
import RoostIngest
import RoostNet
import RoostQueue
import RoostWire

extension ConfigForm where Value == Bool {
    static let flag = ConfigForm(
        allowed: "true or false",
        parse: { text throws(ConfigFormError) in
            switch text.lowercased() {
            case "true": return true
            case "false": return false
            default: throw ConfigFormError("is neither true nor false")
            }
        }, show: { .flag($0) })
}

extension ConfigForm where Value == Int {
    /// A plain number.
    static func number(_ range: ClosedRange<Int>) -> ConfigForm {
        ConfigForm(
            allowed: "a number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text throws(ConfigFormError) in
                guard let number = Int(text) else { throw ConfigFormError("is no number") }
                guard range.contains(number) else { throw ConfigFormError("is out of range") }
                return number
            }, show: { .number($0) })
    }

    /// Bytes, with a unit.
    static func size(_ range: ClosedRange<Int>) -> ConfigForm {
        ConfigForm(
            allowed: "a size such as 512MiB, from \(sizeText(range.lowerBound))"
                + " to \(sizeText(range.upperBound))",
            parse: { text throws(ConfigFormError) in
                guard let bytes = parseSize(text) else {
                    throw ConfigFormError("is no size")
                }
                guard range.contains(bytes) else { throw ConfigFormError("is out of range") }
                return bytes
            }, show: { .text(sizeText($0)) })
    }
}

extension ConfigForm where Value == Duration {
    /// A time span, with units.
    static func duration(_ range: ClosedRange<Duration>) -> ConfigForm {
        ConfigForm(
            allowed: "a duration such as 10s, from \(durationText(range.lowerBound))"
                + " to \(durationText(range.upperBound))",
            parse: { text throws(ConfigFormError) in
                guard let duration = parseDuration(text) else {
                    throw ConfigFormError("is no duration")
                }
                guard range.contains(duration) else { throw ConfigFormError("is out of range") }
                return duration
            }, show: { .text(durationText($0)) })
    }
}

extension ConfigForm where Value == Duration? {
    /// A time span, or `never`, which is nil.
    static func durationOrNever(_ range: ClosedRange<Duration>) -> ConfigForm {
        let form = ConfigForm<Duration>.duration(range)
        return ConfigForm(
            allowed: form.allowed + ", or never",
            parse: { text throws(ConfigFormError) in
                text == "never" ? nil : try form.parse(text)
            }, show: { $0.map(form.show) ?? .text("never") })
    }
}

extension ConfigForm where Value == String {
    /// Any text that is not empty.
    static func text(_ allowed: String, isSecret: Bool = false) -> ConfigForm {
        ConfigForm(
            allowed: allowed,
            parse: { text throws(ConfigFormError) in
                guard !text.isEmpty else { throw ConfigFormError("is empty") }
                guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
                else {
                    throw ConfigFormError("holds a control character")
                }
                return text
            }, show: { .text(isSecret ? "***" : $0) }, isSecret: isSecret)
    }

    /// A name that can stand in a label and in the name of a folder.
    static let name = ConfigForm(
        allowed: "letters, digits, _ and -, at most 63",
        parse: { text throws(ConfigFormError) in
            guard (1...63).contains(text.utf8.count),
                text.utf8.allSatisfy({
                    0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x5F
                        || $0 == 0x2D
                })
            else { throw ConfigFormError("is no name") }
            return text
        }, show: { .text($0) })

    /// The name of a rule of redaction.
    static let ruleName = ConfigForm(
        allowed: "small letters, digits and _, at most 63",
        parse: { text throws(ConfigFormError) in
            guard (1...63).contains(text.utf8.count),
                text.utf8.allSatisfy({
                    0x30...0x39 ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x5F
                })
            else { throw ConfigFormError("is no name") }
            guard !RedactionSettings.ownRules.contains(text) else {
                throw ConfigFormError("is the name of a rule that Roost has itself")
            }
            return text
        }, show: { .text($0) })

    /// A regular expression that can be searched for in linear time.
    static let pattern = ConfigForm(
        allowed: "a regular expression without back references, looking around and lazy repetition",
        parse: { text throws(ConfigFormError) in
            do throws(PatternError) { _ = try RedactionPattern(text) } catch {
                throw ConfigFormError("\(error.reason) (at its character \(error.column))")
            }
            return text
        }, show: { .text($0) })

    /// The origin of a web page, or `*`.
    static let webOrigin = ConfigForm(
        allowed: "an origin such as https://app.example.org, or *",
        parse: { text throws(ConfigFormError) in
            if text == "*" { return text }
            let parts = text.split(separator: "://", omittingEmptySubsequences: false)
            guard parts.count == 2, ["http", "https"].contains(parts[0]), !parts[1].isEmpty,
                !parts[1].contains(where: { "/?#@ ,".contains($0) })
            else { throw ConfigFormError("is no origin (scheme and host, nothing behind)") }
            return text
        }, show: { .text($0) })

    /// An OTLP endpoint; that it fits the protocol is checked when both are known.
    static let endpoint = ConfigForm(
        allowed: "an address such as http://jaeger:4318",
        parse: { text throws(ConfigFormError) in
            guard !text.isEmpty else { throw ConfigFormError("is empty") }
            do throws(ExportEndpointError) {
                _ = try ExportEndpoint(text, protocol: .grpc)
            } catch {
                throw ConfigFormError("is no endpoint: \(error)")
            }
            return text
        }, show: { .text($0) }, isAddress: true)
}

extension ConfigForm where Value == ListenAddress {
    static let listenAddress = ConfigForm(
        allowed:
            "HOST:PORT, such as 127.0.0.1:4317, [::1]:4317 or 0.0.0.0:4317; port 0 is any free one",
        parse: { text throws(ConfigFormError) in
            guard let address = ListenAddress(text) else {
                throw ConfigFormError("is no address")
            }
            return address
        }, show: { .text($0.description) })
}

extension ConfigForm where Value == ExportProtocol {
    static let exportProtocol = ConfigForm(
        allowed: "grpc or http/protobuf",
        parse: { text throws(ConfigFormError) in
            if text == "http/json" {
                throw ConfigFormError(
                    "is not sent by Roost; every OTLP/HTTP receiver also takes http/protobuf")
            }
            guard let value = ExportProtocol(rawValue: text) else {
                throw ConfigFormError("is no protocol")
            }
            return value
        }, show: { .text($0.rawValue) })
}

extension ConfigForm where Value == QueueSync {
    static let queueSync = {
        let form = ConfigForm<Duration>.duration(.milliseconds(1) ... .seconds(3600))
        return ConfigForm(
            allowed: "always, never, or " + form.allowed,
            parse: { text throws(ConfigFormError) in
                switch text {
                case "always": return .always
                case "never": return .never
                default: return .interval(try form.parse(text))
                }
            },
            show: { sync in
                switch sync {
                case .always: .text("always")
                case .never: .text("never")
                case .interval(let interval): form.show(interval)
                }
            })
    }()
}

extension ConfigForm where Value == BudgetRule.Limit {
    /// So many US dollars or tokens.
    static let budget = ConfigForm(
        allowed: "an amount such as 50 USD or 2000000 tokens",
        parse: { text throws(ConfigFormError) in
            let parts = text.lowercased().split(separator: " ")
            guard parts.count == 2 else { throw ConfigFormError("is no amount with a unit") }
            switch parts[1] {
            case "usd", "dollars":
                guard let amount = Double(parts[0]), amount > 0, amount <= 1e12 else {
                    throw ConfigFormError("is no amount above 0")
                }
                return .usd(amount)
            case "tokens":
                guard let count = UInt64(parts[0]), count > 0, count <= 1 << 60 else {
                    throw ConfigFormError("is no number above 0")
                }
                return .tokens(count)
            default: throw ConfigFormError("is neither in USD nor in tokens")
            }
        },
        show: { limit in
            switch limit {
            case .usd(let amount): .text("\(amount) USD")
            case .tokens(let count): .text("\(count) tokens")
            }
        })
}

extension ConfigForm where Value == Signal {
    static let signal = words(Signal.allCases, "signal") { $0.name }
}

extension ConfigForm where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
    /// One of the raw values.
    static func word(_ kind: String) -> ConfigForm {
        words(Array(Value.allCases), kind) { $0.rawValue }
    }
}

extension ConfigForm {
    /// One of a few words.
    static func words(
        _ values: [Value], _ kind: String, spelling: @escaping @Sendable (Value) -> String
    ) -> ConfigForm {
        let spellings = values.map(spelling)
        return ConfigForm(
            allowed: inWords(spellings),
            parse: { text throws(ConfigFormError) in
                guard let index = spellings.firstIndex(of: text) else {
                    let hint = nearest(text, among: spellings).map { ", did you mean \($0)?" } ?? ""
                    throw ConfigFormError("is no \(kind)\(hint)")
                }
                return values[index]
            }, show: { .text(spelling($0)) })
    }
}

/// `a`, `a or b`, `a, b or c`.
func inWords(_ words: [String], last: String = "or") -> String {
    guard let final = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(last) " + final
}
