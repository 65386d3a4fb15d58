import RoostCore
import RoostNet

/// Reads the figures of the machine beside the web loop, at most once a second. Confined to the loop.
final class HostReader {
    private let loop: EventLoop
    /// As they were read last.
    private(set) var families: [SelfFamily] = []
    private var lastRead: UInt64 = 0
    private var isReading = false
    private var waiting: [() -> Void] = []

    private static let leastPause: UInt64 = 1_000_000_000
    private static let mostWaiting = 64

    init(loop: EventLoop) { self.loop = loop }

    /// `then` is called on the loop when `families` are of the last second.
    func read(_ then: @escaping () -> Void) {
        let now = monotonicNanoseconds()
        if !families.isEmpty, now &- lastRead < Self.leastPause { return then() }
        guard waiting.count < Self.mostWaiting else { return then() }
        waiting.append(then)
        // A scrape gives up waiting by itself; the next one finds the same reading under way.
        guard !isReading else { return }
        isReading = true
        loop.offload({ HostStatistics() }) { [self] statistics in
            families = statistics.families
            lastRead = monotonicNanoseconds()
            isReading = false
            let done = waiting
            waiting = []
            for then in done { then() }
        }
    }
}
