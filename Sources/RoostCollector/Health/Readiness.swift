import RoostCore

/// Whether the collector takes data now, and if not, why. Any thread; touches neither network nor
/// disk.
package struct Readiness: Sendable {
    let lifecycle: Lifecycle
    let exports: ExportService
    let budget: MemoryBudget
    let store: StoreService

    /// Empty when ready.
    package var reasons: [String] {
        var reasons: [String] = []
        switch lifecycle.phase {
        case .running: break
        case .starting: reasons.append("starting")
        case .draining, .stopped: reasons.append("draining")
        }
        if let fault = store.fault { reasons.append(fault) }
        reasons += exports.refusals
        if budget.usedBytes >= budget.limitBytes / 100 * 98 {
            reasons.append("limits.memory is reached")
        }
        return reasons
    }
}
