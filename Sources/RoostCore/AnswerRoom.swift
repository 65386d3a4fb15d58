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

        /// Whether it could be larger by so much if nothing else were held; if not, it never will.
        public func couldGrow(by more: Int) -> Bool {
            more <= room.mostBytes - state.withLock { $0.bytes }
        }

        /// Whether it could be so large if nothing else were held; if not, it never will.
        public func couldGrow(to bytes: Int) -> Bool { bytes <= room.mostBytes }

        /// Makes it as large as `bytes`, if it is smaller; false, and nothing changes, when there is
        /// no room.
        public func grow(to bytes: Int) -> Bool {
            state.withLock { state in
                guard bytes > state.bytes else { return true }
                let more = bytes - state.bytes
                if state.isOwn {
                    if room.own.tryTake(more) {
                        state.bytes = bytes
                        return true
                    }
                    guard room.takeRest(bytes) else { return false }
                    room.own.giveBack(state.bytes)
                    state = State(bytes: bytes, isOwn: false)
                    return true
                }
                guard room.takeRest(more) else { return false }
                state.bytes = bytes
                return true
            }
        }

        /// Makes it as small as `bytes`, if it is larger.
        public func shrink(to bytes: Int) {
            state.withLock { state in
                guard bytes < state.bytes else { return }
                give(state.bytes - bytes, isOwn: state.isOwn)
                state.bytes = bytes
            }
        }

        private func give(_ bytes: Int, isOwn: Bool) {
            (isOwn ? room.own : room.rest).giveBack(bytes)
        }
    }
}
