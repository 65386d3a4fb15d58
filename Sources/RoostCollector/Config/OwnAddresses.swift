import Glibc
import RoostNet

/// Tells whether an endpoint is one of our own listeners, by name and number alone: nothing is
/// looked up, and nothing is sent.
struct OwnAddresses: Sendable {
    /// The numbers and names by which this machine is reached, normalised.
    private let local: Set<String>

    /// `local` are the addresses of the interfaces and the host's name.
    init(local: [String]) { self.local = Set(local.map(Self.normalised)) }

    /// As the system tells them.
    static func ofThisMachine() -> OwnAddresses {
        var found = [hostName()]
        var first: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&first) == 0 else { return OwnAddresses(local: found) }
        defer { unsafe freeifaddrs(first) }
        var next = unsafe first
        while let entry = unsafe next {
            if let text = unsafe numericText(entry.pointee.ifa_addr) { found.append(text) }
            unsafe next = entry.pointee.ifa_next
        }
        return OwnAddresses(local: found)
    }

    /// Whether a connection to `host` and `port` would end at `listener`.
    func reaches(host: String, port: Int, _ listener: ListenAddress) -> Bool {
        guard port == Int(listener.port) else { return false }
        let targets = Self.meant(by: host)
        let own = Self.normalised(listener.host)
        if Self.isWildcard(own) {
            return targets.contains(where: Self.isLoopback) || !local.isDisjoint(with: targets)
        }
        if own == "localhost" { return !targets.isDisjoint(with: Self.loopback) }
        return targets.contains(own)
    }

    private static let loopback: Set = ["127.0.0.1", "::1", "localhost"]

    /// Where a connection to `host` goes: one to no address at all goes to this machine.
    private static func meant(by host: String) -> Set<String> {
        let host = normalised(host)
        return host == "localhost" || isWildcard(host) ? loopback : [host]
    }

    private static func isWildcard(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }

    /// Whether only this machine can reach it, as far as its text tells.
    static func isLoopback(_ address: ListenAddress) -> Bool {
        isLoopback(normalised(address.host))
    }

    private static func isLoopback(_ host: String) -> Bool {
        loopback.contains(host) || host.hasPrefix("127.")
    }

    /// Lower case, without a dot at the end; numbers in their shortest form, and IPv4 written as
    /// IPv6 as IPv4.
    static func normalised(_ host: String) -> String {
        var name = host.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        if name.hasSuffix(".localhost") || name == "ip6-localhost" { return "localhost" }
        var four = in_addr()
        if unsafe inet_aton(name, &four) == 1 { return unsafe text(AF_INET, &four) ?? name }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, name, &six) == 1 else { return name }
        let short = unsafe text(AF_INET6, &six) ?? name
        return short.hasPrefix("::ffff:") && short.contains(".")
            ? String(short.dropFirst("::ffff:".count)) : short
    }

    private static func text(_ family: CInt, _ address: UnsafeRawPointer) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard unsafe inet_ntop(family, address, &buffer, socklen_t(buffer.count)) != nil else {
            return nil
        }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func numericText(_ address: UnsafeMutablePointer<sockaddr>?) -> String? {
        guard let address = unsafe address else { return nil }
        switch Int32(unsafe address.pointee.sa_family) {
        case AF_INET:
            return unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe text(AF_INET, &$0.pointee.sin_addr)
            }
        case AF_INET6:
            return unsafe address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                unsafe text(AF_INET6, &$0.pointee.sin6_addr)
            }
        default: return nil
        }
    }

    private static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(
            decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
