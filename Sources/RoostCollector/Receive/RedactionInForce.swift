import RoostIngest
import Synchronization

/// The redaction that is in force, which a reload exchanges. Any thread.
final class RedactionInForce: Sendable {
    private let current: Mutex<Redactor>
    /// For hashes where the configuration gives no key: good until the process ends.
    private let ownHashKey: [UInt8]
    let counts = RedactionCounts()

    init(_ config: Config.Redact, names: NameSource) {
        var generator = SystemRandomNumberGenerator()
        ownHashKey = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        current = Mutex(Redactor(config.settings(ownHashKey: ownHashKey, names: names)))
    }

    var redactor: Redactor { current.withLock { $0 } }

    /// From the next request on.
    func apply(_ config: Config.Redact, names: NameSource) {
        let new = Redactor(config.settings(ownHashKey: ownHashKey, names: names))
        current.withLock { $0 = new }
    }
}

extension Config.Redact {
    fileprivate func settings(ownHashKey: [UInt8], names: NameSource) -> RedactionSettings {
        var settings = RedactionSettings()
        settings.content = content
        settings.contentKeys = names.content
        settings.parameterKeys = names.attributes[.modelParameters] ?? []
        settings.keys = keys
        settings.values = Set(values)
        settings.action = action
        settings.hashKey = hashKey.map { Array($0.utf8) } ?? ownHashKey
        for pattern in patterns {
            // Checked when the configuration was read.
            guard let expression = try? RedactionPattern(pattern.pattern) else { continue }
            settings.patterns.append(
                RedactionSettings.Pattern(
                    name: pattern.name, expression: expression, action: pattern.action))
        }
        return settings
    }
}
