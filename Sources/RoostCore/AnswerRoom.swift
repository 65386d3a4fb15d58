import Synchronization

/// Memory for answers that are made whole: while they are made, and until their readers have them.
///
/// A part of the budget is set aside, so that short questions are answered whatever else is held.
/// What needs more takes it from the rest of the budget as long as a quarter of that stays for
/// telemetry, and never more than a quarter in all. Any thread.
public final class AnswerRoom: Sendable {
    private let budget: MemoryBudget
    private let rest: MemoryBudget.Share
    /// What is set aside is shared out here.
    private let aside: MemoryBudget
    private let own: MemoryBudget.Share

    private let fraction: Int
    private let leastOwnBytes: Int

    private static let mostOwnBytes = 8 << 20

    /// Its use is shown under `name`. One in `fraction` of the budget is set aside, but no less than
    /// `leastBytes`.
    public init(
        budget: MemoryBudget, name: String = "answers", fraction: Int = 16, leastBytes: Int = 0
    ) {
        self.budget = budget
        self.fraction = fraction
        leastOwnBytes = leastBytes
        rest = budget.share(name)
        aside = MemoryBudget(limitBytes: 0)
        own = aside.share(name)
        suitLimit()
    }

    /// To be called when the budget has another limit.
    public func suitLimit() {
        let bytes = ownBytes
        rest.setAside(bytes)
        aside.setLimit(bytes)
    }

    private var ownBytes: Int {
        max(min(budget.limitBytes / fraction, Self.mostOwnBytes), leastOwnBytes)
    }

    /// What one answer can have when nothing else is held.
    public var mostBytes: Int { budget.limitBytes / 4 - ownBytes }

    /// As much of `bytes` as an answer should take of so small a limit.
    public func modest(_ bytes: Int) -> Int { min(bytes, max(256 << 10, budget.limitBytes / 64)) }

    /// Room for about `bytes`; nil when there is none now.
    public func lease(_ bytes: Int) -> Lease? {
        if own.tryTake(bytes) { return Lease(self, bytes, isOwn: true) }
        return takeRest(bytes) ? Lease(self, bytes, isOwn: false) : nil
    }

    private func takeRest(_ bytes: Int) -> Bool {
        let limit = budget.limitBytes
        guard bytes <= limit - limit / 4 - budget.usedBytes, bytes <= limit / 4 - rest.usedBytes
        else { return false }
        return rest.tryTake(bytes)
    }

    /// Room for one answer, given back when this is let go of. One thread at a time has a say.
    public final class Lease: Sendable {
        private let room: AnswerRoom
        private let state: Mutex<State>

        private struct State {
            var bytes: Int
            /// Of what is set aside.
            var isOwn: Bool
            /// Of `bytes`, by those who say so.
            var used = 0
            /// What was refused last.
            var refused = 0
        }

        fileprivate init(_ room: AnswerRoom, _ bytes: Int, isOwn: Bool) {
            self.room = room
            state = Mutex(State(bytes: bytes, isOwn: isOwn))
        }

        deinit { state.withLock { give($0.bytes, isOwn: $0.isOwn) } }

        /// Makes it larger; false, and nothing changes, when there is no room.
        public func grow(by more: Int) -> Bool {
            grow(to: state.withLock { $0.bytes } &+ more)
        }

        /// Makes it as large as `bytes`, if it is smaller; false, and nothing changes, when there is
        /// no room.
        public func grow(to bytes: Int) -> Bool {
            state.withLock { state in
                guard bytes > state.bytes else { return true }
                guard take(bytes - state.bytes, &state) else {
                    state.refused = bytes
                    return false
                }
                return true
            }
        }

        private func take(_ more: Int, _ state: inout State) -> Bool {
            if state.isOwn {
                if !room.own.tryTake(more) {
                    guard room.takeRest(state.bytes + more) else { return false }
                    room.own.giveBack(state.bytes)
                    state.isOwn = false
                }
            } else {
                guard room.takeRest(more) else { return false }
            }
            state.bytes += more
            return true
        }

        /// Notes that so many bytes more are in use, and makes it larger where it has not so many left;
        /// false, and nothing changes, when there is no room.
        public func use(_ more: Int) -> Bool {
            state.withLock { state in
                let used = state.used + more
                if used > state.bytes, !take(used - state.bytes, &state) {
                    state.refused = used
                    return false
                }
                state.used = used
                return true
            }
        }

        /// Notes that so many bytes are in use no more. They stay leased.
        public func giveBack(_ bytes: Int) { state.withLock { $0.used = max($0.used - bytes, 0) } }

        /// In use, by those who say so.
        public var usedBytes: Int { state.withLock { $0.used } }

        /// Whether what was refused last could be had if nothing else were held; if not, it never will.
        public var mayComeTrue: Bool { state.withLock { $0.refused } <= room.mostBytes }

        /// Makes it as small as `bytes`, if it is larger.
        public func shrink(to bytes: Int) {
            state.withLock { state in
                guard bytes < state.bytes else { return }
                give(state.bytes - bytes, isOwn: state.isOwn)
                state.bytes = bytes
                state.used = min(state.used, bytes)
            }
        }

        private func give(_ bytes: Int, isOwn: Bool) {
            (isOwn ? room.own : room.rest).giveBack(bytes)
        }
    }
}
