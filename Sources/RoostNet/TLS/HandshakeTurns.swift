import CUV
import RoostCore

/// Spreads handshakes over the turns of a loop. One costs up to a millisecond, so a thousand at once
/// would keep everybody else waiting for a second. Loop thread only.
///
/// What does not fit into a turn waits in the order in which it came.
@safe final class HandshakeTurns {
    private var waiting: [Connection] = []
    private var first = 0
    private var turn: UInt64 = .max
    private var spentNanoseconds: UInt64 = 0
    /// Called in each turn while somebody waits.
    private var idle: UnsafeMutablePointer<uv_idle_t>?

    /// Spent on handshakes in one turn.
    private static let mostNanoseconds: UInt64 = 2_000_000

    /// Whether there is time for a handshake in this turn; else the caller is to `wait`.
    func mayGoOn(now: UInt64) -> Bool {
        if now != turn {
            turn = now
            spentNanoseconds = 0
        }
        return first == waiting.count && spentNanoseconds < Self.mostNanoseconds
    }

    func note(nanoseconds: UInt64) { spentNanoseconds &+= nanoseconds }

    /// Calls `goOnShakingHands` of the connection in a later turn.
    func wait(_ connection: Connection, loop: EventLoop) {
        waiting.append(connection)
        guard unsafe idle == nil else { return }
        let handle = UnsafeMutablePointer<uv_idle_t>.allocate(capacity: 1)
        unsafe uv_idle_init(loop.uv, handle)
        // The loop owns this object and closes the handle before it goes.
        unsafe handle.pointee.data = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe uv_idle_start(handle, Self.onIdle)
        unsafe idle = unsafe handle
    }

    private func takeTurn() {
        spentNanoseconds = 0
        while first < waiting.count, spentNanoseconds < Self.mostNanoseconds {
            let connection = waiting[first]
            first += 1
            connection.goOnShakingHands()
        }
        if first == waiting.count {
            waiting = []
            first = 0
            close()
        } else if first > 1_024 {
            waiting.removeFirst(first)
            first = 0
        }
    }

    /// Stops calling; who waits is forgotten.
    func close() {
        guard let handle = unsafe idle else { return }
        unsafe idle = nil
        unsafe uv_idle_stop(handle)
        unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)) {
            unsafe UnsafeMutableRawPointer($0)?.deallocate()
        }
    }

    private static let onIdle: uv_idle_cb = { handle in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<HandshakeTurns>.fromOpaque(data).takeUnretainedValue().takeTurn()
    }
}
