import RoostCore
import Synchronization
import Testing

@testable import RoostNet

@Suite struct EventLoopTests {
    @Test func `runs posted work in order on its own thread`() throws {
        let thread = try LoopThread()
        let loop = thread.loop
        let order = Mutex<[Int]>([])
        let done = Signal()
        for number in 0..<100 {
            loop.post { order.withLock { $0.append(number) } }
        }
        loop.post { if loop.isCurrent { done.fire() } }
        #expect(done.wait())
        #expect(order.withLock { $0 } == Array(0..<100))
        #expect(!loop.isCurrent)
        thread.stop()
        #expect(!loop.post {})
    }

    @Test func `calls timers until they are cancelled`() throws {
        let thread = try LoopThread()
        let loop = thread.loop
        let fired = Counter()
        let done = Signal()
        loop.post {
            let box = TimerBox()
            box.timer = loop.schedule(afterMilliseconds: 1, repeatMilliseconds: 1) {
                fired.add(1)
                if fired.value == 3 {
                    box.timer?.cancel()
                    box.timer?.cancel()
                    loop.schedule(afterMilliseconds: 5) { done.fire() }
                }
            }
        }
        #expect(done.wait())
        #expect(fired.value == 3)
        thread.stop()
    }

    private final class TimerBox { var timer: LoopTimer? }

    @Test func `a timer that fires once lets go of what its work holds`() throws {
        final class Held: Sendable {
            let released: Signal
            init(_ released: Signal) { self.released = released }
            deinit { released.fire() }
        }
        let thread = try LoopThread()
        let loop = thread.loop
        let released = Signal()
        loop.post {
            let held = Held(released)
            loop.schedule(afterMilliseconds: 0) { _ = held }
        }
        #expect(released.wait())
        thread.stop()
    }

    @Test func `does work elsewhere and comes back`() throws {
        let thread = try LoopThread()
        let loop = thread.loop
        let done = Signal()
        loop.post {
            loop.offload({ loop.isCurrent }) { wasOnLoop in
                if !wasOnLoop, loop.isCurrent { done.fire() }
            }
        }
        #expect(done.wait())
        thread.stop()
    }

    @Test func `beats`() throws {
        let start = monotonicNanoseconds()
        let thread = try LoopThread()
        let done = Signal()
        thread.loop.post { thread.loop.schedule(afterMilliseconds: 20) { done.fire() } }
        #expect(done.wait())
        #expect(thread.loop.lastBeatNanoseconds >= start)
        thread.stop()
    }
}
