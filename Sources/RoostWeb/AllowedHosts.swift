import RoostNet

/// Which names a request may call this server by.
///
/// A page from elsewhere can make a browser ask any address, under a name of its own that it has
/// pointed here ("DNS rebinding"); such a request still carries that name. Only the addresses of
/// listeners and `localhost`, in letters or digits, are names of this server. `contract.md`,
/// "Browsers and the web port".
struct AllowedHosts {
    private let names: Set<String>
    /// A web port on every interface cannot know its own names: any is then allowed.
    private let allowsAny: Bool

    /// `web` is the one where these requests come in.
    init(listeners: [(name: String, address: ListenAddress)]) {
        let hosts = listeners.map(\.address).filter { !Self.isEverywhere($0) }
        // What `localhost` stands for on every machine is as good a name as that.
        names = Set(hosts.map { $0.host.lowercased() } + ["localhost", "127.0.0.1", "::1"])
        allowsAny = listeners.contains { $0.name == "web" && Self.isEverywhere($0.address) }
    }

    private static func isEverywhere(_ address: ListenAddress) -> Bool {
        address.host == "0.0.0.0" || address.host == "::"
    }

    func allows(_ head: RequestHead) -> Bool {
        guard !allowsAny, let authority = head.authority else { return true }
        guard let name = AllowedHosts.name(authority) else { return false }
        return names.contains(name)
    }

    /// The name without its port, in lower case; nil for what is not `name` or `name:port`.
    private static func name(_ authority: String) -> String? {
        let lower = authority.lowercased()
        var name = lower[...]
        if lower.hasPrefix("[") {
            guard let end = lower.firstIndex(of: "]") else { return nil }
            name = lower[lower.index(after: lower.startIndex)..<end]
            return isPort(lower[lower.index(after: end)...]) ? String(name) : nil
        }
        name = lower.prefix { $0 != ":" }
        return isPort(lower[name.endIndex...]) ? String(name) : nil
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty
            || (text.first == ":" && text.utf8.count <= 6
                && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) })
    }
}
