import RoostCollector
import RoostCompression
import RoostCore
import RoostNet
import RoostWire
import Synchronization

/// A destination on loopback that takes OTLP over HTTP and gRPC, with answers chosen by the test.
final class ExportTestPeer: RequestHandler, @unchecked Sendable {
    // Sendable: the server calls on its loop alone; what tests read is behind the lock.

    /// What the peer does with one request of so many bytes; nil takes it.
    typealias Rule = @Sendable (_ number: Int, _ bytes: Int) -> Response?

    private struct Seen {
        var requests = 0
        var spans: [UInt64: Int] = [:]
        var largest = 0
    }

    private let seen = Mutex(Seen())
    private let arrived = Semaphore()
    private let rule: Rule
    private let loop: EventLoop
    private let thread: NamedThread?
    private let server = Mutex<HTTPServer?>(nil)
    let address: ListenAddress

    init(port: UInt16 = 0, _ rule: @escaping Rule = { _, _ in nil }) throws {
        self.rule = rule
        let loop = try EventLoop(name: "peer")
        self.loop = loop
        let bound = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: port))
        address = bound.address
        thread = NamedThread("peer") { loop.run() }
        let settings = ServerSettings(
            connections: ConnectionLimit(100),
            memory: MemoryBudget(limitBytes: 1 << 30).share("peer"))
        let started = try HTTPServer(loop: loop, address: bound, settings: settings, handler: self)
        server.withLock { $0 = started }
    }

    /// Ends it; the port is free afterwards.
    func stop() {
        server.withLock { $0 }?.closeAll()
        loop.stop()
        thread?.join()
        server.withLock { $0 = nil }
    }

    /// Waits until this many different spans were taken.
    func wait(forSpans count: Int) {
        while seen.withLock({ $0.spans.count }) < count { arrived.wait() }
    }

    /// Waits until this many requests came, taken or not.
    func wait(forRequests count: Int) {
        while seen.withLock({ $0.requests }) < count { arrived.wait() }
    }

    /// How often each span was taken.
    var spans: [UInt64: Int] { seen.withLock { $0.spans } }
    /// Bytes of the largest request taken.
    var largest: Int { seen.withLock { $0.largest } }

    func admit(_ head: RequestHead) -> BodyPolicy { .read }

    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        let number = seen.withLock { seen in
            seen.requests += 1
            return seen.requests
        }
        defer { arrived.signal() }
        if let response = rule(number, body.count) { return responder.send(response) }
        var visitor = SpanCounter()
        var rejections = Rejections()
        _ = try? unsafe body.withBytes {
            try unsafe readTraces($0, visitor: &visitor, rejections: &rejections)
        }
        seen.withLock { seen in
            for span in visitor.spans { seen.spans[span, default: 0] += 1 }
            seen.largest = max(seen.largest, body.count)
        }
        responder.send(head.isGRPC ? .grpc(message: []) : Response(status: 200))
    }

    func answer(to fault: RequestFault, head: RequestHead) -> Response {
        head.isGRPC
            ? .grpc(code: fault.grpcCode, message: fault.message) : Response(status: fault.status)
    }
}

private struct SpanCounter: TraceVisitor {
    var spans: [UInt64] = []

    mutating func span(_ span: SpanView) {
        spans.append(unsafe span.spanID.buffer.reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// A trace request with spans of the given ids in one scope, each about `spanBytes` long.
func traceRequest(
    _ ids: Range<UInt64>, spanBytes: Int = 100, headerBytes: Int = 1,
    sizes: ((UInt64) -> Int)? = nil
) -> Payload {
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var length = bytes.count
        var varint: [UInt8] = []
        while length >= 0x80 {
            varint.append(UInt8(length & 0x7F) | 0x80)
            length >>= 7
        }
        return [number << 3 | 2] + varint + [UInt8(length)] + bytes
    }
    func bigEndian(_ id: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: id >> (56 - 8 * $0)) }
    }
    let spans = ids.flatMap { id in
        field(
            2,
            field(1, [UInt8](repeating: 7, count: 16)) + field(2, bigEndian(id))
                + field(
                    5, [UInt8](repeating: 0x61, count: max(1, (sizes?(id) ?? spanBytes) - 30))))
    }
    let resource = field(
        1,
        field(
            1,
            field(1, Array("service.name".utf8))
                + field(2, field(1, [UInt8](repeating: 0x78, count: headerBytes)))))
    let body = field(1, resource + field(2, field(1, field(1, [0x73])) + spans))
    return Payload(signal: .traces, items: ids.count, block: ByteBlock(body))
}
