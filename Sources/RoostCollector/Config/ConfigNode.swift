/// One value of a configuration before its meaning is known, and where it was written.
struct ConfigNode: Sendable, Equatable {
    indirect enum Content: Sendable, Equatable {
        /// `isPlain` tells an unquoted one, which alone can mean null.
        case scalar(String, isPlain: Bool)
        case sequence([ConfigNode])
        case mapping([Entry])
        /// One entry of a list that has been read already; only `--set` makes it.
        case element(Int, ConfigNode)
    }

    struct Entry: Sendable, Equatable {
        let key: String
        let keyOrigin: ConfigOrigin
        let value: ConfigNode
    }

    let content: Content
    let origin: ConfigOrigin

    /// Whether it was given as no value: nothing, `null` or `~` without quotes.
    var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What it is, for messages.
    var kind: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .element: "one entry of a list"
        }
    }
}

/// Where something was written. Orders by place in the file, then flags, then the environment.
public enum ConfigOrigin: Sendable, Equatable, Comparable, CustomStringConvertible {
    /// Line and column count from 1; both are 0 where only the file is known.
    case file(String, line: Int, column: Int)
    /// The key given to `--set`, without its value, which may be a secret.
    case flag(String)
    /// The name of a variable.
    case environment(String)

    public var description: String {
        switch self {
        case .file(let name, 0, _): name
        case .file(let name, let line, let column): "\(name):\(line):\(column)"
        case .flag(let key): "--set \(key)"
        case .environment(let name): name
        }
    }
}

/// One thing that is wrong with a configuration, or worth saying about it.
public struct ConfigFault: Sendable, Equatable, CustomStringConvertible {
    public let origin: ConfigOrigin
    /// What is wrong, with which key, and what to do.
    public let message: String

    public init(origin: ConfigOrigin, message: String) {
        self.origin = origin
        self.message = message
    }

    /// `FILE:LINE:COLUMN: message`
    public var description: String { "\(origin): \(message)" }
}

/// Everything that is wrong with a configuration, in the order in which it is written.
public struct ConfigErrors: Error, Sendable, Equatable, CustomStringConvertible {
    public let faults: [ConfigFault]

    public var description: String { faults.map(\.description).joined(separator: "\n") }
}
