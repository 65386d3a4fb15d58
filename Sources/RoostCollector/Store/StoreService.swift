import RoostCore
import RoostIngest
package import RoostStore
import RoostWire
import Synchronization

/// The embedded store as the collector has it: offered every accepted trace and log request, and
/// counted in the ledger as the exporter `store`.
///
/// Any thread. `reserve` and `put` are called on loops and never wait.
package final class StoreService: Sendable {
    /// For questions; whether it is open it says itself.
    package let store: TraceStore
    let exporter: Int
    private let switches: Switches
    private let understanding: AgentUnderstanding
    private let state = Mutex(State())

    private struct State {
        var isOpened = false
        var opening: NamedThread?
    }

    /// Whose requests are kept.
    static let signals: [Signal] = [.traces, .logs]

    init(
        config: Config, names: NameTable, switches: Switches, ledger: Ledger,
        budget: MemoryBudget, log: Log
    ) {
        var settings = StoreSettings()
        settings.path = config.store.path
        settings.keep = config.store.keepNanoseconds
        settings.size = config.store.size
        settings.hold = config.agents.hold.nanoseconds
        settings.queueBytes = config.limits.storeBytes
        settings.mostOpenBytes = config.limits.storeBytes
        settings.writerCacheBytes = min(4 << 20, config.limits.memory / 16)
        settings.readerCacheBytes = min(1 << 20, config.limits.memory / 64)
        let exporter = ledger.exporterIndex(named: "store")
        self.exporter = exporter
        self.switches = switches
        understanding = AgentUnderstanding(names: names, prices: config.prices)
        store = TraceStore(
            settings: settings, names: names, understanding: understanding,
            memory: budget.share("store"), log: log
        ) { signal, items, outcome in
            switch outcome {
            case .stored: ledger.sent(exporter: exporter, signal: signal, items: items)
            case .dropped(let reason):
                ledger.dropped(
                    exporter: exporter, signal: signal, items: items, reason: reason.inLedger)
            }
        }
    }

    /// Opens the database if the store is on.
    func start() throws(StartError) {
        guard switches.isOn(.store) else { return }
        state.withLock { $0.isOpened = true }
        do throws(StoreError) { try store.open() } catch { throw .store("\(error.text)") }
    }

    /// After it was switched on while the collector runs, also when that failed before. The disk is
    /// somebody else's to wait for.
    func openLater(_ log: Log) {
        state.withLock { state in
            guard !state.isOpened else { return }
            state.opening?.join()
            state.opening = NamedThread("store-open") { [self] in
                do throws(StoreError) { try store.open() } catch {
                    log.error("the store cannot be opened", ["reason": error.text])
                    self.state.withLock { $0.isOpened = false }
                }
            }
            state.isOpened = state.opening != nil
        }
    }

    func close(deadline: UInt64) {
        let opening = state.withLock { state in
            defer { state.opening = nil }
            return state.opening
        }
        opening?.join()
        store.close(deadline: deadline)
    }

    /// Names and prices, from the next trace on.
    func use(names: NameTable, prices: (any PriceSource)?) {
        store.use(names: names)
        understanding.use(names: names, prices: prices)
    }

    /// How much is kept, from the next turn of its thread on, how much of it waits in memory, and
    /// when a trace is over.
    func use(_ config: Config) {
        store.use(keep: config.store.keepNanoseconds, size: config.store.size)
        store.use(hold: config.agents.hold.nanoseconds)
        store.use(queueBytes: config.limits.storeBytes, openBytes: config.limits.storeBytes)
    }

    /// Why it does not do what it is meant to; nil when it does.
    var fault: String? {
        switches.isOn(.store) && !store.isOpen ? "the store is not open" : nil
    }

    // MARK: on loop threads

    /// Takes room for a request. Of `queued`, `put` or `giveBack` follows.
    func reserve(_ signal: Signal, bytes: Int) -> Disposition {
        guard Self.signals.contains(signal), switches.isOn(.store) else { return .notOffered }
        return store.reserve(bytes: bytes) ? .queued : .dropped(.queueFull)
    }

    func giveBack(_ disposition: Disposition, bytes: Int) {
        if disposition == .queued { store.giveBack(bytes: bytes) }
    }

    /// Keeps steps that were announced or are over, as far as there is room.
    func keep(_ batch: ActivityBatch) {
        if switches.isOn(.store), !batch.isEmpty { store.offer(batch) }
    }

    /// After the ledger has counted the request.
    func put(_ disposition: Disposition, _ signal: Signal, items: Int, body: ByteBlock) {
        if disposition == .queued { store.put(signal, items: items, body: body) }
    }
}

extension Config.Store {
    fileprivate var keepNanoseconds: UInt64 { keep?.nanoseconds ?? .max }
}

extension Config.Limits {
    /// That may wait for the store's thread, and as much again that it holds.
    fileprivate var storeBytes: Int { min(32 << 20, memory / 8) }
}

extension StoreDropReason {
    var inLedger: DropReason {
        switch self {
        case .queueFull: .queueFull
        case .disk: .disk
        case .shutdown: .shutdown
        }
    }
}

extension StoreError {
    fileprivate var text: String {
        switch self {
        case .cannotOpen(let path, let reason): "\(path) cannot be opened: \(reason)"
        case .tooNew(let path, let version):
            "\(path) was written by a later version of Roost (layout \(version)); use that, or move "
                + "the file away"
        case .noThread: "the system has no thread to give for the store"
        }
    }
}
