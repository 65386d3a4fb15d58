import CCurl
import RoostCore
import Synchronization

/// Sends HTTP requests and unary gRPC calls, many at once, on one thread of its own.
///
/// `send`, `wake` and `stop` may be called from any thread. Answers are told on the
/// client's thread, so whoever is told must not block there.
public final class HTTPClient: Sendable {
    private struct State {
        var incoming: [Order] = []
        var isStopping = false
        /// Set once the thread has ended; nothing is taken any more.
        var isOver = false
    }

    private struct Order: Sendable {
        let request: ClientRequest
        let then: @Sendable (ClientAnswer) -> Void
    }

    private let multi: MultiHandle
    private let userAgent: String
    private let work: Work?
    private let state = Mutex(State())
    private let thread = Mutex<NamedThread?>(nil)

    /// What the client's thread does after every round of input and output: takes the monotonic
    /// time in nanoseconds, and answers when it wants to run again at the latest, nil for when
    /// woken. It runs for the first time before `init` has returned, so it is given the client.
    public typealias Work = @Sendable (_ client: HTTPClient, _ now: UInt64) -> UInt64?

    /// Makes the client and starts its thread, called `name` (at most 15 bytes).
    public init(
        name: String = "http-client", userAgent: String = "Roost",
        work: Work? = nil
    ) throws(ClientStartError) {
        _ = CurlVersion.loaded
        guard let multi = MultiHandle() else { throw .noHandle }
        self.multi = multi
        self.userAgent = userAgent
        self.work = work
        guard let started = NamedThread(name, { [self] in run() }) else { throw .noThread }
        thread.withLock { $0 = started }
    }

    /// Sends a request; `then` is called exactly once, on the client's thread.
    public func send(_ request: ClientRequest, then: @escaping @Sendable (ClientAnswer) -> Void) {
        let isTaken = state.withLock { state in
            guard !state.isOver else { return false }
            state.incoming.append(Order(request: request, then: then))
            return true
        }
        if isTaken { wake() } else { then(failed(.cancelled, "the client was stopped")) }
    }

    /// Sends a request and waits for its answer. Not on the client's own thread.
    public func perform(_ request: ClientRequest) -> ClientAnswer {
        let box = AnswerBox()
        send(request) { box.put($0) }
        return box.take()
    }

    /// Makes the thread run `work` soon.
    public func wake() { multi.wake() }

    /// Ends the thread, once the current round is over; requests under way are cancelled. Also from
    /// the client's own thread.
    public func stop() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    /// Waits until the thread has ended. Whoever calls it first waits, others return at once.
    public func join() {
        let thread = self.thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        thread?.join()
    }

    // MARK: The thread

    private func run() {
        var transfers: [UnsafeMutableRawPointer: Transfer] = unsafe [:]
        let sockets = ClientSockets()
        var stall = StallDetector()
        while true {
            let (orders, isStopping) = state.withLock { state in
                defer { state.incoming = [] }
                return (state.incoming, state.isStopping)
            }
            for order in orders { unsafe start(order, &transfers, sockets) }
            if isStopping {
                unsafe cancel(&transfers)
                break
            }
            multi.perform()
            unsafe finishDone(&transfers)
            unsafe transfers.values.forEach { $0.push() }
            let deadline = work?(self, monotonicNanoseconds())
            // An answer or `work` may just have sent something; then there is no time to wait.
            if state.withLock({ $0.incoming.isEmpty && !$0.isStopping }) {
                let isStalled = unsafe stall.note(transfers.values.map(\.progress))
                if isStalled {
                    unsafe multi.waitForInput(transfers.values.map(\.socket))
                } else {
                    multi.wait(until: deadline)
                }
            }
        }
        let late = state.withLock { state in
            defer { state.incoming = [] }
            state.isOver = true
            return state.incoming
        }
        for order in late { order.then(failed(.cancelled, "the client was stopped")) }
    }

    private func start(
        _ order: Order, _ transfers: inout [UnsafeMutableRawPointer: Transfer],
        _ sockets: ClientSockets
    ) {
        do throws(ClientFailure) {
            let transfer = try Transfer(
                order.request, userAgent: userAgent, sockets: sockets, then: order.then)
            guard unsafe multi.add(transfer.pointer) else {
                throw ClientFailure(.other, "libcurl did not take the request")
            }
            unsafe transfers[transfer.pointer] = transfer
        } catch {
            order.then(failed(error.kind, error.text))
        }
    }

    private func finishDone(_ transfers: inout [UnsafeMutableRawPointer: Transfer]) {
        while let (easy, code) = unsafe multi.nextDone() {
            guard let transfer = unsafe transfers.removeValue(forKey: easy) else { continue }
            // Out of the multi handle it no longer knows its connection.
            transfer.finish(code)
            unsafe multi.remove(easy)
            transfer.then(transfer.answer)
        }
    }

    private func cancel(_ transfers: inout [UnsafeMutableRawPointer: Transfer]) {
        let cancelled = unsafe transfers
        unsafe transfers = [:]
        for unsafe(easy, transfer) in unsafe cancelled {
            unsafe multi.remove(easy)
            transfer.then(failed(.cancelled, "the request was cancelled"))
        }
    }

    private func failed(_ kind: ClientFailure.Kind, _ text: String) -> ClientAnswer {
        var answer = ClientAnswer()
        answer.failure = ClientFailure(kind, text)
        return answer
    }
}

/// Why a client could not be made.
public enum ClientStartError: Error, Equatable {
    /// libcurl has no memory or no sockets for a multi handle.
    case noHandle
    /// The system has no more threads to give.
    case noThread
}

/// Finds out when waiting the usual way has become a busy loop.
///
/// While an HTTP/2 peer gives no window for more of a body, libcurl 7.88 still waits for its socket
/// to be writable, which it is: every wait ends at once. Then only what the peer sends can help.
struct StallDetector {
    /// So many rounds without a byte may happen in good order, as in a TLS handshake.
    static let patience = 16

    private var last: [Int] = []
    private var rounds = 0

    /// Takes the progress of every request after a round; whether nothing has moved for long.
    mutating func note(_ progress: [Int]) -> Bool {
        rounds = progress == last && !progress.isEmpty ? rounds + 1 : 0
        last = progress
        return rounds > Self.patience
    }
}

/// Where `perform` waits.
private final class AnswerBox: Sendable {
    private let answer = Mutex<ClientAnswer?>(nil)
    private let signal = Semaphore()

    func put(_ value: ClientAnswer) {
        answer.withLock { $0 = value }
        signal.signal()
    }

    func take() -> ClientAnswer {
        while true {
            if let answer = answer.withLock({ $0 }) { return answer }
            signal.wait()
        }
    }
}
