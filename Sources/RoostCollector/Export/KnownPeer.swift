import RoostWire

/// What a destination has learned from the answers of its peer.
struct KnownPeer {
    /// How long the size that a peer refused is remembered, in nanoseconds.
    static let sizeMemory: UInt64 = 600 * 1_000_000_000

    /// Batches that it took so far.
    private(set) var deliveries = 0
    private var limit: (bytes: Int, until: UInt64)?
    /// By signal: the shortest request with a single item that it refused as too large.
    private var refusedAlone = [(bytes: Int, until: UInt64)?](
        repeating: nil, count: Signal.allCases.count)
    /// Its answers come without their status, each connection being ended behind one request: they
    /// are taken as they are until one has its status again.
    private(set) var losesStatuses = false

    /// It may be another one.
    mutating func forget() {
        let count = deliveries
        self = KnownPeer()
        deliveries = count
    }

    /// The largest request that makes sense now, where `bytes` are wanted.
    func batchBytes(_ bytes: Int, _ now: UInt64) -> Int {
        guard let limit, now < limit.until else { return bytes }
        return min(bytes, limit.bytes)
    }

    mutating func refuses(moreThan bytes: Int, _ now: UInt64) {
        limit = (bytes, now &+ Self.sizeMemory)
    }

    mutating func refuses(alone batch: ExportBatch, _ now: UInt64) {
        let known = leastRefused(batch.signal, now) ?? .max
        refusedAlone[batch.signal.rawValue] = (min(batch.bytes, known), now &+ Self.sizeMemory)
    }

    /// Whether it would refuse each item of a batch with large headers alone, too.
    func refusesEach(of batch: ExportBatch, _ now: UInt64) -> Bool {
        guard batch.isMostlyHeaders, let least = leastRefused(batch.signal, now) else {
            return false
        }
        return batch.leastBytes >= least
    }

    private func leastRefused(_ signal: Signal, _ now: UInt64) -> Int? {
        refusedAlone[signal.rawValue].flatMap { now < $0.until ? $0.bytes : nil }
    }

    mutating func took(_ batch: ExportBatch, hasStatus: Bool) {
        deliveries += 1
        losesStatuses = !hasStatus
        if let known = refusedAlone[batch.signal.rawValue], batch.bytes >= known.bytes {
            refusedAlone[batch.signal.rawValue] = nil
        }
    }
}
