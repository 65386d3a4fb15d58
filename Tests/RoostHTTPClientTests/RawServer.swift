import Glibc
import RoostCore
import Synchronization

/// A server on loopback that does exactly what a test says, byte for byte, one thread for each
/// connection.
final class RawServer: Sendable {
    let port: UInt16
    private let listener: CInt
    private let opened = Atomic<Int>(0)

    /// `script` gets each connection and its number, 1 first; it is closed when that returns.
    init(_ script: @escaping @Sendable (RawConnection, Int) -> Void) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                precondition(unsafe bind(listener, pointer, length) == 0)
                precondition(listen(listener, 64) == 0)
                _ = unsafe getsockname(listener, pointer, &length)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        self.listener = listener
        let server = NamedThread("raw-server") { [self] in
            while true {
                let descriptor = accept(listener, nil, nil)
                guard descriptor >= 0 else { return }
                let number = opened.wrappingAdd(1, ordering: .relaxed).newValue
                let talk = NamedThread("raw-connection") {
                    let connection = RawConnection(descriptor)
                    script(connection, number)
                    connection.close()
                }
                talk?.detach()
            }
        }
        server?.detach()
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var connections: Int { opened.load(ordering: .relaxed) }

    /// Nobody is accepted any more.
    func stop() { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// One connection of a `RawServer`, used by the thread of its script.
final class RawConnection {
    private let descriptor: CInt
    private var isOpen = true
    private var buffer: [UInt8] = []

    init(_ descriptor: CInt) { self.descriptor = descriptor }

    /// The next HTTP/1.1 request with its whole body; nil at the end.
    func readRequest() -> (head: String, body: [UInt8])? {
        while true {
            if let end = headEnd() {
                let head = String(decoding: buffer[..<end], as: UTF8.self)
                let length = contentLength(head)
                while buffer.count < end + length { guard readMore() else { return nil } }
                let body = Array(buffer[end..<end + length])
                buffer.removeFirst(end + length)
                return (head, body)
            }
            guard readMore() else { return nil }
        }
    }

    /// Reads until `count` bytes have come, or the end.
    func read(atLeast count: Int) {
        while buffer.count < count { guard readMore() else { return } }
    }

    /// Reads until what came ends with `mark`, or the end.
    func read(until mark: [UInt8]) {
        while !buffer.suffix(mark.count).elementsEqual(mark) { guard readMore() else { return } }
    }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        _ = unsafe bytes.withUnsafeBytes {
            unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// Answers with a status line, headers and a body of known length.
    func answer(_ status: String, _ headers: String = "", body: String = "") {
        write("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(headers)\r\n\(body)")
    }

    /// Sends no more.
    func finish() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Ends the connection with RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        _ = Glibc.close(descriptor)
    }

    private func headEnd() -> Int? {
        guard buffer.count >= 4 else { return nil }
        return (0...buffer.count - 4).first { buffer[$0..<$0 + 4].elementsEqual([13, 10, 13, 10]) }
            .map { $0 + 4 }
    }

    private func contentLength(_ head: String) -> Int {
        for line in head.split(separator: "\r\n")
        where line.lowercased().hasPrefix("content-length:") {
            return Int(line.split(separator: " ").last ?? "") ?? 0
        }
        return 0
    }

    private func readMore() -> Bool {
        var part = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe part.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
        }
        guard count > 0 else { return false }
        buffer.append(contentsOf: part[..<count])
        return true
    }
}
