import RoostCore

/// One loop's listener on an address, and the connections it accepted.
///
/// Speaks HTTP/1.1 and, when a connection begins with its preface, HTTP/2.
@safe public final class HTTPServer: @unchecked Sendable {
    // Sendable: all state belongs to the loop's thread; the public functions post themselves there.

    public let loop: EventLoop
    public let address: ListenAddress
    let settings: ServerSettings
    let handler: any RequestHandler

    /// Opens the socket here and starts to accept on the loop. Any thread; `handler` is used on the
    /// loop's thread only.
    public init(
        loop: EventLoop, address: BoundAddress, settings: ServerSettings,
        handler: any RequestHandler
    ) throws(ListenError) {
        self.loop = loop
        self.address = address.address
        self.settings = settings
        self.handler = handler
    }

    /// Closes the listener; open connections go on. Any thread.
    public func stopAccepting() {}

    /// Stops accepting, tells the peers to go, and calls `done` on the loop when the last request
    /// is answered and the last connection closed. Any thread.
    public func drain(_ done: @escaping @Sendable () -> Void) {}

    /// Closes the listener and every connection, whatever is under way. Any thread.
    public func closeAll() {}
}
