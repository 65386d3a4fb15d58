import RoostCore

/// Writes down how far the readers have come, and has the disk keep it, each as often as is due.
///
/// Confined to the commit thread.
struct CursorKeeper {
    private var file: CursorFile
    private let shared: LogShared
    /// By `monotonicNanoseconds()`.
    private var lastWrite: UInt64 = 0
    private var lastSync: UInt64 = 0
    private var needsSync = false

    /// Positions are not written more often, unless they are synced more often: releases that come
    /// while others are committed wake nobody.
    private static let writeInterval: UInt64 = 20_000_000

    init(_ file: CursorFile, _ shared: LogShared) {
        self.file = file
        self.shared = shared
    }

    /// When positions may be written again.
    func writeDue(_ settings: SegmentLogSettings) -> UInt64 {
        lastWrite &+ min(Self.writeInterval, settings.cursorSync.nanoseconds)
    }

    /// When the disk is to be asked; nil while it has everything.
    func syncDue(_ settings: SegmentLogSettings) -> UInt64? {
        needsSync ? lastSync &+ settings.cursorSync.nanoseconds : nil
    }

    /// Saves what is due, all of it when this is the last time.
    mutating func saveDue(_ settings: SegmentLogSettings, isLast: Bool) {
        let isDue = isLast || monotonicNanoseconds() >= writeDue(settings)
        let positions = shared.state.withLock { state -> [CursorFile.Position]? in
            guard isDue, state.cursorsChanged else { return nil }
            state.cursorsChanged = false
            return state.positions
        }
        do throws(QueueFault) {
            if let positions { try write(positions, settings) }
            if let due = syncDue(settings), isLast || monotonicNanoseconds() >= due { try sync() }
        } catch {
            // Nothing is lost: what was released is sent again after a crash.
            shared.note(error)
            lastSync = monotonicNanoseconds()
        }
    }

    /// Saves positions before segments behind them go: opening takes what is missing and was not
    /// released for damage.
    mutating func saveNow(_ positions: [CursorFile.Position], _ settings: SegmentLogSettings) {
        do throws(QueueFault) {
            try write(positions, settings)
            if needsSync { try sync() }
        } catch {
            shared.note(error)
        }
    }

    // When it was tried is set first: a disk that fails is not asked again at once.

    private mutating func write(
        _ positions: [CursorFile.Position], _ settings: SegmentLogSettings
    ) throws(QueueFault) {
        lastWrite = monotonicNanoseconds()
        try file.write(positions)
        needsSync = settings.sync != .never
    }

    private mutating func sync() throws(QueueFault) {
        lastSync = monotonicNanoseconds()
        try file.sync()
        needsSync = false
    }
}
