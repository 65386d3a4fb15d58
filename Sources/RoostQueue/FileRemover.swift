import RoostCore
import Synchronization

/// Deletes segments beside the commit thread: for a large one a file system takes 10 ms and more, in
/// which nobody would get an answer. The commit thread's own.
final class FileRemover: Sendable {
    private struct State {
        var waiting: [UInt64] = []
        /// The thread is at one.
        var isAtWork = false
        var refused: [UInt64] = []
        var isStopping = false
    }

    private let folder: String
    private let state = Mutex(State())
    private let changed = Semaphore()
    private let done = WakeUp()
    private let thread = Mutex<NamedThread?>(nil)

    /// Nil when the system has no more threads to give.
    init?(folder: String) {
        self.folder = folder
        guard let started = NamedThread("queue-remove", { [self] in run() }) else { return nil }
        thread.withLock { $0 = started }
    }

    /// Not yet deleted.
    var count: Int { state.withLock { $0.waiting.count + ($0.isAtWork ? 1 : 0) } }

    func remove(_ ids: [UInt64]) {
        state.withLock { $0.waiting += ids }
        changed.signal()
    }

    /// Segments that the system did not delete; told once.
    func takeRefused() -> [UInt64] {
        state.withLock { state in
            defer { state.refused = [] }
            return state.refused
        }
    }

    /// Returns when nothing is left to delete; answers whether there was something.
    func finish() -> Bool {
        guard count > 0 else { return false }
        while count > 0 { done.wait(untilMonotonic: monotonicNanoseconds() &+ 1_000_000_000) }
        return true
    }

    /// Deletes what is left and ends the thread.
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
            let (id, isStopping) = state.withLock { state -> (UInt64?, Bool) in
                state.isAtWork = !state.waiting.isEmpty
                guard state.isAtWork else { return (nil, state.isStopping) }
                return (state.waiting.removeFirst(), false)
            }
            guard let id else {
                done.signal()
                if isStopping { return }
                changed.wait()
                continue
            }
            do throws(QueueFault) {
                try QueueFolder.remove(folder + "/" + SegmentFormat.fileName(id))
            } catch {
                state.withLock { $0.refused.append(id) }
            }
        }
    }
}
