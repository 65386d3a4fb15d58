import Synchronization

/// Watches whether every thread still turns.
///
/// Fed once per tick of the web loop's timer with each thread's last beat. A thread counts as
/// stopped when its beat has stood still for `limit` ticks in a row, so a program that was itself
/// suspended does not take its threads for dead when it wakes up. Any thread may ask.
package final class HeartMonitor: Sendable {
    /// One thread and a way to read when it last showed itself.
    package struct Heart: Sendable {
        package let name: String
        package let lastBeat: @Sendable () -> UInt64

        package init(name: String, lastBeat: @escaping @Sendable () -> UInt64) {
            self.name = name
            self.lastBeat = lastBeat
        }
    }

    private struct State {
        var seen: [UInt64]
        var ticksStill: [Int]
    }

    private let hearts: [Heart]
    private let limit: Int
    private let state: Mutex<State>

    package init(_ hearts: [Heart], ticks limit: Int) {
        self.hearts = hearts
        self.limit = limit
        state = Mutex(
            State(
                seen: [UInt64](repeating: 0, count: hearts.count),
                ticksStill: [Int](repeating: 0, count: hearts.count)))
    }

    /// Reads every beat once.
    package func tick() {
        let beats = hearts.map { $0.lastBeat() }
        state.withLock { state in
            for index in beats.indices {
                let isStill = beats[index] == state.seen[index]
                state.ticksStill[index] = isStill ? state.ticksStill[index] + 1 : 0
                state.seen[index] = beats[index]
            }
        }
    }

    /// The threads that have stopped, by name.
    package var stopped: [String] {
        state.withLock { state in
            hearts.indices.filter { state.ticksStill[$0] >= limit }.map { hearts[$0].name }
        }
    }

    package var names: [String] { hearts.map(\.name) }
}
