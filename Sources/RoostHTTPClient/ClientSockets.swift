import CCurl
import Glibc

/// The sockets that the requests of one client have opened, to be found again by those that come
/// later on the same connection.
///
/// Confined to the thread of its `HTTPClient`. libcurl closes them without a word: one that is closed
/// is forgotten when it is met.
final class ClientSockets {
    private var open: Set<CInt> = []

    func add(_ socket: CInt) {
        open.insert(socket)
        if CurlVersion.loaded.losesItsPlaceInBodies { Self.takeAll(socket) }
    }

    /// Has a socket take whatever it has room for. `net.ipv4.tcp_notsent_lowat` may say that a write
    /// waits when little more is unsent, and the room does not show that. tcp(7), TCP_NOTSENT_LOWAT; 0
    /// would be what the system says.
    static func takeAll(_ socket: CInt) {
        var most = CInt.max
        let size = socklen_t(MemoryLayout<CInt>.size)
        unsafe _ = setsockopt(socket, CInt(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &most, size)
    }

    /// The one with that port on this side; nil as well where the port is not known, which is then 0
    /// or less.
    func find(port: Int) -> CInt? {
        guard port > 0 else { return nil }
        for socket in open {
            switch roost_socket_port(socket) {
            case CInt(clamping: port): return socket
            case -1: open.remove(socket)
            default: break
            }
        }
        return nil
    }
}
