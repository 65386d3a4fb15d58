@testable import RoostCollector

/// Loads text as if it were in `f.yaml`, on a machine known as 10.0.0.7 with every file but those
/// called missing.
func loadConfig(
    _ text: String, _ sets: [String] = [], _ environment: [String: String] = [:],
    memoryAllowed: Int? = nil
) throws(ConfigErrors) -> ConfigLoader.Loaded {
    try ConfigLoader.load(
        text: Array(text.utf8), name: "f.yaml", sets: sets, environment: environment,
        addresses: OwnAddresses(local: ["10.0.0.7", "fe80::7", "collector-0"]),
        memoryAllowed: memoryAllowed,
        whyUnreadable: { $0.contains("missing") ? "cannot be read: No such file" : nil })
}

/// What is wrong, one line each; empty when nothing is.
func configFaults(
    _ text: String, _ sets: [String] = [], _ environment: [String: String] = [:]
) -> [String] {
    do throws(ConfigErrors) {
        _ = try loadConfig(text, sets, environment)
        return []
    } catch {
        return error.faults.map(\.description)
    }
}
