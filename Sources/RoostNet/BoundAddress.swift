import Glibc

/// An address that was found free, and that every loop may now open its own listener on.
///
/// Linux shares new connections out among the sockets that listen on one address with
/// SO_REUSEPORT. That option would also let a second collector join in silently, so one plain
/// bind without it shows first that nobody else is there.
public struct BoundAddress: Sendable {
    /// With the real port where 0 was asked for.
    public let address: ListenAddress
    private let socketAddress: SocketAddress
    /// Kept until the listeners are open, which is when this value is let go of.
    private let lock: AddressLock
    /// Holds a port that the kernel chose, bound and not listening, as long as `lock` is kept.
    private let placeholder: Placeholder?

    /// Finds the address free or says who holds it. The name is resolved here, IPv4 first.
    public static func reserve(_ address: ListenAddress) throws(ListenError) -> BoundAddress {
        var failure = ListenError.cannotBind(address: address, reason: "no such host")
        for candidate in try SocketAddress.resolve(address) {
            do throws(ListenError) {
                return candidate.port == 0
                    ? try chosenPort(candidate, for: address)
                    : try askedPort(candidate, for: address)
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func askedPort(
        _ candidate: SocketAddress, for address: ListenAddress
    ) throws(ListenError) -> BoundAddress {
        let lock = try lock(candidate, for: address)
        _ = try OpenSocket(candidate, for: address, sharesPort: false)
        return BoundAddress(
            address: address, socketAddress: candidate, lock: lock, placeholder: nil)
    }

    /// The kernel never chooses a port that another socket is bound to, shared or not, so nothing
    /// needs a probe; the socket that it chose for stays open until the listeners are, lest
    /// somebody else is given the port in between.
    private static func chosenPort(
        _ candidate: SocketAddress, for address: ListenAddress
    ) throws(ListenError) -> BoundAddress {
        var failure = ListenError.inUse(address: address, holder: nil)
        // Somebody may be about to take exactly this port by its number.
        for _ in 0..<8 {
            let opened = try OpenSocket(candidate, for: address, sharesPort: true)
            guard let found = opened.boundAddress() else { continue }
            do throws(ListenError) {
                return BoundAddress(
                    address: ListenAddress(host: address.host, port: found.port),
                    socketAddress: found, lock: try lock(found, for: address),
                    placeholder: Placeholder(opened))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func lock(
        _ candidate: SocketAddress, for address: ListenAddress
    ) throws(ListenError) -> AddressLock {
        guard let lock = AddressLock(candidate) else {
            throw .inUse(
                address: address,
                holder: portHolder(candidate) ?? "another roost that is starting")
        }
        return lock
    }

    /// A new listening socket on the address, non-blocking; the caller closes it.
    func openListener(backlog: CInt = 1024) throws(ListenError) -> CInt {
        let opened = try OpenSocket(socketAddress, for: address, sharesPort: true)
        guard listen(opened.descriptor, backlog) == 0 else {
            throw .cannotBind(address: address, reason: errorText(errno))
        }
        return opened.release()
    }
}

private final class Placeholder: Sendable {
    private let socket: OpenSocket

    init(_ socket: consuming OpenSocket) { self.socket = socket }
}

/// A bound socket, closed when it is let go of.
private struct OpenSocket: ~Copyable {
    let descriptor: CInt

    init(
        _ socketAddress: SocketAddress, for address: ListenAddress, sharesPort: Bool
    ) throws(ListenError) {
        let descriptor = socket(
            socketAddress.family, CInt(SOCK_STREAM.rawValue) | openFlags, CInt(IPPROTO_TCP))
        guard descriptor >= 0 else {
            throw .cannotBind(address: address, reason: errorText(errno))
        }
        setOption(descriptor, SO_REUSEADDR)
        if sharesPort { setOption(descriptor, SO_REUSEPORT) }
        guard socketAddress.bind(descriptor) else {
            let code = errno
            close(descriptor)
            guard code == EADDRINUSE else {
                throw .cannotBind(address: address, reason: errorText(code))
            }
            throw .inUse(address: address, holder: portHolder(socketAddress))
        }
        // A bind succeeds beside a socket that is bound and does not listen yet; a listen beside
        // one that listens does not.
        if !sharesPort, listen(descriptor, 1) != 0 {
            let code = errno
            close(descriptor)
            throw code == EADDRINUSE
                ? .inUse(address: address, holder: portHolder(socketAddress))
                : .cannotBind(address: address, reason: errorText(code))
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    consuming func release() -> CInt {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    func boundAddress() -> SocketAddress? { SocketAddress(boundTo: descriptor) }
}

private let openFlags = CInt(SOCK_NONBLOCK.rawValue) | CInt(SOCK_CLOEXEC.rawValue)

private func setOption(_ descriptor: CInt, _ option: CInt) {
    var on: CInt = 1
    unsafe setsockopt(descriptor, SOL_SOCKET, option, &on, socklen_t(MemoryLayout<CInt>.size))
}

/// What an `errno` means.
func errorText(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }
