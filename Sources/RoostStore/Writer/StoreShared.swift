import RoostCore
import RoostIngest
import RoostWire
import Synchronization

/// What the writer, the readers and their owner share. Any thread.
final class StoreShared: Sendable {
    let settings: StoreSettings
    /// Of the settings, what may change.
    let bounds: StoreBounds
    let files: StoreFiles
    let inbox: StoreInbox
    let log: Log
    let memory: MemoryBudget.Share?
    let count: @Sendable (Signal, Int, StoreOutcome) -> Void
    let understanding: any TraceUnderstanding
    let names: Mutex<NameTable>
    let toldSteps = ToldStepCounts()
    /// As the writer published it last.
    let status = Mutex(StoreStatus())
    let isOpen = Atomic<Bool>(false)
    /// Traces and bytes of log records that the writer holds and has not stored.
    let openTraces = Atomic<Int>(0)
    let openLogBytes = Atomic<Int>(0)
    /// Another database since the last look.
    let generation = Atomic<Int>(0)
    /// A reader met damage in the database of this generation; -1 is none.
    let damagedGeneration = Atomic<Int>(-1)

    /// Whether anything has come that is not stored.
    var hasOpen: Bool { hasOpenLogs || openTraces.load(ordering: .acquiring) > 0 }

    /// The same of log records; what waits in the inbox may be one.
    var hasOpenLogs: Bool {
        inbox.byteCount > 0 || openLogBytes.load(ordering: .acquiring) > 0
    }

    init(
        settings: StoreSettings, names: NameTable, understanding: any TraceUnderstanding,
        memory: MemoryBudget.Share?, log: Log,
        count: @escaping @Sendable (Signal, Int, StoreOutcome) -> Void
    ) {
        self.settings = settings
        bounds = StoreBounds(settings)
        files = StoreFiles(folder: settings.path)
        inbox = StoreInbox(capacity: settings.queueBytes)
        self.log = log
        self.memory = memory
        self.count = count
        self.understanding = understanding
        self.names = Mutex(names)
    }
}
