import Glibc
import RoostCore
import RoostNet
import Synchronization

/// A server that does nothing with what it gets, to measure the transport alone.
///
///     bench-net [ADDRESS]
///
/// `/stream/N` answers N bytes from a source, `/later` answers from another thread, everything else
/// 200 with the body's length; gRPC calls an empty message, `/refuse/…` UNAVAILABLE. SIGTERM drains
/// and prints requests, bytes and CPU seconds as JSON.
@main
struct BenchNet {
    static func main() throws {
        let text = CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "127.0.0.1:0"
        guard let asked = ListenAddress(text) else { exit(2) }
        let bound: BoundAddress
        do { bound = try BoundAddress.reserve(asked) } catch {
            print(error)
            exit(1)
        }
        let loop = try EventLoop(name: "bench")
        let budget = MemoryBudget(limitBytes: 512 << 20)
        var settings = ServerSettings(
            connections: ConnectionLimit(4_096), memory: budget.share("receivers"))
        settings.bodyTimeout = .seconds(3)
        settings.headerTimeout = .seconds(2)
        let echo = Echo()
        let server = try HTTPServer(
            loop: loop, address: bound, settings: settings, handler: echo)
        print("listening on \(bound.address)")
        fflush(nil)
        let watcher = SignalWatcher()
        watcher.start { server.drain { loop.stop() } }
        loop.run()
        report(echo, settings.counters.values, budget)
    }

    private static func report(
        _ echo: Echo, _ counters: ServerCounters.Values, _ budget: MemoryBudget
    ) {
        var usage = rusage()
        unsafe getrusage(0, &usage)
        let user = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
        let system = Double(usage.ru_stime.tv_sec) + Double(usage.ru_stime.tv_usec) / 1e6
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("requests", echo.requests)
        writer.field("bytes", echo.bytes)
        writer.field("user_seconds", user)
        writer.field("system_seconds", system)
        writer.field(
            "microseconds_per_request", (user + system) * 1e6 / Double(max(echo.requests, 1)))
        writer.field("max_rss_kib", usage.ru_maxrss)
        writer.field("reserved_bytes_left", budget.usedBytes)
        writer.field("counters", "\(counters)")
        writer.endObject()
        print(String(decoding: writer.bytes, as: UTF8.self))
    }
}

private final class Echo: RequestHandler {
    var requests = 0
    var bytes = 0

    func admit(_ head: RequestHead) -> BodyPolicy {
        head.pathIs("/missing") ? .answer(Response(status: 404)) : .read
    }

    func handle(_ head: RequestHead, body: ByteBlock, responder: Responder) {
        requests += 1
        bytes += body.count
        if head.isGRPC {
            responder.send(
                head.pathIs("/refuse/Call")
                    ? .grpc(code: 14, message: "nicht jetzt – später", details: [8, 14])
                    : .grpc(message: []))
        } else if head.pathIs("/later") {
            answerLater(responder.fromAnyThread, body.count)
        } else if head.pathIs("/stream") {
            responder.send(
                Response(status: 200, body: .stream(Zeros(left: Int(head.query) ?? 0))))
        } else {
            responder.send(Response(status: 200, body: .bytes(Array("\(body.count)".utf8))))
        }
    }

    func answer(to fault: RequestFault, head: RequestHead) -> Response {
        head.isGRPC
            ? .grpc(code: fault.grpcCode, message: fault.message)
            : Response(status: fault.status, body: .bytes(Array(fault.message.utf8)))
    }

    private func answerLater(_ responder: RemoteResponder, _ count: Int) {
        let thread = Background {
            usleep(50_000)
            responder.send(Response(status: 200, body: .bytes(Array("later \(count)".utf8))))
        }
        thread.start()
    }
}

private final class Zeros: BodySource {
    private var left: Int

    init(left: Int) { self.left = left }

    func next(into bytes: inout [UInt8]) -> Bool {
        let count = min(left, 128 << 10)
        bytes.append(contentsOf: repeatElement(0x30, count: count))
        left -= count
        return left > 0
    }
}

/// A detached thread that runs one closure.
final class Background: Sendable {
    private let work: @Sendable () -> Void

    init(_ work: @escaping @Sendable () -> Void) { self.work = work }

    func start() {
        var thread = pthread_t()
        let data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe pthread_create(
            &thread, nil,
            { data in
                guard let data = unsafe data else { return nil }
                unsafe Unmanaged<Background>.fromOpaque(data).takeRetainedValue().work()
                return nil
            }, data)
        pthread_detach(thread)
    }
}

/// Waits for SIGTERM or SIGINT on a thread of its own.
struct SignalWatcher {
    func start(_ work: @escaping @Sendable () -> Void) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGTERM)
        unsafe sigaddset(&set, SIGINT)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        Background {
            var set = sigset_t()
            unsafe sigemptyset(&set)
            unsafe sigaddset(&set, SIGTERM)
            unsafe sigaddset(&set, SIGINT)
            var signal: CInt = 0
            unsafe sigwait(&set, &signal)
            work()
        }.start()
    }
}
