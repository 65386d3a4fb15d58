package import RoostAnalytics
import Synchronization

/// Events on their way from the analytics thread to the loop of those who listen.
///
/// It holds so much and no more: while the loop is slow, events stay in the ring of `Analytics`, and
/// what that forgets is counted as missed. Any thread.
package final class LiveMailbox: Sendable {
    /// What came since the last time.
    package struct Mail: Sendable {
        /// Events before these that nobody keeps any more.
        package var missed: UInt64 = 0
        package var messages: [LiveMessage] = []
        /// There is more where this came from.
        package var isCut = false
    }

    private let mail = Mutex(Mail())
    private let wake: @Sendable () -> Void

    /// Messages that find room.
    static let most = 4_096

    /// `wake` is called whenever something lies here after there was nothing, by whoever puts it.
    package init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// For how many more messages there is room; who sees none comes back when asked.
    func room() -> Int {
        mail.withLock { mail in
            let room = max(Self.most - mail.messages.count, 0)
            if room == 0 { mail.isCut = true }
            return room
        }
    }

    /// Puts in what there was room for.
    func put(missed: UInt64, _ messages: [LiveMessage]) {
        guard missed > 0 || !messages.isEmpty else { return }
        let wasEmpty = mail.withLock { mail in
            let wasEmpty = mail.messages.isEmpty && mail.missed == 0
            mail.missed &+= missed
            mail.messages += messages
            return wasEmpty
        }
        if wasEmpty { wake() }
    }

    /// Takes out the oldest, `most` at most. `isCut` is set when messages are left here, or found no
    /// room: then `AnalyticsService.tellListeners` brings what comes next.
    package func take(most: Int) -> Mail {
        mail.withLock { mail in
            var taken = mail
            mail = Mail()
            if taken.messages.count > most {
                mail.messages = Array(taken.messages[most...])
                taken.messages.removeSubrange(most...)
                taken.isCut = true
            }
            return taken
        }
    }
}
