import RoostCore
import RoostMetrics

@testable import RoostCollector
@testable import RoostNet
@testable import RoostWeb

/// What is read out of the heads of requests, a line each: the formats that are asked for, and with
/// the other lines a head of its own.
final class AcceptTarget: FuzzTarget {
    private let origins = CORSOrigins(allowed: ["https://a.example", "*"])
    private let hosts = AllowedHosts(
        listeners: [(name: "web", address: ListenAddress(host: "127.0.0.1", port: 1))])

    func take(_ input: UnsafeRawBufferPointer) {
        let text = unsafe String(decoding: input, as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func line(_ number: Int) -> String { lines.indices.contains(number) ? lines[number] : "" }
        checkNegotiation(line(0), line(1))
        checkHead(line(2), line(3), line(4))
        if let address = ListenAddress(line(5)) {
            promise(ListenAddress(address.description) == address, "\(address) reads otherwise")
        }
        var timeout = line(6)
        let milliseconds = timeout.withUTF8 { bytes in
            unsafe parseGRPCTimeout(UnsafeRawBufferPointer(bytes))
        }
        promise(milliseconds ?? 0 <= 99_999_999 * 3_600_000, "a timeout beyond eight digits")
    }

    private func checkNegotiation(_ accept: String, _ encoding: String) {
        let chosen = negotiate(accept: accept, acceptEncoding: encoding)
        let again = negotiate(accept: accept, acceptEncoding: encoding)
        promise(chosen.contentType == again.contentType, "another choice the second time")
        if chosen.coding != .identity {
            let named = encoding.lowercased()
            promise(
                named.contains("\(chosen.coding)") || named.contains("*"),
                "\(chosen.coding) was not asked for by \(encoding)")
        }
        if chosen.format == .protobuf {
            promise(
                accept.lowercased().contains("application/vnd.google.protobuf"),
                "protobuf was not asked for")
        }
    }

    private func checkHead(_ target: String, _ type: String, _ host: String) {
        for isHTTP2 in [false, true] {
            let head = RequestHead(
                method: "POST", target: target,
                headers: [
                    ("content-type", type), ("host", host), ("origin", host),
                    ("content-length", type), ("access-control-request-headers", type),
                ], isHTTP2: isHTTP2, isGRPC: isHTTP2)
            _ = OTLPRoute(head)
            _ = (head.path, head.query, head.contentLength, head.authority, head.headers)
            _ = hosts.allows(head)
            _ = origins.preflight(head)
        }
    }
}
