import RoostAnalytics
import RoostCore
import RoostIngest
import RoostWire
import Synchronization

/// The thread `store`: takes requests from the inbox, holds traces until they are quiet, writes
/// them in transactions and deletes what is too old or too much.
///
/// Everything here is confined to that thread. A disk that refuses costs what was to be written,
/// which is counted; the database is tried again with what comes next.
final class StoreWriter {
    let shared: StoreShared
    let settings: StoreSettings
    private let traces: OpenTraces
    private let logs: OpenLogGroups
    /// Steps that were told by themselves, packed, until `nextTold`.
    private var told: [TraceKey: Told] = [:]
    private var toldBytes = 0
    private var nextTold: UInt64 = 0
    /// Nil while there is no database that can be used.
    private var keeper: TraceKeeper?
    private var openBytesPaidFor = 0
    private var nextTick: UInt64 = 0
    private var nextAttempt: UInt64 = 0
    private var isFailing = false
    /// Answers a time when the end has come.
    private var deadline: () -> UInt64? = { nil }
    private var counters = StoreStatus()

    /// Traces in one transaction.
    private static let mostInTransaction = 1024
    /// Traces in one transaction whose rows are written anew with all their steps.
    private static let mostTold = 256
    private static let tick: UInt64 = 500_000_000
    private static let betweenAttempts: UInt64 = 5_000_000_000
    private static let memoryStep = 1 << 20
    private static let mostToldBytes = 4 << 20
    /// Steps are written with all that were told of their trace before. So that long sessions do not
    /// take all the time, so many times what it took passes before it is done again, but no more
    /// than `longestTold`.
    private static let timesTold: UInt64 = 10
    private static let longestTold: UInt64 = 5_000_000_000

    init(_ shared: StoreShared) {
        self.shared = shared
        settings = shared.settings
        traces = OpenTraces(shared.settings)
        logs = OpenLogGroups(shared.settings)
        traces.store = { [unowned self] in store($0, []) }
        logs.store = { [unowned self] in store([], $0) }
        suitSize()
    }

    /// Opens the database; one that is damaged is set aside.
    func open() throws(StoreError) {
        do throws(StoreSchema.Failure) {
            keeper = try TraceKeeper(shared)
        } catch {
            switch error {
            case .tooNew(let version):
                throw .tooNew(path: shared.files.path, version: version)
            case .foreign: try begin(because: "it is a database of another program")
            case .sqlite(let error) where error.kind == .damaged:
                try begin(because: error.message)
            case .sqlite(let error):
                throw .cannotOpen(path: shared.files.path, reason: error.message)
            }
        }
        shared.isOpen.store(true, ordering: .releasing)
        publish()
    }

    /// Sets the database aside and begins a new one.
    private func begin(because reason: String) throws(StoreError) {
        keeper = nil
        let path = shared.files.path
        guard let aside = shared.files.setAside(now: unixNanoseconds()) else {
            throw .cannotOpen(path: path, reason: "\(reason), and it could not be renamed")
        }
        // Also where no new one can be made yet: nobody reads on in the one that is gone.
        nextGeneration()
        shared.log.error(
            "the store's database cannot be used and was set aside; a new one begins",
            ["database": path, "kept_as": aside, "reason": reason])
        do throws(StoreSchema.Failure) { keeper = try TraceKeeper(shared) } catch {
            throw .cannotOpen(path: path, reason: "\(error)")
        }
        nextGeneration()
    }

    private func nextGeneration() {
        shared.generation.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }

    // MARK: the loop

    /// Runs until `deadline` answers a time, and stores what is left before that time has come.
    func run(until deadline: @escaping () -> UInt64?) {
        self.deadline = deadline
        while true {
            replaceDamaged()
            let isLast = deadline() != nil
            let (items, wishes) = isLast ? shared.inbox.close() : shared.inbox.take()
            for item in items { take(item) }
            for (wish, latch) in wishes {
                fulfil(wish)
                latch.countDown()
            }
            if isLast { return finish() }
            let now = monotonicNanoseconds()
            if now >= nextTick {
                nextTick = now &+ Self.tick
                if now >= nextTold { storeAllTold() }
                store(traces.takeDue(now: now), logs.takeDue(now: now))
                turn(now)
            }
            shared.inbox.wait(untilMonotonic: nextTick)
        }
    }

    /// Nothing is stored any more. The deadline may have come while something was being stored.
    private var hasEnded: Bool { deadline().map { monotonicNanoseconds() >= $0 } ?? false }

