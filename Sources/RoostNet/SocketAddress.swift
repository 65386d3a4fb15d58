import Glibc

/// An IPv4 or IPv6 address with its port, as the system calls take it.
struct SocketAddress: Sendable {
    private var storage: sockaddr_storage
    private var length: socklen_t

    var family: CInt { CInt(storage.ss_family) }

    /// Every address of the host, IPv4 ones first.
    static func resolve(_ address: ListenAddress) throws(ListenError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(address.host, String(address.port), &hints, &list)
        guard code == 0 else {
            throw .cannotBind(
                address: address, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let made = unsafe SocketAddress(entry.pointee.ai_addr, entry.pointee.ai_addrlen) {
                found.append(made)
            }
            unsafe next = entry.pointee.ai_next
        }
        return found.filter { $0.family == AF_INET } + found.filter { $0.family == AF_INET6 }
    }

    /// The address that a socket is bound to.
    init?(boundTo descriptor: CInt) {
        unsafe self.init { address, length in unsafe getsockname(descriptor, address, length) }
    }

    /// The address at the other end of a connection.
    init?(peerOf descriptor: CInt) {
        unsafe self.init { address, length in unsafe getpeername(descriptor, address, length) }
    }

    private init?(
        _ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) {
        storage = sockaddr_storage()
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let answer = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe fill(address, &length)
            }
        }
        guard answer == 0 else { return nil }
    }

    private init?(_ address: UnsafeMutablePointer<sockaddr>?, _ length: socklen_t) {
        guard let address = unsafe address, Int(length) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        storage = sockaddr_storage()
        self.length = length
        unsafe withUnsafeMutableBytes(of: &storage) { target in
            unsafe target.copyMemory(
                from: UnsafeRawBufferPointer(start: address, count: Int(length)))
        }
    }

    /// False with `errno` set when the system refuses.
    func bind(_ descriptor: CInt) -> Bool {
        var copy = storage
        return unsafe withUnsafePointer(to: &copy) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.bind(descriptor, address, length) == 0
            }
        }
    }

    var port: UInt16 {
        // The port is at the same place, in network order, in both families.
        unsafe withUnsafeBytes(of: storage) { bytes in
            unsafe UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        }
    }

    /// The number of the host, without the port: `127.0.0.1`, `::1`.
    var host: String {
        var copy = storage
        return unsafe withUnsafePointer(to: &copy) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
                    guard
                        unsafe getnameinfo(
                            address, length, text.baseAddress, 64, nil, 0, NI_NUMERICHOST) == 0,
                        let start = text.baseAddress
                    else { return "" }
                    return unsafe String(cString: start)
                }
            }
        }
    }
}
