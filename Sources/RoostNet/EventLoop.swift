import CUV
import Glibc
import RoostCore
import Synchronization

/// A loop that could not be made: the system has no file descriptors or memory left.
public struct EventLoopError: Error, CustomStringConvertible {
    public let description: String
}

/// One thread's event loop.
///
/// Everything made on it (timers, servers, connections) belongs to the thread that calls `run()`;
/// only `post`, `stop`, `name` and the beat are for any thread.
@safe public final class EventLoop: @unchecked Sendable {
    // Sendable: the queue and the closed flag are under the lock, the beat and the thread are
    // atomic, and the libuv objects are touched by the loop's thread alone, except
    // `uv_async_send`, which any thread may call until the handle is closed (under the lock).

    private struct Inbox {
        var works: [@Sendable () -> Void] = []
        var isClosed = false
    }

    public let name: String
    let uv: UnsafeMutablePointer<uv_loop_t>
    private let wake: UnsafeMutablePointer<uv_async_t>
    private let inbox = Mutex(Inbox())
    private let beat: Atomic<UInt64>
    private let thread = Atomic<UInt>(0)
    private var beatTimer: LoopTimer?
    private var mustStop = false
    /// A connection uses `output` now.
    var isFlushing = false
    /// Those that had something to write meanwhile.
    var delayedFlushes: [Connection] = []
    /// What was put off to the next turn.
    private var putOff: [() -> Void] = []

    /// Room that all connections of this loop share: one for reading, one for what goes out.
    let readBuffer: UnsafeMutableRawBufferPointer
    var output = OutputBuffer(reserving: 256 << 10)
    /// `output` encrypted; takes no room before the first TLS connection.
    var sealed = OutputBuffer(reserving: 64)
    let handshakes = HandshakeTurns()

    /// As of the last reading, and by libuv's clock of the last beat.
    private var latestNow: UInt64 = 0
    private var lastTurn: UInt64
    private var lostMilliseconds: UInt64 = 0
    /// A loop that was not heard of for so many milliseconds was stopped: no turn takes as long.
    private static let longestTurn: UInt64 = 2 * beatMilliseconds
    /// Milliseconds between two beats.
    private static let beatMilliseconds: UInt64 = 500
    private static let readBufferBytes = 256 << 10
    /// What a turn may last before those put off what is left to do that have more input than they
    /// can use at once.
    private static let sliceMilliseconds: UInt64 = 2

    public init(name: String) throws(EventLoopError) {
        _ = prepareProcess
        self.name = name
        let uv = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
        let wake = UnsafeMutablePointer<uv_async_t>.allocate(capacity: 1)
        let initialised = unsafe uv_loop_init(uv)
        guard initialised == 0 else {
            unsafe uv.deallocate()
            unsafe wake.deallocate()
            throw EventLoopError(description: "loop \(name): \(describe(initialised))")
        }
        let opened = unsafe uv_async_init(uv, wake, EventLoop.onWake)
        guard opened == 0 else {
            unsafe uv_loop_close(uv)
            unsafe uv.deallocate()
            unsafe wake.deallocate()
            throw EventLoopError(description: "loop \(name): \(describe(opened))")
        }
        unsafe self.uv = uv
        unsafe self.wake = wake
        unsafe self.readBuffer = .allocate(byteCount: EventLoop.readBufferBytes, alignment: 64)
        self.beat = Atomic(monotonicNanoseconds())
        lastTurn = unsafe uv_now(uv)
        // The loop owns the handle and closes it before it goes, so the pointer never dangles.
        unsafe wake.pointee.data = unsafe Unmanaged.passUnretained(self).toOpaque()
        beatTimer = schedule(
            afterMilliseconds: 0, repeatMilliseconds: EventLoop.beatMilliseconds
        ) { [unowned self] in
            beat.store(monotonicNanoseconds(), ordering: .relaxed)
            noticeStop()
        }
    }

    deinit {
        close()
        // Handles that nobody closed would still be pointed at by the loop: it is left to leak.
        if unsafe uv_loop_close(uv) == 0 { unsafe uv.deallocate() }
        unsafe readBuffer.deallocate()
    }

