import RoostCollector

/// The words behind a command, read by the options that it knows.
struct Options {
    /// An option of a command.
    struct Known: Sendable {
        /// With its dashes.
        let name: String
        /// What to write behind it; nil when it stands alone.
        let value: String?
        let doc: String
    }

    /// What was given, in order; `--set` may come many times.
    private let given: [(name: String, value: String)]
    /// Words that are no option.
    let words: [String]

    /// Takes `--name value` and `--name=value`; `--` ends the options.
    init(_ arguments: [String], known: [Known]) throws(UsageError) {
        var given: [(String, String)] = []
        var words: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                words.append(argument)
                continue
            }
            guard argument != "--" else {
                words += rest
                break
            }
            let parts = argument.split(separator: "=", maxSplits: 1)
            let name = String(parts.first ?? "")
            guard let option = known.first(where: { $0.name == name }) else {
                throw .unknownOption(name, nearest: nearest(name, among: known.map(\.name)))
            }
            let attached = argument.contains("=") ? String(argument.dropFirst(name.count + 1)) : nil
            if option.value == nil {
                guard attached == nil else { throw .valueNotTaken(name) }
                given.append((name, ""))
            } else {
                guard let value = attached ?? rest.popFirst() else { throw .valueMissing(option) }
                given.append((name, value))
            }
        }
        self.given = given
        self.words = words
    }

    /// The value that was given last.
    func last(_ name: String) -> String? { given.last { $0.name == name }?.value }

    func all(_ name: String) -> [String] { given.filter { $0.name == name }.map(\.value) }

    /// One of `alone` that was given, and another option that was given with it.
    func conflict(alone: Set<String>) -> (alone: String, other: String)? {
        guard let first = given.first(where: { alone.contains($0.name) })?.name,
            let other = given.first(where: { $0.name != first })?.name
        else { return nil }
        return (first, other)
    }

    func has(_ name: String) -> Bool { given.contains { $0.name == name } }
}

/// What is wrong with a command line.
enum UsageError: Error {
    case unknownCommand(String, nearest: String?)
    case unknownOption(String, nearest: String?)
    case valueMissing(Options.Known)
    case valueNotTaken(String)
    case unexpectedWord(String)
    case notTogether(String, String)

    var text: String {
        switch self {
        case .unknownCommand(let name, let near):
            "unknown command \(name)" + (near.map { "; did you mean \($0)?" } ?? "")
        case .unknownOption(let name, let near):
            "unknown option \(name)" + (near.map { "; did you mean \($0)?" } ?? "")
        case .valueMissing(let option): "\(option.name) needs a value: \(option.value ?? "")"
        case .valueNotTaken(let name): "\(name) takes no value"
        case .unexpectedWord(let word): "\(word) is not expected here"
        case .notTogether(let alone, let other):
            "\(alone) stands alone, \(other) would change nothing; leave one of them out"
        }
    }
}
