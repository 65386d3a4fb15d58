/// Takes the answer to one request. It may be kept and used later; exactly one answer counts.
///
/// Loop thread only, except `sendFromAnyThread`. When the peer or the deadline was quicker, the
/// answer is dropped.
public struct Responder {
    let sink: any ResponseSink
    private let loop: EventLoop?

    init(sink: any ResponseSink, loop: EventLoop?) {
        self.sink = sink
        self.loop = loop
    }

    /// One that hands its answer to `capture`, for the tests of handlers.
    public init(capture: @escaping (Response) -> Void) {
        self.init(sink: CapturedResponse(capture), loop: nil)
    }

    public func send(_ response: Response) { sink.send(response) }

    /// Whether nobody waits for the answer any more: the peer went away, the deadline passed, or
    /// the request is answered.
    public var isGone: Bool { sink.isGone }

    /// Asks the body's source again after it had nothing to give.
    public func resumeBody() { sink.resumeBody() }

    /// Ends the answer where it is, so that the peer sees that it is not whole: the stream is reset,
    /// or the connection. What the answer holds is let go of at once.
    public func breakOff() { sink.breakOff() }

    /// A door for other threads: they may keep it and answer through it.
    public var fromAnyThread: RemoteResponder { RemoteResponder(responder: self, loop: loop) }
}

/// A responder for threads other than the loop's.
public struct RemoteResponder: @unchecked Sendable {
    // Sendable: `responder` is touched on its loop only, inside posted work.
    fileprivate let responder: Responder
    fileprivate let loop: EventLoop?

    /// Posts the answer to the loop. Any thread.
    public func send(_ response: sending Response) {
        perform(response) { $0.send($1) }
    }

    /// Posts `Responder.resumeBody()` to the loop. Any thread.
    public func resumeBody() {
        guard let loop else { return responder.resumeBody() }
        loop.post { responder.resumeBody() }
    }

    private func perform(
        _ response: sending Response, _ work: @escaping @Sendable (Responder, Response) -> Void
    ) {
        let parcel = Parcel(response: response)
        guard let loop else { return work(responder, parcel.response) }
        loop.post { work(responder, parcel.response) }
    }
}

/// Carries an answer from the thread that made it, and lets go of it, to the loop.
private struct Parcel: @unchecked Sendable { let response: Response }

/// Whatever an answer is given to. Loop thread only.
protocol ResponseSink: AnyObject {
    var isGone: Bool { get }
    func send(_ response: Response)
    func resumeBody()
    func breakOff()
}

private final class CapturedResponse: ResponseSink {
    private let capture: (Response) -> Void
    private(set) var isGone = false

    init(_ capture: @escaping (Response) -> Void) { self.capture = capture }

    func send(_ response: Response) {
        guard !isGone else { return }
        isGone = true
        capture(response)
    }

    func resumeBody() {}
    func breakOff() {}
}
