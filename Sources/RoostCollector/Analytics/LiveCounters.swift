package import Synchronization

/// What live streams have done, for `/status` and metrics. Any thread.
package final class LiveCounters: Sendable {
    package let connections = Atomic<Int>(0)
    /// Events that were offered to those who listen.
    package let events = Atomic<UInt64>(0)
    /// Messages handed to clients, and messages that clients were too slow for.
    package let delivered = Atomic<UInt64>(0)
    package let lost = Atomic<UInt64>(0)
}
