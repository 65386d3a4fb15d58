import Synchronization

/// What became of steps that were told without spans and log records, which no ledger counts. Any
/// thread.
final class ToldStepCounts: Sendable {
    private struct State {
        var offered: UInt64 = 0
        var dropped: [StoreDropReason: UInt64] = [:]
    }

    private let state = Mutex(State())

    func offer(_ steps: Int) { state.withLock { $0.offered &+= UInt64(steps) } }

    func drop(_ steps: Int, _ reason: StoreDropReason) {
        state.withLock { $0.dropped[reason, default: 0] &+= UInt64(steps) }
    }

    func fill(_ status: inout StoreStatus) {
        let state = state.withLock { $0 }
        status.offeredSteps = state.offered
        status.droppedSteps = state.dropped
    }
}
