/// A value for each of the latest keys; what was given first is forgotten first.
struct RecentTable<Value: Sendable>: Sendable {
    private var values: [UInt64: Value] = [:]
    /// Keys in the order in which they came, and where the next one goes.
    private var order: [UInt64] = []
    private var next = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    subscript(key: UInt64) -> Value? { values[key] }

    /// A key that is known keeps its place, and with that its turn to be forgotten.
    mutating func set(_ key: UInt64, _ value: Value) {
        guard values.updateValue(value, forKey: key) == nil else { return }
        if order.count < limit {
            order.append(key)
        } else {
            values[order[next]] = nil
            order[next] = key
        }
        next = (next + 1) % limit
    }

    mutating func removeAll() { self = RecentTable(limit: limit) }
}
