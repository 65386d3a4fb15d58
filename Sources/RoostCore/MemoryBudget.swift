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

    /// Another limit. What is held above it stays, and nothing is added until it is below.
    public func setLimit(_ bytes: Int) {
        total.limit.store(bytes, ordering: .relaxed)
        total.payWishes()
    }

    /// Has `look` called before much is taken at once: between two looks of a timer a few large bodies
    /// fill all the room there is. It runs on the thread that takes, so it must not wait.
    public func beforeMuchIsTaken(_ look: @escaping @Sendable () -> Void) {
        total.look.withLock { $0 = look }
    }

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
        let limit: Atomic<Int>
        let used = Atomic<Int>(0)
        /// What is set aside, with what there was no room for yet: no other can ever hold that.
        let setAside = Atomic<Int>(0)
        /// Of `setAside`, what there was no room for yet.
        let missing = Atomic<Int>(0)
        /// In the order in which they are paid.
        private let wishes = Mutex<[Aside]>([])
        /// Of `used`, room for bytes that were announced and have not come.
        let promised = Atomic<Int>(0)
        let look = Mutex<(@Sendable () -> Void)?>(nil)
        /// What is worth a look.
        static let muchBytes = 1 << 20

        init(limitBytes: Int) { limit = Atomic(limitBytes) }

        var limitBytes: Int { limit.load(ordering: .relaxed) }

        func take(_ bytes: Int) -> Bool {
            let after = used.wrappingAdd(bytes, ordering: .relaxed).newValue
            if after <= limitBytes { return true }
            giveBack(bytes)
            return false
        }

        /// As much of `bytes` as there is room for.
        func takeUp(to bytes: Int) -> Int {
            var seen = used.load(ordering: .sequentiallyConsistent)
            while true {
                let taken = min(bytes, limitBytes - seen)
                guard taken > 0 else { return 0 }
                let (isTaken, now) = used.compareExchange(
                    expected: seen, desired: seen + taken, ordering: .sequentiallyConsistent)
                if isTaken { return taken }
                seen = now
            }
        }

        /// What is set aside comes first to what is given back: who wishes says what is missing
        /// before he looks for room, and who gives looks for that afterwards, so one sees the other.
        func giveBack(_ bytes: Int) {
            used.wrappingSubtract(bytes, ordering: .sequentiallyConsistent)
            if missing.load(ordering: .sequentiallyConsistent) > 0 { payWishes() }
        }

        func payWishes() { wishes.withLock { pay(&$0) } }

        private func pay(_ wishes: inout [Aside]) {
            for aside in wishes {
                aside.held.wrappingAdd(takeUp(to: aside.missing), ordering: .relaxed)
            }
            wishes.removeAll { $0.missing == 0 }
            missing.store(wishes.reduce(0) { $0 + $1.missing }, ordering: .relaxed)
        }

        func setAside(_ bytes: Int, _ aside: Aside) {
            wishes.withLock { wishes in
                let before = aside.wanted.exchange(bytes, ordering: .relaxed)
                setAside.wrappingAdd(bytes - before, ordering: .relaxed)
                if aside.missing < 0 {
                    let over = -aside.missing
                    aside.held.wrappingSubtract(over, ordering: .relaxed)
                    used.wrappingSubtract(over, ordering: .relaxed)
                }
                if aside.missing > 0, !wishes.contains(where: { $0 === aside }) {
                    wishes.append(aside)
                }
                missing.store(
                    wishes.reduce(0) { $0 + $1.missing }, ordering: .sequentiallyConsistent)
                pay(&wishes)
            }
        }
    }

    /// What a share holds for as long as the program runs. Changed under the lock of `Total.wishes`.
    fileprivate final class Aside: Sendable {
        let wanted = Atomic<Int>(0)
        let held = Atomic<Int>(0)

        var missing: Int { wanted.load(ordering: .relaxed) - held.load(ordering: .relaxed) }
    }

    /// One holder's part of the budget.
    public final class Share: Sendable {
        public let name: String
        private let total: Total
        private let used = Atomic<Int>(0)
        /// Beside `used`; a part has none.
        private let aside: Aside?
        /// A part's own: the share that it draws on, and the most that it would have held.
        private let whole: Share?
        private let most = Atomic<Int>(0)

        fileprivate init(name: String, total: Total, whole: Share? = nil) {
            self.name = name
            self.total = total
            self.whole = whole
            aside = whole == nil ? Aside() : nil
        }

        public var usedBytes: Int { used.load(ordering: .relaxed) + asideBytes }

        /// Of that, what is set aside.
        public var asideBytes: Int { aside?.held.load(ordering: .relaxed) ?? 0 }

        /// Of the whole budget.
        public var limitBytes: Int { total.limitBytes }

        /// A share for one piece of work, which remembers what that would have taken; `bytes` are
        /// held for it already, and paid for elsewhere.
        public func part(holding bytes: Int) -> Share {
            let part = Share(name: name, total: total, whole: self)
            part.used.store(bytes, ordering: .relaxed)
            return part
        }

        /// Whether a part was refused what an empty budget would have refused it, too: its work can
        /// never be done.
        public var isBeyondBudget: Bool { !canEverHold(mostBytes) }

        /// The most that a part would have held, had it not been refused; 0 when it never was.
        public var mostBytes: Int { most.load(ordering: .relaxed) }

        /// Whether an empty budget would have room for `bytes`.
        public func canEverHold(_ bytes: Int) -> Bool {
            bytes <= max(0, total.limitBytes - total.setAside.load(ordering: .relaxed))
        }

        /// Takes `bytes` for as long as the program runs, instead of what was set aside before; nobody
        /// else can count on them. What there is no room for is taken as soon as others give it back,
        /// before anybody else has it; answers what is held now.
        @discardableResult public func setAside(_ bytes: Int) -> Int {
            guard let aside else { preconditionFailure("a part sets nothing aside") }
            if bytes - asideBytes >= Total.muchBytes { total.look.withLock { $0 }?() }
            total.setAside(bytes, aside)
            return asideBytes
        }

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
            if bytes >= Total.muchBytes { total.look.withLock { $0 }?() }
            guard total.take(bytes) else {
                if whole != nil { most.max(usedBytes &+ bytes, ordering: .relaxed) }
                return false
            }
            used.wrappingAdd(bytes, ordering: .relaxed)
            whole?.used.wrappingAdd(bytes, ordering: .relaxed)
            return true
        }

        /// Takes as much of `bytes` as there is room for, without a look before; how much that was.
        public func takeUp(to bytes: Int) -> Int {
            let taken = total.takeUp(to: bytes)
            used.wrappingAdd(taken, ordering: .relaxed)
            return taken
        }

        /// Returns what was taken.
        public func giveBack(_ bytes: Int) {
            used.wrappingSubtract(bytes, ordering: .relaxed)
            whole?.used.wrappingSubtract(bytes, ordering: .relaxed)
            total.giveBack(bytes)
        }

        /// Whether `bytes` may be reserved for what was only announced: while half of the budget is
        /// free, and an eighth of it at the most. `endPromise` ends it, when the bytes have come or
        /// never will.
        public func beginPromise(_ bytes: Int) -> Bool {
            guard hasPlenty(for: bytes) else { return false }
            let after = total.promised.wrappingAdd(bytes, ordering: .relaxed).newValue
            if after <= total.limitBytes / 8 { return true }
            endPromise(bytes)
            return false
        }

        public func endPromise(_ bytes: Int) {
            total.promised.wrappingSubtract(bytes, ordering: .relaxed)
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
