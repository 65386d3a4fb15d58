import RoostCore

/// The variables that the process was started with, as the system keeps them.
public func startEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    for entry in (readFile("/proc/self/environ", limit: 8 << 20) ?? []).split(separator: 0) {
        guard let equals = entry.firstIndex(of: 0x3D) else { continue }
        let name = String(decoding: entry[..<equals], as: UTF8.self)
        variables[name] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
    }
    return variables
}
