/// The latest of many hashes, up to a bound; the first to come is the first to be forgotten.
struct RecentSet {
    private var index = IdIndex()
    private var order: [UInt64] = []
    private var next = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func contains(_ hash: UInt64) -> Bool { place(of: hash) != nil }

    /// Whether it was new.
    mutating func insert(_ hash: UInt64) -> Bool {
        guard place(of: hash) == nil else { return false }
        if order.count < limit {
            index.insert(hash, Int32(order.count))
            order.append(hash)
        } else {
            index.remove(order[next], Int32(next))
            index.insert(hash, Int32(next))
            order[next] = hash
            next = (next + 1) % limit
        }
        return true
    }

    private func place(of hash: UInt64) -> Int32? {
        unsafe order.withUnsafeBufferPointer { order in
            index.find(hash) { place in unsafe order[Int(place)] == hash }
        }
    }
}
