import RoostCore
import RoostHTTPClient
import RoostWire
import Synchronization

/// Carries requests to the collector as an SDK's exporters do: several at once, and again later
/// where the answer asks for it.
///
/// Any thread. At most 64 MiB wait; what comes then is lost, and counted.
final class Courier: Sendable {
    private struct Parcel {
        var signal: Signal
        var items: Int
        var body: ByteSlice
        var attempts = 0
        /// Monotonic nanoseconds before which it is not sent again.
        var notBefore: UInt64 = 0
    }

    private struct State {
        var waiting: [Parcel] = []
        var waitingBytes = 0
        var inFlight = 0
        var delivery = Delivery()
        /// Why the last request did not get through; nil after one that did.
        var trouble: String?
    }

    private let post: @Sendable (ClientRequest, @escaping @Sendable (ClientAnswer) -> Void) -> Void
    private let options: DemoOptions
    private let state = Mutex(State())

    private static let maxWaitingBytes = 64 << 20
    private static let maxInFlight = 8

    /// `post` sends one request and calls back once, on any thread.
    init(
        options: DemoOptions,
        post:
            @escaping @Sendable (ClientRequest, @escaping @Sendable (ClientAnswer) -> Void) ->
            Void
    ) {
        self.options = options
        self.post = post
    }

    /// A request without spans, which counts nothing, to see whether a collector answers.
    var probe: ClientRequest { request(.traces, ByteBlock([]).slice) }

    func send(_ encoded: EncodedRequest) {
        state.withLock { state in
            guard state.waitingBytes + encoded.bytes.count <= Self.maxWaitingBytes else {
                state.delivery[encoded.signal].lost += encoded.items
                state.delivery.note(fault: "more was waiting than 64 MiB")
                return
            }
            state.waiting.append(
                Parcel(
                    signal: encoded.signal, items: encoded.items,
                    body: ByteBlock(encoded.bytes).slice))
            state.waitingBytes += encoded.bytes.count
        }
        pump()
    }

    /// Sends what is due; called after every answer and at every tick.
    func pump() {
        let now = monotonicNanoseconds()
        while let parcel = state.withLock({ Self.take(&$0, at: now) }) {
            post(request(parcel.signal, parcel.body)) { [self] answer in
                settle(parcel, Outcome(answer, over: options.transport))
                pump()
            }
        }
    }

    /// Whether nothing waits and nothing is on its way.
    var isIdle: Bool { state.withLock { $0.waiting.isEmpty && $0.inFlight == 0 } }

    var delivery: Delivery { state.withLock { $0.delivery } }

    var trouble: String? { state.withLock { $0.trouble } }

    /// Counts what still waits as lost.
    func giveUp() {
        state.withLock { state in
            for parcel in state.waiting { state.delivery[parcel.signal].lost += parcel.items }
            if let trouble = state.trouble, !state.waiting.isEmpty {
                state.delivery.note(fault: trouble)
            }
            state.waiting.removeAll()
            state.waitingBytes = 0
        }
    }

    private static func take(_ state: inout State, at now: UInt64) -> Parcel? {
        guard state.inFlight < maxInFlight,
            let index = state.waiting.firstIndex(where: { $0.notBefore <= now })
        else { return nil }
        let parcel = state.waiting.remove(at: index)
        state.waitingBytes -= parcel.body.count
        state.inFlight += 1
        state.delivery.requests += 1
        if parcel.attempts > 0 { state.delivery.repeated += 1 }
        return parcel
    }

    private func settle(_ parcel: Parcel, _ outcome: Outcome) {
        state.withLock { state in
            state.inFlight -= 1
            switch outcome {
            case .accepted(let rejected, let message):
                let lost = min(rejected, parcel.items)
                state.delivery[parcel.signal].sent += parcel.items - lost
                state.delivery[parcel.signal].refused += lost
                if lost > 0 { state.delivery.note(fault: message) }
                state.trouble = nil
            case .refused(let reason):
                state.delivery[parcel.signal].refused += parcel.items
                state.delivery.note(fault: reason)
            case .later(let reason, let after):
                var again = parcel
                let wait = after ?? Double(1 << min(parcel.attempts, 4))
                again.attempts += 1
                again.notBefore =
                    monotonicNanoseconds() + UInt64(min(max(wait, 0.1), 30) * 1_000_000_000)
                state.waiting.append(again)
                state.waitingBytes += again.body.count
                state.trouble = reason
            }
        }
    }

    private func request(_ signal: Signal, _ body: ByteSlice) -> ClientRequest {
        var request = ClientRequest(url: options.url(for: signal))
        request.body = [body]
        request.tls = options.tls
        switch options.transport {
        case .grpc: request.flavour = .grpc(compression: nil)
        case .http: request.headers = [("Content-Type", "application/x-protobuf")]
        }
        if let token = options.token {
            request.headers.append(("authorization", "Bearer " + token))
        }
        return request
    }
}

extension DemoOptions {
    /// Where requests of `signal` go.
    func url(for signal: Signal) -> String {
        switch transport {
        case .http: endpoint + "/v1/" + signal.name
        case .grpc:
            switch signal {
            case .traces:
                endpoint + "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
            case .metrics:
                endpoint + "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
            case .logs: endpoint + "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
            }
        }
    }
}
