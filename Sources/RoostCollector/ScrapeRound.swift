import RoostNet

/// One scrape's wait for the loops: until all have told what they counted, and no longer than a
/// busy one may keep the others' figures back. Confined to the loop that it is made on.
final class ScrapeRound {
    private var missing: Int
    private var done: (() -> Void)?
    private var patience: LoopTimer?

    /// `done` is called once.
    init(
        waitingFor count: Int, atMost milliseconds: UInt64, on loop: EventLoop,
        _ done: @escaping () -> Void
    ) {
        missing = count
        self.done = done
        patience = loop.schedule(afterMilliseconds: milliseconds) { [self] in finish() }
    }

    /// One of them has answered; after the end that does nothing.
    func arrived() {
        missing -= 1
        if missing == 0 { finish() }
    }

    private func finish() {
        patience?.cancel()
        patience = nil
        let done = done
        self.done = nil
        done?()
    }
}