    private func take(_ item: StoreInbox.Item) {
        defer { shared.inbox.giveBack(item.byteCount) }
        if let activities = item.activities { return take(activities) }
        let now = monotonicNanoseconds()
        traces.mostBytes = shared.bounds.openBytes
        logs.mostBytes = shared.bounds.openBytes / 4
        switch item.signal {
        case .traces:
            unsafe item.body.withBytes { unsafe traces.add($0, now: now) }
            drop(.traces, traces.leftOut)
        case .logs:
            let names = shared.names.withLock { $0 }
            unsafe item.body.withBytes { unsafe logs.add($0, names: names, now: now) }
            drop(.logs, logs.leftOut)
        case .metrics: shared.count(.metrics, item.items, .stored)
        }
        let hasMemory = payForOpen()
        tellOpen()
        guard !hasMemory else { return }
        store(traces.takeToMakeRoom(), logs.takeAll())
        tellOpen()
        payForOpen()
    }

    /// Counts what the store cannot keep as it came.
    private func drop(_ signal: Signal, _ items: Int) {
        if items > 0 { shared.count(signal, items, .dropped(.disk)) }
    }

    /// Those of one trace are stored together, a little later.
    private func take(_ activities: ActivityBatch) {
        let traces = Dictionary(grouping: activities.activities) {
            TraceKey(high: $0.traceIDHigh, low: $0.traceIDLow)
        }
        var part = activities
        for (key, steps) in traces {
            part.activities = steps
            let packed = part.packed()
            told[key, default: Told()].packed.append(packed)
            told[key, default: Told()].steps += steps.count
            toldBytes += packed.count
        }
        if toldBytes > Self.mostToldBytes || !payForOpen() { storeAllTold() }
        tellOpen()
    }

    /// Takes from the memory budget what open traces hold; false when it has no more.
    @discardableResult
    private func payForOpen() -> Bool {
        guard let memory = shared.memory else { return true }
        let wanted = traces.bytes + logs.bytes + toldBytes
        if wanted > openBytesPaidFor {
            let step = wanted - openBytesPaidFor + Self.memoryStep
            guard memory.tryTake(step) else { return false }
            openBytesPaidFor += step
        } else if openBytesPaidFor > wanted + 2 * Self.memoryStep {
            let step = openBytesPaidFor - wanted - (wanted > 0 ? Self.memoryStep : 0)
            memory.giveBack(step)
            openBytesPaidFor -= step
        }
        return true
    }

    private func fulfil(_ wish: StoreInbox.Wish) {
        switch wish {
        case .all:
            storeTold(takeTold())
            store(traces.takeAll(), logs.takeAll())
        case .trace(let key):
            storeTold(takeTold(key))
            store(
                [traces.take(key)].compactMap { $0 }, logs.take(trace: key, session: nil))
        case .logs(let key, let session):
            store([], logs.take(trace: key, session: session))
        }
        publish()
    }

    /// What is due with time.
    private func turn(_ now: UInt64) {
        if keeper == nil, now >= nextAttempt {
            nextAttempt = now &+ Self.betweenAttempts
            do throws(StoreError) {
                try open()
                shared.log.info("the store is open again")
            } catch { fail("\(error)") }
        }
        suitSize()
        makeRoom(isNeeded: false)
        payForOpen()
        publish()
    }

    /// A trace that is held fits into a transaction.
    private func suitSize() {
        let most = min(settings.mostTraceBytes, shared.bounds.shares.mostTraceBytes)
        traces.mostTraceBytes = most
        logs.mostTraceBytes = most
    }

    private func replaceDamaged() {
        let damaged = shared.damagedGeneration.exchange(-1, ordering: .acquiringAndReleasing)
        if damaged >= 0, damaged == shared.generation.load(ordering: .acquiring) {
            replace(because: "a question met damaged pages")
        }
    }

    /// Stores what is left, as much of it as there is time for.
    private func finish() {
        storeTold(takeTold())
        store(traces.takeAll(), logs.takeAll())
        payForOpen()
        keeper?.close()
        keeper = nil
        shared.isOpen.store(false, ordering: .releasing)
        publish()
    }

    // MARK: writing

