import Glibc
import Testing

@testable import RoostNet

@Suite struct AddressTests {
    @Test(arguments: [
        ("127.0.0.1:4317", "127.0.0.1", 4317), ("localhost:0", "localhost", 0),
        ("[::1]:65535", "::1", 65_535), ("0.0.0.0:80", "0.0.0.0", 80),
    ])
    func `reads addresses and writes them the same`(_ text: String, _ host: String, _ port: UInt16)
    {
        let address = ListenAddress(text)
        #expect(address == ListenAddress(host: host, port: port))
        #expect(address?.description == text)
    }

    @Test(arguments: [
        "", ":80", "host", "host:", "host:x", "host:65536", "::1:80", "[::1]", "a:-1",
        "[]]:0", "[[::1]:80", "a]:80", "[]:80",
    ])
    func `refuses what is no address`(_ text: String) { #expect(ListenAddress(text) == nil) }

    @Test func `finds the listening socket in the kernel's table`() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:10DD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1
               1: 0100007F:10DD 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1
               2: 0100007F:10DE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1
            """
        #expect(listeningInodes(table, port: 4317) == ["4711"])
        #expect(listeningInodes("", port: 4317).isEmpty)
    }

    @Test func `names the program that holds an address`() throws {
        let first = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
        #expect(first.address.port != 0)
        let loop = try LoopThread()
        let server = try HTTPServer(
            loop: loop.loop, address: first, settings: Bench().settings, handler: TestHandler())
        defer { loop.stop(server) }
        do {
            _ = try BoundAddress.reserve(first.address)
            Issue.record("bound twice")
        } catch {
            guard case .inUse(let address, let holder) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(address == first.address)
            #expect(holder?.contains("(pid ") == true)
        }
    }

    @Test
    func `ports that the kernel chooses are given to nobody else before the listeners are open`()
        throws
    {
        let chosen = try (0..<300).map { _ in
            try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
        }
        #expect(Set(chosen.map(\.address.port)).count == chosen.count)
        for address in chosen { close(try address.openListener()) }
    }

    @Test func `a lock that is not had closes its socket once`() throws {
        let address = ListenAddress(host: "127.0.0.1", port: 1)
        let candidate = try #require(try SocketAddress.resolve(address).first)
        let first = AddressLock(candidate)
        errno = 0
        let second = AddressLock(candidate)
        // What the second time would have closed may be anybody's by then.
        #expect(errno != EBADF)
        #expect(first != nil && second == nil)
    }

    @Test func `says why an address cannot be bound`() {
        #expect(throws: ListenError.self) {
            try BoundAddress.reserve(ListenAddress(host: "192.0.2.1", port: 0))
        }
        #expect(throws: ListenError.self) {
            try BoundAddress.reserve(ListenAddress(host: "no-such-host.invalid", port: 0))
        }
    }

    @Test func `tells the protocols apart by the first bytes`() {
        func first(_ bytes: [UInt8]) -> FirstBytes {
            unsafe bytes.withUnsafeBytes { unsafe FirstBytes($0) }
        }
        #expect(first(http2Preface) == .http2)
        #expect(first(http2Preface + [1]) == .http2)
        #expect(first(Array(http2Preface.dropLast())) == .undecided)
        #expect(first(Array("PRI * HTTP/1".utf8)) == .http1)
        #expect(first(Array("G".utf8)) == .http1)
    }
}
