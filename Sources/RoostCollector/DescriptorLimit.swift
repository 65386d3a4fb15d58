import Glibc
import RoostCore

/// How many descriptors the system allows this process: each connection takes one.
enum DescriptorLimit {
    /// For listeners, loops, connections to destinations, files and the web port.
    static let besidesConnections = 128

    /// Raises the limit as far as `connections` needs and the system lets it, and says how many
    /// connections fit: fewer than asked for is a warning in the log.
    static func fit(connections: Int, _ log: Log) -> Int {
        let allowed = raise(to: connections + besidesConnections)
        // With next to none, half for peers: refusing some is better than being deaf.
        let fitting = max(allowed - besidesConnections, allowed / 2)
        guard fitting < connections else { return connections }
        log.warn(
            "the system allows \(allowed) open files, so that at most \(fitting) connections are "
                + "taken; raise it (ulimit -n, LimitNOFILE=) or lower limits.connections")
        return fitting
    }

    /// What is allowed afterwards.
    private static func raise(to wanted: Int) -> Int {
        let resource = __rlimit_resource_t(7)
        var limit = rlimit()
        guard unsafe getrlimit(resource, &limit) == 0 else { return wanted }
        let wanted = rlim_t(clamping: wanted)
        if limit.rlim_cur < wanted {
            var higher = limit
            higher.rlim_cur = min(wanted, limit.rlim_max)
            if unsafe setrlimit(resource, &higher) == 0 { limit = higher }
        }
        return Int(clamping: limit.rlim_cur)
    }
}
