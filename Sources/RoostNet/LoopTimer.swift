import CUV

/// A timer of one loop. Loop thread only.
@safe public final class LoopTimer {
    private var handle: UnsafeMutablePointer<uv_timer_t>?
    private let work: () -> Void
    /// Gives itself up after it has fired, with everything that `work` holds.
    private let endsAfterFiring: Bool

    init(loop: EventLoop, endsAfterFiring: Bool = false, work: @escaping () -> Void) {
        self.work = work
        self.endsAfterFiring = endsAfterFiring
        let handle = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        unsafe uv_timer_init(loop.uv, handle)
        unsafe self.handle = handle
        // Retained for libuv until `cancel`, which hands the reference to the close callback.
        unsafe handle.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
    }

    /// Starts it, or starts it anew with other times.
    func start(afterMilliseconds delay: UInt64, repeatMilliseconds interval: UInt64) {
        guard let handle = unsafe handle else { return }
        unsafe uv_timer_start(handle, LoopTimer.onTimer, delay, interval)
    }

    /// Stops it without giving it up.
    func pause() {
        guard let handle = unsafe handle else { return }
        unsafe uv_timer_stop(handle)
    }

    /// Ends it: `work` is not called again. Cancelling twice does nothing.
    public func cancel() {
        guard let handle = unsafe handle else { return }
        unsafe self.handle = nil
        unsafe uv_timer_stop(handle)
        unsafe uv_close(UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)) {
            guard let closed = unsafe $0 else { return }
            if let data = unsafe closed.pointee.data {
                unsafe Unmanaged<LoopTimer>.fromOpaque(data).release()
            }
            unsafe UnsafeMutableRawPointer(closed).deallocate()
        }
    }

    private static let onTimer: uv_timer_cb = { handle in
        guard let data = unsafe handle?.pointee.data else { return }
        let timer = unsafe Unmanaged<LoopTimer>.fromOpaque(data).takeUnretainedValue()
        timer.work()
        if timer.endsAfterFiring { timer.cancel() }
    }
}

/// One piece of work on libuv's thread pool.
///
/// `@unchecked Sendable`: `work` and `result` are used by one thread at a time; libuv hands the
/// object from the loop to the pool and back.
@safe final class OffloadedWork<Result: Sendable>: OffloadedWorkBase, @unchecked Sendable {
    private let work: @Sendable () -> Result
    private let then: (Result) -> Void
    private var result: Result?

    init(work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void) {
        self.work = work
        self.then = then
    }

    override func perform() { result = work() }

    override func finish() {
        if let result { then(result) }
    }
}

/// What the C callbacks see of `OffloadedWork`.
@safe class OffloadedWorkBase {
    func perform() {}
    func finish() {}

    func start(on loop: EventLoop) {
        let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
        // Retained until the after-work callback takes it back.
        unsafe request.pointee.data = unsafe Unmanaged.passRetained(self).toOpaque()
        unsafe uv_queue_work(
            loop.uv, request,
            { request in
                guard let data = unsafe request?.pointee.data else { return }
                unsafe Unmanaged<OffloadedWorkBase>.fromOpaque(data).takeUnretainedValue()
                    .perform()
            },
            { request, _ in
                guard let request = unsafe request, let data = unsafe request.pointee.data else {
                    return
                }
                let work = unsafe Unmanaged<OffloadedWorkBase>.fromOpaque(data).takeRetainedValue()
                unsafe request.deallocate()
                work.finish()
            })
    }
}
