import RoostCollector
import RoostNet

/// Lets the bodies of scrapes make one slice in each turn of the web loop, one after another.
///
/// A scraper on the same machine reads as fast as it is written to. Without turns its whole page,
/// and those of others beside it, would be rendered before anybody looks at a probe.
/// Confined to the web loop.
final class SliceTurns {
    /// Whoever takes turns.
    protocol Member: AnyObject {
        /// Asks for a slice now; nothing happens while the peer's socket is full.
        func resume()
    }

    private let loop: EventLoop
    private var waiting: [any Member] = []
    private var current: (any Member)?

    init(loop: EventLoop) { self.loop = loop }

    /// Whether it is the turn of `member`, which ends with this; else it gets one later.
    func take(_ member: some Member) -> Bool {
        if current === member {
            current = nil
            return true
        }
        if !waiting.contains(where: { $0 === member }) {
            waiting.append(member)
            if waiting.count == 1 { postTurn() }
        }
        return false
    }

    /// Runs `work` in the loop's next turn.
    func afterwards(_ work: @escaping () -> Void) {
        let home = LoopOwned(work, on: loop)
        home.post { $0() }
    }

    /// Posted work runs in the loop's next turn, beside what the sockets brought meanwhile.
    private func postTurn() {
        let home = LoopOwned(self, on: loop)
        home.post { $0.giveTurn() }
    }

    private func giveTurn() {
        guard !waiting.isEmpty else { return }
        let next = waiting.removeFirst()
        if !waiting.isEmpty { postTurn() }
        current = next
        next.resume()
        current = nil
    }
}
