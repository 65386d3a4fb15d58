import RoostCore
import Synchronization

@testable import RoostNet

/// A handler whose answers a test decides, and which notes what it was asked.
final class TestHandler: RequestHandler {
    var admits: (RequestHead) -> BodyPolicy = { _ in .read }
    var answers: (RequestHead, ByteBlock, Responder) -> Void = { _, body, responder in
        responder.send(Response(status: 200, body: .bytes(body.array)))
    }
    var bodies: [[UInt8]] = []
    var faults: [RequestFault] = []

    func admit(_ head: RequestHead) -> BodyPolicy { admits(head) }

    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        bodies.append(body.array)
        answers(head, body, responder)
    }

    func answer(to fault: RequestFault, head: RequestHead) -> Response {
        faults.append(fault)
        return head.isGRPC
            ? .grpc(code: fault.grpcCode, message: fault.message)
            : Response(status: fault.status, body: .bytes(Array(fault.message.utf8)))
    }
}

/// Milliseconds that pass when a test says so.
final class ManualClock {
    var now: UInt64 = 1_000
}

/// Everything a session needs but a socket.
final class Bench: SessionHost {
    let handler = TestHandler()
    let clock = ManualClock()
    let budget: MemoryBudget
    let settings: ServerSettings
    let context: ServerContext
    var outputNotes = 0
    var unwrittenBytes = 0

    init(memory: Int = 64 << 20, _ change: (inout ServerSettings) -> Void = { _ in }) {
        budget = MemoryBudget(limitBytes: memory)
        var settings = ServerSettings(
            connections: ConnectionLimit(16), memory: budget.share("test"))
        change(&settings)
        self.settings = settings
        let clock = clock
        context = ServerContext(
            settings: settings, handler: handler, loop: nil, clock: { clock.now })
    }

    func sessionHasOutput() { outputNotes += 1 }

    func http1() -> HTTP1Session {
        HTTP1Session(context: context, peer: Peer(text: "test"), host: self)
    }

    func http2() -> HTTP2Session? {
        HTTP2Session(context: context, peer: Peer(text: "test"), host: self)
    }
}

/// Feeds text and answers all output so far.
func exchange(_ session: any ProtocolSession, _ text: String) -> String {
    var text = text
    text.withUTF8 { unsafe session.receive(UnsafeRawBufferPointer($0)) }
    return String(decoding: drained(session), as: UTF8.self)
}

/// All output that a session has.
func drained(_ session: any ProtocolSession) -> [UInt8] {
    var output = OutputBuffer(reserving: 1_024)
    var all: [UInt8] = []
    repeat {
        output.removeAll()
        session.drain(into: &output)
        unsafe all.append(contentsOf: output.bytes)
    } while !output.isEmpty
    return all
}

/// A source of pieces that are given one by one.
final class PieceSource: BodySource {
    var pieces: [[UInt8]]
    var isOpen = false
    var isCancelled = false
    var asked = 0

    init(_ pieces: [String]) { self.pieces = pieces.map { Array($0.utf8) } }

    /// A piece of which the system takes a part at the most, and then nothing more for now: what is
    /// left of it is larger than 4 MiB, the most that Linux buffers for a sender by itself, whatever
    /// that takes of it. tcp(7), tcp_wmem.
    static func stuck() -> PieceSource {
        let source = PieceSource([])
        source.pieces = [[UInt8](repeating: 0x30, count: stuckBytes)]
        source.isOpen = true
        return source
    }

    static let stuckBytes = 12 << 20

    func next(into bytes: inout [UInt8]) -> Bool {
        asked += 1
        if !pieces.isEmpty { bytes += pieces.removeFirst() }
        return isOpen || !pieces.isEmpty
    }

    func cancel() { isCancelled = true }
}

/// A server on a free port, its loop on a thread of its own.
func withServer(
    _ handler: TestHandler = TestHandler(), settings: ServerSettings = Bench().settings,
    _ body: (LoopThread, HTTPServer, UInt16) throws -> Void
) throws {
    let bound = try BoundAddress.reserve(ListenAddress(host: "127.0.0.1", port: 0))
    let thread = try LoopThread()
    let server = try HTTPServer(
        loop: thread.loop, address: bound, settings: settings, handler: handler)
    defer { thread.stop(server) }
    try body(thread, server, bound.address.port)
}

/// Counts across threads.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add(_ amount: Int) { count.wrappingAdd(amount, ordering: .relaxed) }
}

/// A body of zeros.
final class CountingSource: BodySource {
    private var left: Int
    private let asked: Counter
    private static let piece = [UInt8](repeating: 0x30, count: 128 << 10)

    init(left: Int, asked: Counter) {
        self.left = left
        self.asked = asked
    }

    func next(into bytes: inout [UInt8]) -> Bool {
        let count = min(left, 128 << 10)
        bytes.append(contentsOf: CountingSource.piece[..<count])
        left -= count
        asked.add(count)
        return left > 0
    }
}
