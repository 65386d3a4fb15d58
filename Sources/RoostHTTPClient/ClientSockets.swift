import CCurl

/// The sockets that the requests of one client have opened, to be found again by those that come
/// later on the same connection.
///
/// Confined to the thread of its `HTTPClient`. libcurl closes them without a word: one that is closed
/// is forgotten when it is met.
final class ClientSockets {
    private var open: Set<CInt> = []

    func add(_ socket: CInt) { open.insert(socket) }

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
