package import RoostAnalytics
import Synchronization

/// Events on their way from the analytics thread to the loop of those who listen.
///
/// It holds so many bytes: while the loop is slow, events stay in the ring of `Analytics`, and what
/// that forgets is counted as missed. Any thread.
package final class LiveMailbox: Sendable {
    package enum Entry: Sendable {
        case message(LiveMessage)
        /// So many events that nobody keeps any more, the last of which had the number `through`.
        case missed(UInt64, through: UInt64)
    }

    private struct State {
        var entries: [Entry] = []
        var bytes = 0
        /// There is more where this came from.
        var isCut = false
    }

    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    /// One request of the most events makes some 20,000 messages of 300 to 400 bytes.
    static let mostBytes = 8 << 20
    /// Of a message beside its text.
    private static let overhead = 128

    /// `wake` is called whenever something lies here after there was nothing, by whoever puts it.
    package init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// Whether more may be put; who is told no is to come back when asked.
    var hasRoom: Bool {
        state.withLock { state in
            if state.bytes >= Self.mostBytes { state.isCut = true }
            return state.bytes < Self.mostBytes
        }
    }

    /// Puts messages that came after `missed` others. `isCut` when there are more.
    func put(missed: UInt64, _ messages: [LiveMessage], isCut: Bool = false) {
        guard !messages.isEmpty else { return }
        let wasEmpty = state.withLock { state in
            let wasEmpty = state.entries.isEmpty
            if missed > 0, let first = messages.first?.id {
                state.entries.append(.missed(missed, through: first - 1))
            }
            for message in messages {
                state.entries.append(.message(message))
                state.bytes += message.json.count + Self.overhead
            }
            if isCut { state.isCut = true }
            return wasEmpty
        }
        if wasEmpty { wake() }
    }

    /// Takes out everything. `isCut` when something found no room: then
    /// `AnalyticsService.tellListeners` brings what comes next.
    package func takeAll() -> (entries: [Entry], isCut: Bool) {
        state.withLock { state in
            defer { state = State() }
            return (state.entries, state.isCut)
        }
    }
}
