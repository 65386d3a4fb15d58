import Synchronization

/// How many bytes of telemetry may be held, by whom, and how many are.
///
/// One budget stands for `limits.memory`. Every part that holds bytes takes a named `Share` of it
/// and reserves before it allocates; the answer to "no" is a refusal, never a wait. Any thread.
public final class MemoryBudget: Sendable {
    private let total: Total
    private let shares = Mutex<[Share]>([])

    public init(limitBytes: Int) { total = Total(limitBytes: limitBytes) }

    public var limitBytes: Int { total.limitBytes }

    /// Bytes reserved now, over all shares.
    public var usedBytes: Int { total.used.load(ordering: .relaxed) }

    /// Makes a share whose use is shown under `name` in `/status`.
    public func share(_ name: String) -> Share {
        let share = Share(name: name, total: total)
        shares.withLock { $0.append(share) }
        return share
    }

    /// Every share's name and use, in the order in which they were made.
    public var usage: [(name: String, bytes: Int)] {
        shares.withLock { $0.map { ($0.name, $0.usedBytes) } }
    }

    /// What all shares draw on: apart from the budget, which holds the shares.
    fileprivate final class Total: Sendable {
        let limitBytes: Int
        let used = Atomic<Int>(0)

        init(limitBytes: Int) { self.limitBytes = limitBytes }

        func take(_ bytes: Int) -> Bool {
            let after = used.wrappingAdd(bytes, ordering: .relaxed).newValue
            if after <= limitBytes { return true }
            used.wrappingSubtract(bytes, ordering: .relaxed)
            return false
        }

        func giveBack(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
    }

    /// One holder's part of the budget.
    public final class Share: Sendable {
        public let name: String
        private let total: Total
        private let used = Atomic<Int>(0)

        fileprivate init(name: String, total: Total) {
            self.name = name
            self.total = total
        }

        public var usedBytes: Int { used.load(ordering: .relaxed) }

        /// Whether half of the whole budget would still be free if `bytes` were taken.
        public func hasPlenty(for bytes: Int) -> Bool {
            bytes <= total.limitBytes / 2 - total.used.load(ordering: .relaxed)
        }

        /// Takes `bytes`; nil when that would pass the limit of the whole budget.
        public func reserve(_ bytes: Int) -> MemoryReservation? {
            tryTake(bytes) ? MemoryReservation(share: self, bytes: bytes) : nil
        }

        /// Takes `bytes` without an object to hold them; whoever calls it calls `giveBack`.
        public func tryTake(_ bytes: Int) -> Bool {
            guard total.take(bytes) else { return false }
            used.wrappingAdd(bytes, ordering: .relaxed)
            return true
        }

        /// Returns what `tryTake` took.
        public func giveBack(_ bytes: Int) {
            used.wrappingSubtract(bytes, ordering: .relaxed)
            total.giveBack(bytes)
        }
    }
}

/// Bytes taken from a budget, given back when this is let go of.
public final class MemoryReservation: Sendable {
    private let share: MemoryBudget.Share
    public let bytes: Int

    fileprivate init(share: MemoryBudget.Share, bytes: Int) {
        self.share = share
        self.bytes = bytes
    }

    deinit { share.giveBack(bytes) }
}
