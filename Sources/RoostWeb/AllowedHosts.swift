import RoostNet

/// Which names a request may call this server by.
///
/// A page from elsewhere can make a browser ask any address, under a name of its own that it has
/// pointed here ("DNS rebinding"); such a request still carries that name. Names that are numbers
/// cannot be pointed elsewhere. `contract.md`, "Browsers and the web port".
struct AllowedHosts {
    private let names: Set<String>
    /// A listener on every interface cannot know its own names: any is then allowed.
    private let allowsAny: Bool

    init(listeners: [ListenAddress]) {
        names = Set(listeners.map { $0.host.lowercased() } + ["localhost"])
        allowsAny = listeners.contains { $0.host == "0.0.0.0" || $0.host == "::" }
    }

    func allows(_ head: RequestHead) -> Bool {
        guard !allowsAny, let host = head.header("host") ?? head.header(named: ":authority") else {
            return true
        }
        let name = AllowedHosts.name(host)
        return names.contains(name) || AllowedHosts.isNumber(name)
    }

    /// The name without its port, in lower case.
    private static func name(_ host: String) -> String {
        let lower = host.lowercased()
        if lower.hasPrefix("["), let end = lower.firstIndex(of: "]") {
            return String(lower[lower.index(after: lower.startIndex)..<end])
        }
        return String(lower.prefix { $0 != ":" })
    }

    private static func isNumber(_ name: String) -> Bool {
        name.contains(":")
            || (!name.isEmpty && name.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) })
    }
}
