/// Somebody at the other end of a live stream. Confined to the web loop.
protocol LiveClient: AnyObject {
    /// Messages that were not sent since the client was last told.
    var lost: Int { get set }

    /// The number of the latest event that it knows of: it is told later ones. 0 before it came.
    var latest: UInt64 { get set }

    /// It has gone, or was never there; nothing reaches it any more.
    var isOver: Bool { get }

    /// Queues a message, to be followed by `flush`; false when too much is waiting already.
    func send(_ text: LiveText) -> Bool

    /// Hands on what was queued. It may turn out that the client is gone.
    func flush()

    /// Whether something that was queued waits for the client to read.
    var hasUnsent: Bool { get }

    /// Calls once, when nothing waits any more; only to be asked for while something does. Inside
    /// of the call nothing may be sent.
    func whenSent(_ call: @escaping () -> Void)

    /// Shows that the stream is alive.
    func beat()

    /// Ends the stream behind what was queued, with a reason in words where there is a place for one.
    func end(_ reason: String)
}
