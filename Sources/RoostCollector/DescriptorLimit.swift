import Glibc
import RoostCore

/// How many descriptors the system allows this process: each connection takes one.
enum DescriptorLimit {
    /// For listeners, loops, connections to destinations and files.
    static let besidesConnections = 128

    /// Connections from senders, and those of the web port beside them.
    struct Connections: Equatable {
        var senders: Int
        var web: Int

        /// As many of these as `allowed` descriptors suffice for.
        func fitting(_ allowed: Int) -> Connections {
            let room = allowed - besidesConnections
            guard room < senders + web else { return self }
            // With next to none, half for peers: refusing some is better than being deaf.
            guard room > allowed / 2 else {
                return Connections(
                    senders: min(senders, allowed / 2), web: min(web, max(1, allowed / 8)))
            }
            let web = min(web, max(room - senders, room / 8))
            return Connections(senders: min(senders, room - web), web: web)
        }
    }

    /// Raises the limit as far as `wanted` needs and the system lets it, and says how many connections
    /// fit: fewer senders than asked for is a warning in the log.
    static func fit(_ wanted: Connections, _ log: Log) -> Connections {
        let allowed = raise(to: wanted.senders + wanted.web + besidesConnections)
        let fitting = wanted.fitting(allowed)
        guard fitting.senders < wanted.senders else { return fitting }
        log.warn(
            "the system allows \(allowed) open files, so that at most \(fitting.senders) "
                + "connections are taken; raise it (ulimit -n, LimitNOFILE=) or lower "
                + "limits.connections")
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
