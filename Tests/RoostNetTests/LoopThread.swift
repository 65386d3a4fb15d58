import Glibc
import Synchronization

@testable import RoostNet

/// A loop that runs on a thread of its own.
final class LoopThread: Sendable {
    let loop: EventLoop
    private let ended = Signal()

    init() throws {
        loop = try EventLoop(name: "test")
        let loop = loop
        let ended = ended
        startThread {
            loop.run()
            ended.fire()
        }
    }

    /// Closes the servers, ends the loop and waits for its thread.
    func stop(_ servers: HTTPServer...) {
        for server in servers { server.closeAll() }
        loop.stop()
        ended.wait()
    }

    /// Runs `work` on the loop and waits for its result.
    func on<Result: Sendable>(_ work: @escaping @Sendable () -> Result) -> Result? {
        let box = Mutex<Result?>(nil)
        let done = Signal()
        let keep = Shared(box)
        loop.post {
            let result = work()
            keep.box.withLock { $0 = result }
            done.fire()
        }
        done.wait()
        return keep.box.withLock { $0 }
    }

    private final class Shared<Value: Sendable>: Sendable {
        let box: Mutex<Value>
        init(_ box: consuming sending Mutex<Value>) { self.box = box }
    }
}

/// Something that happens once and may be waited for by one thread.
final class Signal: Sendable {
    private let ends: (read: CInt, write: CInt)

    init() {
        var pair: [CInt] = [0, 0]
        unsafe pipe(&pair)
        ends = (pair[0], pair[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    func fire() {
        var byte: UInt8 = 1
        unsafe write(ends.write, &byte, 1)
    }

    /// Ten seconds at the most; false when it did not happen.
    @discardableResult
    func wait() -> Bool {
        var waiter = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waiter, 1, 10_000) == 1
    }
}

/// Whether `condition`, which another thread makes true, does so within ten seconds.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<5_000 {
        if condition() { return true }
        usleep(2_000)
    }
    return condition()
}

private final class ThreadWork: Sendable {
    let work: @Sendable () -> Void
    init(_ work: @escaping @Sendable () -> Void) { self.work = work }
}

/// Runs `work` on a detached thread.
func startThread(_ work: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    unsafe pthread_create(
        &thread, nil,
        { data in
            guard let data = unsafe data else { return nil }
            unsafe Unmanaged<ThreadWork>.fromOpaque(data).takeRetainedValue().work()
            return nil
        }, Unmanaged.passRetained(ThreadWork(work)).toOpaque())
    pthread_detach(thread)
}

/// A plain blocking TCP client with a ten-second limit on every wait.
final class RawClient {
    let descriptor: CInt

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        // How much the system takes for a client that does not read is else its own affair: newer
        // kernels let a socket grow to 32 MiB, tcp_rmem of tcp(7).
        var room: CInt = 256 << 10
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw ClientError(code: errno) }
    }

    deinit { end() }

    struct ClientError: Error { let code: CInt }

    private var isOpen = true

    func end() {
        if isOpen { close(descriptor) }
        isOpen = false
    }

    /// Ends with a reset instead of a goodbye.
    func abort() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        end()
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.send(
                    descriptor, $0.baseAddress! + sent, bytes.count - sent,
                    CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
    }

    /// So little is taken by the system for a client that does not read.
    func takeLittle() {
        var bytes: CInt = 4_096
        unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
    }

    /// Reads to the end of the connection: how many bytes came, and the error that was its end, 0
    /// when the peer has ended it in order.
    func readToEnd() -> (count: Int, error: CInt) {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var total = 0
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            if count <= 0 { return (total, count == 0 ? 0 : errno) }
            total += count
        }
    }

    /// Everything until `ending` or `wantedCount` bytes came, or to the end of the connection.
    func read(until ending: String? = nil, count wantedCount: Int = .max) -> String {
        var all: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let wanted = ending.map { Array($0.utf8) }
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            guard count > 0 else { break }
            all += chunk[..<count]
            if all.count >= wantedCount { break }
            if let wanted, all.suffix(wanted.count).elementsEqual(wanted) { break }
        }
        return String(decoding: all, as: UTF8.self)
    }
}
