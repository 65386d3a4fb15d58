/// How a single value is written: read from text, checked, and shown again.
struct ConfigForm<Value: Sendable & Equatable>: Sendable {
    /// What may be written, for messages and the reference.
    let allowed: String
    /// The value, or what is wrong with the text: `is no size`.
    let parse: @Sendable (String) throws(ConfigFormError) -> Value
    let show: @Sendable (Value) -> ConfigValue
    /// Secrets are never repeated in a message and are shown as `***`.
    var isSecret = false
    /// Addresses are repeated without what may be secret in them.
    var isAddress = false
}

/// What is wrong with the text of a value, to follow after it: `is no size`.
struct ConfigFormError: Error, Equatable {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// A value ready to be written as YAML or JSON.
enum ConfigValue: Sendable, Equatable {
    case null
    case flag(Bool)
    case number(Int)
    case text(String)
    case list([ConfigValue])
    case map([Entry])

    struct Entry: Sendable, Equatable {
        let key: String
        let value: ConfigValue
    }
}
