import RoostCore

@testable import RoostCollector

/// The configuration as YAML, and as what `--set` says; what is printed of it loads again as the
/// same.
final class ConfigTarget: FuzzTarget {
    private let addresses = OwnAddresses(local: ["192.0.2.1", "host"])
    private let environment = ["HOME": "/home", "TOKEN": "secret", "EMPTY": ""]

    func take(_ input: UnsafeRawBufferPointer) {
        let text = unsafe Array(input)
        guard !Self.namesFiles(text) else { return }
        if text.count < 300, let flags = String(validating: text, as: UTF8.self) {
            _ = load(nil, sets: flags.split(separator: "\n").map(String.init))
        }
        guard let config = load(text) else { return }
        let printed = config.yaml()
        guard !printed.contains("***") else { return }
        guard let again = load(Array(printed.utf8)) else {
            fatalError("what is printed does not load:\n\(printed)")
        }
        promise(again.yaml() == printed, "it changes when it is printed:\n\(printed)")
    }

    private func load(_ text: [UInt8]?, sets: [String] = []) -> Config? {
        do throws(ConfigErrors) {
            return try ConfigLoader.load(
                text: text, name: "roost.yaml", sets: sets, environment: environment,
                addresses: addresses, whyUnreadable: { _ in nil }
            ).config
        } catch {
            promise(!error.faults.isEmpty, "refused for no reason")
            for fault in error.faults { _ = fault.description }
            return nil
        }
    }

    /// Files that it names would be read, and are another target's matter.
    private static func namesFiles(_ text: [UInt8]) -> Bool {
        ["names", "prices", "insights"].contains { word in
            let word = Array(word.utf8)
            return text.count >= word.count
                && (0...text.count - word.count).contains { text[$0...].starts(with: word) }
        }
    }
}
