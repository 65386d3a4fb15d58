import Synchronization

/// Which identity a listener's new connections get; nil is plain text. Connections keep the one
/// they began with. Any thread.
public final class TLSDoor: Sendable {
    private let identity: Mutex<TLSIdentity?>

    public init(_ identity: TLSIdentity? = nil) { self.identity = Mutex(identity) }

    public var current: TLSIdentity? { identity.withLock { $0 } }

    /// From the next connection on.
    public func use(_ identity: TLSIdentity?) { self.identity.withLock { $0 = identity } }
}