    /// Runs the loop on the calling thread until `stop()`. Once.
    public func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        while !mustStop, unsafe uv_run(uv, UV_RUN_DEFAULT) != 0 {}
        close()
        thread.store(0, ordering: .relaxed)
    }

    /// Makes `run()` return after the work already posted. Any thread.
    public func stop() {
        post {
            self.mustStop = true
            unsafe uv_stop(self.uv)
        }
    }

    /// Runs `work` on the loop, after everything posted before it. Any thread.
    ///
    /// False after the loop has ended: the work is then dropped.
    @discardableResult
    public func post(_ work: @escaping @Sendable () -> Void) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return false }
            inbox.works.append(work)
            if inbox.works.count == 1 { unsafe uv_async_send(wake) }
            return true
        }
    }

    /// Calls `work` on the loop after a while, then again every `repeatMilliseconds` (0: once).
    ///
    /// On the loop's thread, or before `run()`. The timer runs until `cancel()`, even when the
    /// caller lets go of it.
    @discardableResult
    public func schedule(
        afterMilliseconds delay: UInt64, repeatMilliseconds interval: UInt64 = 0,
        _ work: @escaping () -> Void
    ) -> LoopTimer {
        let timer = LoopTimer(loop: self, endsAfterFiring: interval == 0, work: work)
        timer.start(afterMilliseconds: delay, repeatMilliseconds: interval)
        return timer
    }

    /// Runs `work` on libuv's thread pool, then `then` with its result back on this loop.
    ///
    /// On the loop's thread. The pool has four threads for the whole program: for files and name
    /// look-ups, not for long computations.
    public func offload<Result: Sendable>(
        _ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void
    ) {
        OffloadedWork(work: work, then: then).start(on: self)
    }

    /// When the loop last showed that it turns, by `monotonicNanoseconds()`. Any thread.
    public var lastBeatNanoseconds: UInt64 { beat.load(ordering: .relaxed) }

    /// Whether the caller is on the thread that runs this loop.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// Milliseconds of the loop's own clock, as of the start of this turn. It stands still while the
    /// loop does because the process is stopped or the machine sleeps: what peers sent meanwhile waits
    /// to be read, and is not late. Never runs backwards.
    var now: UInt64 {
        latestNow = unsafe max(latestNow, uv_now(uv) &- lostMilliseconds)
        return latestNow
    }

    /// To be called before the clock is held against anybody: finds out whether the loop stood still.
    func noticeStop() {
        let real = unsafe uv_now(uv)
        if real &- lastTurn > EventLoop.longestTurn { lostMilliseconds = real &- latestNow }
        lastTurn = real
        _ = now
    }

    /// Whether this turn has lasted no longer than others may wait for. On the loop's thread.
    var hasTime: Bool {
        unsafe uv_hrtime() / 1_000_000 < uv_now(uv) &+ EventLoop.sliceMilliseconds
    }

    /// Runs `work` in the next turn, beside what has come for others meanwhile. On the loop's thread;
    /// a loop that ends drops it.
    func putOff(_ work: @escaping () -> Void) {
        putOff.append(work)
        if putOff.count == 1 { post { self.runPutOff() } }
    }

    private func runPutOff() {
        let works = putOff
        putOff = []
        for work in works { work() }
    }

    private func runPosted() {
        let works = inbox.withLock { inbox in
            defer { inbox.works.removeAll(keepingCapacity: true) }
            return inbox.works
        }
        for work in works { work() }
    }

    private func close() {
        let isFirst = inbox.withLock { inbox in
            defer { inbox.isClosed = true }
            return !inbox.isClosed
        }
        guard isFirst else { return }
        runPosted()
        beatTimer?.cancel()
        handshakes.close()
        unsafe uv_close(UnsafeMutableRawPointer(wake).assumingMemoryBound(to: uv_handle_t.self)) {
            unsafe UnsafeMutableRawPointer($0)?.deallocate()
        }
        for _ in 0..<8 where unsafe uv_run(uv, UV_RUN_NOWAIT) == 0 { break }
    }

    private static let onWake: uv_async_cb = { handle in
        guard let data = unsafe handle?.pointee.data else { return }
        unsafe Unmanaged<EventLoop>.fromOpaque(data).takeUnretainedValue().runPosted()
    }
}

/// What the whole program needs, done once.
///
/// A peer that goes away while we write is an error of that write, not a signal.
private let prepareProcess: Void = {
    _ = signal(SIGPIPE, SIG_IGN)
    Allocator.keepFreedMemory()
}()

/// What a libuv error code means.
func describe(_ code: CInt) -> String { unsafe String(cString: uv_strerror(code)) }
