/// What a destination has learned from the answers of its peer.
struct KnownPeer {
    /// How long the size that a peer refused is remembered, in nanoseconds.
    static let sizeMemory: UInt64 = 600 * 1_000_000_000

    /// Batches that it took so far.
    private(set) var deliveries = 0
    private var limit: (bytes: Int, until: UInt64)?
    /// Its answers come without their status, each connection being ended behind one request: they
    /// are taken as they are until one has its status again.
    private(set) var losesStatuses = false

    /// It may be another one.
    mutating func forget() {
        limit = nil
        losesStatuses = false
    }

    /// The largest request that makes sense now, where `bytes` are wanted.
    func batchBytes(_ bytes: Int, _ now: UInt64) -> Int {
        guard let limit, now < limit.until else { return bytes }
        return min(bytes, limit.bytes)
    }

    mutating func refuses(moreThan bytes: Int, _ now: UInt64) {
        limit = (bytes, now &+ Self.sizeMemory)
    }

    mutating func took(hasStatus: Bool) {
        deliveries += 1
        losesStatuses = !hasStatus
    }
}
