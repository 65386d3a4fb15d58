import RoostCore
import Synchronization

/// Does long work in order on a thread of its own, so that the thread that talks to all
/// destinations never stands still for one of them.
final class WorkThread: Sendable {
    private struct State {
        var jobs = Ring<@Sendable () -> Void>()
        var isStopping = false
    }

    private let state = Mutex(State())
    private let changed = Semaphore()
    private let thread = Mutex<NamedThread?>(nil)

    /// Nil when the system has no more threads to give.
    init?(_ name: String) {
        guard let started = NamedThread(name, { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    /// Runs `job` on the thread, after those before it.
    func add(_ job: @escaping @Sendable () -> Void) {
        state.withLock { $0.jobs.append(job) }
        changed.signal()
    }

    /// Ends the thread after the job it is at; others are forgotten.
    func stop() {
        state.withLock { $0.isStopping = true }
        changed.signal()
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func run() {
        while true {
            let (job, isStopping) = state.withLock { ($0.jobs.removeFirst(), $0.isStopping) }
            if isStopping { return }
            if let job { job() } else { changed.wait() }
        }
    }
}
