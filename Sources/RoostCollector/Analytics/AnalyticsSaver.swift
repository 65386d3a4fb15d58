import RoostAnalytics
import RoostCore
import Synchronization

/// Writes the file of analytics on a thread of its own, so that whoever has something to be kept waits
/// for no disk. One at a time writes, and of what comes meanwhile only the latest is written. Any
/// thread.
final class AnalyticsSaver: Sendable {
    private struct State {
        var waiting: AnalyticsMemory?
        /// With the thread, which is there for as long as this is.
        var underWay: AnalyticsMemory?
        var problem: String?
        /// To be opened when nothing waits.
        var latches: [Latch] = []

        /// Whether a thread is to be started for it.
        mutating func put(_ memory: AnalyticsMemory) -> Bool {
            guard underWay == nil else {
                waiting = memory
                return false
            }
            underWay = memory
            return true
        }

        /// Ends what is under way; `problem` is nil when it is on the disk. What is to be told is nil
        /// when it was told before.
        mutating func end(_ problem: String?) -> (told: String?, next: AnalyticsMemory?, [Latch]) {
            let told = problem == self.problem ? nil : problem
            self.problem = problem
            underWay = waiting
            waiting = nil
            guard underWay == nil else { return (told, underWay, []) }
            defer { latches = [] }
            return (told, nil, latches)
        }
    }

    private let file: AnalyticsFile
    private let log: Log
    private let state = Mutex(State())

    init(_ file: AnalyticsFile, log: Log) {
        self.file = file
        self.log = log
    }

    /// What was put last, whether it is on the disk or not. Reads the disk unless something waits.
    func latest() -> AnalyticsMemory {
        state.withLock { $0.waiting ?? $0.underWay } ?? file.read()
    }

    /// Has it written instead of what was put before.
    func put(_ memory: AnalyticsMemory) {
        guard state.withLock({ $0.put(memory) }) else { return }
        guard let thread = NamedThread("analytics-save", { [self] in write(memory) }) else {
            return write(memory)
        }
        thread.detach()
    }

    /// Waits until what was put is on the disk or cannot be written, or until `deadline` (monotonic
    /// nanoseconds); answers whether it waited for long enough.
    func finish(deadline: UInt64) -> Bool {
        let latch = Latch(1)
        state.withLock { state in
            if state.underWay == nil { latch.countDown() } else { state.latches.append(latch) }
        }
        return latch.wait(untilMonotonic: deadline)
    }

    private func write(_ first: AnalyticsMemory) {
        var next: AnalyticsMemory? = first
        while let memory = next {
            let problem = file.write(memory)
            let (told, following, latches) = state.withLock { $0.end(problem) }
            if let told { log.warn("what analytics have learned cannot be written down: \(told)") }
            for latch in latches { latch.countDown() }
            next = following
        }
    }
}
