import Glibc
import RoostCore
import Testing

@testable import RoostHTTPClient

/// Requests over TLS behind a proxy, which libcurl finds in the environment; so each runs in a
/// process of its own.
@Suite struct ProxyTests {
    /// What came of a request behind a proxy that does as `script` says, a gRPC call or not.
    private static func perform(
        isGRPC: Bool, _ script: @escaping @Sendable (RawConnection) -> Void
    ) throws -> ClientAnswer {
        let proxy = RawServer { connection, _ in script(connection) }
        unsafe setenv("https_proxy", proxy.url, 1)
        unsafe unsetenv("no_proxy")
        unsafe unsetenv("NO_PROXY")
        let client = try HTTPClient()
        defer {
            client.stop()
            client.join()
            proxy.stop()
        }
        var request = ClientRequest(url: "https://collector.invalid/v1/traces")
        if isGRPC { request.flavour = .grpc(compression: nil) }
        request.body = [ByteBlock([1, 2, 3]).slice]
        return client.perform(request)
    }

    @Test func `a proxy that refuses CONNECT is a server that is not reached`() async {
        await #expect(processExitsWith: .success) {
            for isGRPC in [false, true] {
                for status in [302, 403, 404, 407, 413, 500, 503] {
                    let answer = try Self.perform(isGRPC: isGRPC) { connection in
                        guard let head = connection.readRequest()?.head else { return }
                        precondition(head.hasPrefix("CONNECT collector.invalid:443 HTTP/1.1\r\n"))
                        connection.answer("\(status) Squid", "retry-after: 9\r\n", body: "nope")
                    }
                    let text = "the proxy answered CONNECT with HTTP \(status)"
                    #expect(answer.failure == ClientFailure(.unreachable, text))
                    #expect(answer.httpStatus == 0 && answer.headers.isEmpty)
                    #expect(answer.body.isEmpty && !answer.isUploadComplete)
                }
            }
        }
    }

    @Test func `a proxy that ends the connection instead of answering is the same`() async {
        await #expect(processExitsWith: .success) {
            let answer = try Self.perform(isGRPC: false) { _ = $0.readRequest() }
            #expect(answer.failure?.kind == .unreachable)
        }
    }

    @Test func `what a proxy says when it opens the way is no answer of the server`() async {
        await #expect(processExitsWith: .success) {
            let answer = try Self.perform(isGRPC: false) { connection in
                _ = connection.readRequest()
                connection.write("HTTP/1.1 200 Connection established\r\n\r\n")
                connection.read(atLeast: 1)
            }
            #expect(answer.failure != nil)
            #expect(answer.httpStatus == 0 && answer.headers.isEmpty)
        }
    }
}