    private func store(_ traces: [OpenTrace], _ logs: [OpenLogs]) {
        var logs = logs[...]
        var traces = traces[...]
        while !traces.isEmpty || !logs.isEmpty {
            guard !hasEnded else {
                return count(Array(traces), Array(logs), .dropped(.shutdown))
            }
            makeRoom(isNeeded: true)
            var room = TransactionRoom(
                bytes: shared.bounds.shares.transactionBytes, items: Self.mostInTransaction)
            let records = room.fill(from: &logs) { $0.bytes }
            let some = room.fill(from: &traces) { $0.bytes }
            write(some, records)
        }
    }

    private func write(_ traces: [OpenTrace], _ logs: [OpenLogs]) {
        let now = unixNanoseconds()
        guard let keeper else { return lose(traces, logs) }
        var (laterTraces, laterLogs) = (traces[...], logs[...])
        do throws(SQLiteError) {
            let bytes = try bytesAtMost(traces, logs, keeper)
            let written = try keeper.transaction(bytes: bytes) { () throws(SQLiteError) in
                while !keeper.isTransactionFull, let group = laterLogs.popFirst() {
                    try keeper.store(group, now: now)
                }
                while !keeper.isTransactionFull, let trace = laterTraces.popFirst() {
                    try keeper.store(trace, now: now)
                }
            }
            let traces = Array(traces.dropLast(laterTraces.count))
            let logs = Array(logs.dropLast(laterLogs.count))
            counters.spansStored += UInt64(written.spans)
            counters.duplicateSpans += UInt64(written.duplicates)
            counters.logRecordsStored += UInt64(written.records)
            count(traces, logs, .stored, but: written.dropped)
            recovered()
        } catch {
            counters.failedWrites += 1
            if error.kind == .damaged { replace(because: error.message) }
            // A single one that cannot be stored must not take the others with it.
            if error.kind == .other, traces.count + logs.count > 1 {
                for trace in traces { write([trace], []) }
                for group in logs { write([], [group]) }
                return
            }
            fail(error.message)
            return lose(traces, logs)
        }
        store(Array(laterTraces), Array(laterLogs))
    }

    /// Of a transaction with these: what came, and what it writes anew. It ends with whatever makes
    /// it full, so it has no more than that beyond its size.
    private func bytesAtMost(
        _ traces: [OpenTrace], _ logs: [OpenLogs], _ keeper: TraceKeeper
    ) throws(SQLiteError) -> Int {
        let bytes = logs.reduce(traces.reduce(0) { $0 + $1.bytes }) { $0 + $1.bytes }
        let most = shared.bounds.shares.transactionBytes
        if logs.contains(where: { $0.rewritesTrace }) { return max(bytes, most) }
        var anew = 0
        // A trace of which parts are written anew has no more than that with them.
        var largest = StoreLimits.mostRereadBytes
        for trace in traces {
            anew += try keeper.bytesWrittenAnew(with: trace)
            largest = max(largest, trace.bytes)
        }
        return max(bytes, min(bytes + anew, most + largest))
    }

    private func takeTold() -> [TraceKey: Told] {
        defer { (told, toldBytes) = ([:], 0) }
        return told
    }

    private func takeTold(_ key: TraceKey) -> [TraceKey: Told] {
        guard let some = told.removeValue(forKey: key) else { return [:] }
        toldBytes -= some.bytes
        return [key: some]
    }

    private func storeAllTold() {
        let began = monotonicNanoseconds()
        storeTold(takeTold())
        let now = monotonicNanoseconds()
        nextTold = now &+ min(Self.timesTold &* (now &- began), Self.longestTold)
    }

    private func storeTold(_ all: [TraceKey: Told]) {
        guard !all.isEmpty else { return }
        var rest = Array(all)[...]
        let bytes = shared.bounds.shares.transactionBytes
        while !rest.isEmpty {
            var some = rest.prefix(Self.mostTold)
            var steps: Int { some.reduce(0) { $0 + $1.value.steps } }
            defer { rest = rest.dropFirst(some.count) }
            guard !hasEnded else {
                shared.toldSteps.drop(steps, .shutdown)
                continue
            }
            makeRoom(isNeeded: true)
            guard let keeper else {
                shared.toldSteps.drop(steps, .disk)
                continue
            }
            let now = unixNanoseconds()
            var (superseded, summed) = (0, 0)
            do throws(SQLiteError) {
                _ = try keeper.transaction(bytes: bytes) { () throws(SQLiteError) in
                    var stored = 0
                    defer { some = some.prefix(stored) }
                    for (key, told) in some where !keeper.isTransactionFull {
                        stored += 1
                        switch try keeper.store(told.packed, of: key, now: now) {
                        case .kept: break
                        case .superseded: superseded += told.steps
                        case .summed: summed += told.steps
                        }
                    }
                }
                counters.supersededSteps += UInt64(superseded)
                counters.summedSteps += UInt64(summed)
                recovered()
            } catch {
                counters.failedWrites += 1
                shared.toldSteps.drop(steps, .disk)
                if error.kind == .damaged { replace(because: error.message) }
                fail(error.message)
            }
        }
    }

