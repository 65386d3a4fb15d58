import COpenSSL
import Testing

@testable import RoostNet

@Suite struct TLSLinkTests {
    private let identity: TLSIdentity

    init() throws {
        let made = try TestCertificate()
        identity = try TLSIdentity(certificate: made.certificate, key: made.key)
    }

    /// Lends `bytes` in pieces, takes what comes of them; the last thing that was said.
    private func open(
        _ link: TLSLink, _ bytes: [UInt8], piece: Int = .max, into received: inout [UInt8]
    ) -> TLSLink.Opened {
        var last = TLSLink.Opened.wantsMore
        var room = [UInt8](repeating: 0, count: 1_000)
        for start in stride(from: 0, to: bytes.count, by: min(piece, bytes.count)) {
            let part = Array(bytes[start..<min(bytes.count, start + min(piece, bytes.count))])
            unsafe part.withUnsafeBytes { lent in
                unsafe link.lend(lent)
                while true {
                    last = unsafe room.withUnsafeMutableBytes { unsafe link.open(into: $0) }
                    guard case .bytes(let count) = last else { break }
                    received += room.prefix(count)
                }
                link.takeBack()
            }
        }
        return last
    }

    private func shakeHands(
        _ link: TLSLink, _ client: TestTLSClient, piece: Int = .max
    ) -> TLSLink.Handshake {
        var outcome = TLSLink.Handshake.wantsMore
        for _ in 0..<4 where outcome == .wantsMore {
            _ = client.goOn()
            let flight = client.sent()
            for start in stride(from: 0, to: flight.count, by: min(piece, max(1, flight.count))) {
                let part = Array(
                    flight[start..<min(flight.count, start + min(piece, flight.count))])
                unsafe part.withUnsafeBytes { lent in
                    unsafe link.lend(lent)
                    outcome = link.shakeHands()
                    link.takeBack()
                }
            }
            deliver(link, to: client)
        }
        _ = client.goOn()
        return outcome
    }

    private func deliver(_ link: TLSLink, to client: TestTLSClient, _ bytes: [UInt8] = []) {
        var output = OutputBuffer(reserving: 64)
        unsafe bytes.withUnsafeBytes { #expect(unsafe link.seal($0, into: &output)) }
        unsafe client.receive(Array(output.bytes))
    }

    @Test(
        arguments: [(TLS1_2_VERSION, TLSVersion.tls12), (TLS1_3_VERSION, .tls13)], [1, 100, 9_999])
    func `bytes come through in both directions, however they are cut`(
        _ version: (CInt, TLSVersion), piece: Int
    ) throws {
        let link = TLSLink(identity: identity)
        let client = TestTLSClient(version: version.0)
        #expect(shakeHands(link, client, piece: piece) == .done(version.1))
        #expect(link.state == .open && link.chosenProtocol == nil)

        let data = (0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        #expect(client.write(data))
        var received: [UInt8] = []
        #expect(open(link, client.sent(), piece: piece, into: &received) == .wantsMore)
        #expect(received == data)

        deliver(link, to: client, data)
        #expect(client.read() == data)
    }

    @Test func `the end is said and heard`() throws {
        let link = TLSLink(identity: identity)
        let client = TestTLSClient()
        #expect(shakeHands(link, client) == .done(.tls13))
        link.sayEnd()
        link.sayEnd()
        deliver(link, to: client)
        #expect(client.read() == [] && client.hasEnded)
        client.end()
        var received: [UInt8] = []
        #expect(open(link, client.sent(), into: &received) == .ended)
    }

    @Test(arguments: [
        (["h2"], ApplicationProtocol.http2), (["http/1.1", "h2"], .http2), (["http/1.1"], .http1),
    ])
    func `ALPN chooses ours in our order`(_ names: [String], chosen: ApplicationProtocol) {
        let link = TLSLink(identity: identity)
        #expect(shakeHands(link, TestTLSClient(protocols: names)) == .done(.tls13))
        #expect(link.chosenProtocol == chosen)
    }

    @Test func `ALPN without overlap fails`() {
        let link = TLSLink(identity: identity)
        let outcome = shakeHands(link, TestTLSClient(protocols: ["h3", "spdy/3"]))
        #expect(outcome == .failed(.applicationProtocol) && link.state == .broken)
    }

    @Test func `a list of names that lies about its lengths names nothing`() {
        for list: [UInt8] in [[], [0], [200, 0x68, 0x32], [1, 0x68, 3, 0x68], [2, 0x68]] {
            let place = unsafe list.withUnsafeBytes {
                unsafe ApplicationProtocol.http2.place(in: $0)
            }
            #expect(place == nil)
        }
        let list: [UInt8] = [1, 0x78, 2, 0x68, 0x32]
        #expect(unsafe list.withUnsafeBytes { unsafe ApplicationProtocol.http2.place(in: $0) } == 3)
    }

    @Test func `garbage breaks the handshake and is answered with an alert`() {
        let link = TLSLink(identity: identity)
        let garbage: [UInt8] = [0x16, 3, 1, 0, 4, 9, 9, 9, 9]
        unsafe garbage.withUnsafeBytes { lent in
            unsafe link.lend(lent)
            #expect(link.shakeHands() == .failed(.malformed))
            link.takeBack()
        }
        #expect(link.unsent.first == 0x15)
        var room = [UInt8](repeating: 0, count: 10)
        #expect(unsafe room.withUnsafeMutableBytes { unsafe link.open(into: $0) } == .broken)
    }

    @Test func `a record that was changed breaks the link`() throws {
        let link = TLSLink(identity: identity)
        let client = TestTLSClient()
        #expect(shakeHands(link, client) == .done(.tls13))
        #expect(client.write([1, 2, 3]))
        var record = client.sent()
        record[record.count - 1] ^= 1
        var received: [UInt8] = []
        #expect(open(link, record, into: &received) == .broken)
        #expect(received == [] && link.state == .broken && !link.unsent.isEmpty)
    }

    @Test func `a flood of records without data ends, a few do not`() throws {
        let link = TLSLink(identity: identity)
        let client = TestTLSClient()
        #expect(shakeHands(link, client) == .done(.tls13))
        var received: [UInt8] = []
        var bytes: [UInt8] = []
        for _ in 0..<20 {
            client.updateKey()
            bytes += client.sent()
        }
        #expect(client.write([7]))
        #expect(open(link, bytes + client.sent(), into: &received) == .wantsMore)
        #expect(received == [7])
        deliver(link, to: client)

        bytes = []
        for _ in 0..<100 {
            client.updateKey()
            bytes += client.sent()
        }
        #expect(open(link, bytes, into: &received) == .broken)
    }
}
