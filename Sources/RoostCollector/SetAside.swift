import RoostCore

/// Memory that belongs to parts with bounds of their own, whatever else is held.
///
/// Any thread.
final class SetAside: Sendable {
    private let agents: MemoryBudget.Share
    private let web: MemoryBudget.Share
    /// Of the listener of probes, scrapes and the API.
    let webBuffers = MemoryBudget(limitBytes: 0)

    /// Of an activity that is held, with its part of a trace, of the indexes and of what is told of it.
    private static let bytesOfActivity = 512

    init(_ budget: MemoryBudget, _ config: Config) {
        agents = budget.share("agents")
        web = budget.share("web")
        use(config)
    }

    /// To be called when the budget has another limit, and before anything relies on it.
    func use(_ config: Config) {
        agents.setAside(config.enable.analytics ? Self.roomOfAgents(config) : 0)
        // Half of these are ever used.
        let buffers = min(config.limits.memory / 16, 16 << 20)
        web.setAside(buffers)
        webBuffers.setLimit(2 * max(buffers, 2 << 20))
    }

    /// How many activities of open traces may be held.
    static func openActivities(_ config: Config) -> Int {
        min(config.agents.openActivities, roomOfAgents(config) / bytesOfActivity)
    }

    /// An eighth of the memory, or as much as `agents.open_activities` can fill, which is 24 MiB at
    /// least.
    private static func roomOfAgents(_ config: Config) -> Int {
        let wanted = config.agents.openActivities * bytesOfActivity
        return min(max(24 << 20, wanted), config.limits.memory / 8)
    }
}