    private func lose(_ traces: [OpenTrace], _ logs: [OpenLogs]) {
        count(traces, logs, .dropped(.disk))
    }

    /// Once for each signal: who is told takes a lock. `lost` spans were dropped whatever became of
    /// the others.
    private func count(
        _ traces: [OpenTrace], _ logs: [OpenLogs], _ outcome: StoreOutcome, but lost: Int = 0
    ) {
        let spans = traces.reduce(0) { $0 + $1.items } - lost
        let records = logs.reduce(0) { $0 + $1.records }
        if spans > 0 { shared.count(.traces, spans, outcome) }
        if lost > 0 { shared.count(.traces, lost, .dropped(.disk)) }
        if records > 0 { shared.count(.logs, records, outcome) }
    }

    private func replace(because reason: String) {
        do throws(StoreError) { try begin(because: reason) } catch {
            shared.isOpen.store(false, ordering: .releasing)
            fail("\(error)")
        }
    }

    private func fail(_ message: String) {
        counters.lastError = message
        counters.lastErrorUnixNano = unixNanoseconds()
        guard !isFailing else { return }
        isFailing = true
        shared.log.error(
            "the store cannot write; what arrives is not stored until it can",
            ["database": shared.files.path, "reason": message])
    }

    private func recovered() {
        guard isFailing else { return }
        isFailing = false
        shared.log.info("the store can write again")
    }

    /// Deletes some of what is too old or too much: a few milliseconds of it, or where something is
    /// written next as much as has to go before that, however slow the disk is. To give up would lose
    /// what is written.
    private func makeRoom(isNeeded: Bool) {
        guard let keeper else { return }
        let begin = monotonicNanoseconds()
        do throws(SQLiteError) {
            while try keeper.deleteSome(now: unixNanoseconds()) {
                guard !hasEnded else { return }
                if isNeeded, keeper.isFull { continue }
                let most = keeper.isTooMuch ? settings.deletesAtMost : Self.deletesOldAtMost
                guard monotonicNanoseconds() &- begin < most else { return }
            }
        } catch {
            if error.kind == .damaged {
                replace(because: error.message)
            } else {
                fail(error.message)
            }
        }
    }

    /// Nanoseconds.
    private static let deletesOldAtMost: UInt64 = 15_000_000

    /// Before the room of a request is given back, so that a question misses nothing.
    private func tellOpen() {
        shared.openTraces.store(traces.count, ordering: .releasing)
        shared.openLogBytes.store(logs.bytes + toldBytes, ordering: .releasing)
    }

    private func publish() {
        tellOpen()
        counters.isOpen = keeper != nil
        counters.openBytes = traces.bytes + logs.bytes + toldBytes
        counters.openTraces = traces.count
        if let keeper {
            counters.fileBytes = shared.files.bytes
            counters.usedBytes = keeper.usedBytes
            counters.traces = keeper.traces
            counters.expiredTraces = keeper.deletedTraces
            counters.oldestUnixNano = keeper.oldest
        }
        let counters = counters
        shared.status.withLock { $0 = counters }
    }
}

/// Steps of one trace.
private struct Told {
    var packed: [[UInt8]] = []
    var steps = 0

    var bytes: Int { packed.reduce(0) { $0 + $1.count } }
}

/// How much more goes into a transaction.
private struct TransactionRoom {
    var bytes: Int
    var items: Int
    private var isEmpty = true

    init(bytes: Int, items: Int) {
        self.bytes = bytes
        self.items = items
    }

    /// Takes as many as fit from the front; one that is larger than the room goes alone.
    mutating func fill<Item>(from rest: inout ArraySlice<Item>, size: (Item) -> Int) -> [Item] {
        let all = rest
        while let item = rest.first, items > 0, isEmpty || size(item) <= bytes {
            bytes -= size(item)
            items -= 1
            isEmpty = false
            rest.removeFirst()
        }
        return Array(all[..<rest.startIndex])
    }
}
