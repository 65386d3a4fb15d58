import Glibc

/// Held by whoever is about to listen on an address, from before it looks whether somebody does
/// until its own sockets listen.
///
/// Without it two collectors that start at the same moment both find the address free, and share it.
/// It is a socket with a name in the abstract namespace, unix(7): it needs no file, is seen by the
/// same programs as the address, and ends with its process.
final class AddressLock: Sendable {
    private let descriptor: CInt

    /// Nil when somebody else holds it.
    init?(_ address: SocketAddress) {
        let name = "roost-listen-\(address.host)-\(address.port)"
        var unix = sockaddr_un()
        unix.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: unix.sun_path)
        // The first byte stays zero.
        let bytes = Array(name.utf8.prefix(room - 1))
        unsafe withUnsafeMutableBytes(of: &unix.sun_path) { path in
            for (place, byte) in bytes.enumerated() { unsafe path[place + 1] = byte }
        }
        let size = MemoryLayout<sockaddr_un>.size - room + 1 + bytes.count
        descriptor = socket(
            AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        // Without such sockets there is nothing to hold, and nothing is lost but this.
        guard descriptor >= 0 else { return }
        let bound = unsafe withUnsafePointer(to: &unix) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(size))
            }
        }
        // `deinit` closes it.
        if bound != 0, errno == EADDRINUSE { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}
