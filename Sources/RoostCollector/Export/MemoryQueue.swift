import RoostWire

/// The queue of one destination, in memory, bounded in bytes over all signals.
///
/// A byte that counts is in one of three states:
///
///     reserve ──▶ reserved ──append──▶ waiting ──take──▶ taken ──giveBack──▶ gone
///        ▲            │                   │
///        └── release ─┘                   └── evict (drop_oldest) ──▶ gone
///
/// It knows neither time-outs nor peers. A queue on disk takes its place behind the same calls.
struct MemoryQueue {
    var capacityBytes: Int
    private(set) var reservedBytes = 0
    private(set) var waitingBytes = 0
    private(set) var takenBytes = 0
    private var signals = [Waiting](repeating: Waiting(), count: Signal.allCases.count)
    private var nextOrder: UInt64 = 0

    private struct Waiting {
        var entries = Ring<Entry>()
        var bytes = 0
    }

    private struct Entry {
        let payload: Payload
        /// Monotonic nanoseconds.
        let arrival: UInt64
        /// Rises over all signals.
        let order: UInt64
    }

    init(capacityBytes: Int) { self.capacityBytes = capacityBytes }

    /// Bytes that count against the capacity.
    var heldBytes: Int { reservedBytes + waitingBytes + takenBytes }

    var isEmpty: Bool { signals.allSatisfy { $0.entries.isEmpty } }

    func fits(_ bytes: Int) -> Bool { bytes <= capacityBytes - heldBytes }

    /// Takes room for `bytes`; false when there is not enough.
    mutating func reserve(_ bytes: Int) -> Bool {
        guard fits(bytes) else { return false }
        reservedBytes += bytes
        return true
    }

    /// Gives back what `reserve` took.
    mutating func release(_ bytes: Int) { reservedBytes -= bytes }

    /// Puts out the oldest waiting payloads until `bytes` fit. Nil, and nothing put out, when not
    /// even that would do, because of what is in flight or because `bytes` is above the capacity.
    mutating func makeRoom(for bytes: Int) -> [Payload]? {
        guard bytes <= capacityBytes - reservedBytes - takenBytes else { return nil }
        var evicted: [Payload] = []
        while !fits(bytes), let payload = removeOldest() { evicted.append(payload) }
        return evicted
    }

    /// Adds a payload for which `reserved` bytes are held, which end with this call.
    mutating func append(_ payload: Payload, reserved: Int, now: UInt64) {
        reservedBytes -= reserved
        let index = payload.signal.rawValue
        waitingBytes += payload.bytes
        signals[index].bytes += payload.bytes
        signals[index].entries.append(Entry(payload: payload, arrival: now, order: nextOrder))
        nextOrder += 1
    }

    func waitingBytes(_ signal: Signal) -> Int { signals[signal.rawValue].bytes }

    /// When the oldest waiting payload of `signal` came.
    func oldestArrival(_ signal: Signal) -> UInt64? {
        signals[signal.rawValue].entries.first?.arrival
    }

    /// Takes payloads of one signal, oldest first, as many as fit into `maxBytes`, and one in any
    /// case if there is one.
    mutating func take(_ signal: Signal, maxBytes: Int) -> [Payload] {
        var taken: [Payload] = []
        var bytes = 0
        while let next = signals[signal.rawValue].entries.first?.payload {
            guard taken.isEmpty || next.bytes <= maxBytes - bytes else { break }
            removeFirst(signal.rawValue)
            bytes += next.bytes
            taken.append(next)
        }
        takenBytes += bytes
        return taken
    }

    /// Taken bytes that are no longer held.
    mutating func giveBack(_ bytes: Int) { takenBytes -= bytes }

    /// Taken bytes that were replaced by others, as when a batch was cut.
    mutating func replaceTaken(_ old: Int, with new: Int) { takenBytes += new - old }

    /// Takes out the waiting payloads that were before `sequence` in a queue on disk.
    mutating func remove(before sequence: UInt64) -> [Payload] {
        var removed: [Payload] = []
        for index in signals.indices {
            var rest = Ring<Entry>()
            while let entry = signals[index].entries.removeFirst() {
                guard entry.payload.isBefore(sequence) else {
                    rest.append(entry)
                    continue
                }
                waitingBytes -= entry.payload.bytes
                signals[index].bytes -= entry.payload.bytes
                removed.append(entry.payload)
            }
            signals[index].entries = rest
        }
        return removed
    }

    /// Empties the queue.
    mutating func removeAll() -> [Payload] {
        var removed: [Payload] = []
        while let payload = removeOldest() { removed.append(payload) }
        return removed
    }

    private mutating func removeOldest() -> Payload? {
        var oldest: (index: Int, order: UInt64)?
        for index in signals.indices {
            guard let order = signals[index].entries.first?.order else { continue }
            if order < oldest?.order ?? .max { oldest = (index, order) }
        }
        return oldest.flatMap { removeFirst($0.index) }
    }

    @discardableResult private mutating func removeFirst(_ index: Int) -> Payload? {
        guard let payload = signals[index].entries.removeFirst()?.payload else { return nil }
        waitingBytes -= payload.bytes
        signals[index].bytes -= payload.bytes
        return payload
    }
}
