/// A queue in an array that grows by doubling: both ends in constant time.
struct Ring<Element> {
    private var slots: [Element?] = []
    private var head = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var first: Element? { count == 0 ? nil : slots[head] }

    mutating func append(_ element: Element) {
        if count == slots.count { grow() }
        slots[(head + count) % slots.count] = element
        count += 1
    }

    mutating func removeFirst() -> Element? {
        guard count > 0 else { return nil }
        let element = slots[head].take()
        head = (head + 1) % slots.count
        count -= 1
        if count == 0 { shrinkIfLarge() }
        return element
    }

    private mutating func grow() {
        var larger: [Element?] = []
        larger.reserveCapacity(max(16, slots.count * 2))
        for index in 0..<count { larger.append(slots[(head + index) % slots.count]) }
        for _ in count..<max(16, slots.count * 2) { larger.append(nil) }
        slots = larger
        head = 0
    }

    /// A queue that was long once does not keep the room for ever.
    private mutating func shrinkIfLarge() {
        guard slots.count > 1024 else { return }
        slots = []
        head = 0
    }
}
