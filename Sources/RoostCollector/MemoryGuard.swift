import RoostCore
import Synchronization

/// Has a `MemoryKeeper` look: every 20 ms near the limit, else every 100 ms, and before much memory
/// is taken at once. Any thread.
final class MemoryGuard: Sendable {
    private struct State {
        var keeper: MemoryKeeper
        var looksSkipped = 0
        var isGivingBack = false
    }

    private let state: Mutex<State>
    /// The thread pool inflates, and what is waited for there is what memory is short of.
    private let worker = WorkThread("memory")

    init(budget: MemoryBudget) {
        state = Mutex(State(keeper: MemoryKeeper(budget: budget)))
        budget.beforeMuchIsTaken { [weak self] in self?.look() }
    }

    /// To be called every 20 ms.
    func tick() {
        let isDue = state.withLock { state in
            state.looksSkipped &+= 1
            guard state.keeper.isNear || state.looksSkipped >= 5 else { return false }
            state.looksSkipped = 0
            return true
        }
        if isDue { look() }
    }

    /// Who looks at the same time as another has that one's answer.
    private func look() {
        let givesBack = state.withLockIfAvailable { state in
            let isWanted = state.keeper.look(
                now: monotonicNanoseconds(), resident: residentMemoryBytes)
            guard isWanted, !state.isGivingBack else { return false }
            state.isGivingBack = true
            return true
        }
        guard givesBack == true, let worker else { return }
        worker.add { [weak self] in
            Allocator.giveBackFreeMemory()
            CodePages.forget()
            self?.state.withLock { $0.isGivingBack = false }
        }
    }

    deinit { worker?.stop() }
}
