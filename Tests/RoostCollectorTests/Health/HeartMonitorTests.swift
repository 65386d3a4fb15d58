import Synchronization
import Testing

@testable import RoostCollector

@Suite struct HeartMonitorTests {
    @Test func `takes a thread for dead after as many ticks without a beat as allowed`() {
        let beat = Mutex<UInt64>(1)
        let monitor = HeartMonitor(
            [
                .init(name: "loop-0") { beat.withLock { $0 } },
                .init(name: "still") { 7 },
            ], ticks: 3)
        for _ in 0..<3 {
            beat.withLock { $0 += 1 }
            monitor.tick()
        }
        #expect(monitor.stopped == [])
        beat.withLock { $0 += 1 }
        monitor.tick()
        #expect(monitor.stopped == ["still"])
    }

    @Test func `forgives a thread that turns again`() {
        let beat = Mutex<UInt64>(1)
        let monitor = HeartMonitor([.init(name: "a") { beat.withLock { $0 } }], ticks: 2)
        for _ in 0..<5 { monitor.tick() }
        #expect(monitor.stopped == ["a"])
        beat.withLock { $0 += 1 }
        monitor.tick()
        #expect(monitor.stopped == [])
    }
}

@Suite struct LifecycleTests {
    @Test func `moves forward only`() {
        let lifecycle = Lifecycle()
        #expect(lifecycle.phase == .starting)
        lifecycle.enter(.draining)
        lifecycle.enter(.running)
        #expect(lifecycle.phase == .draining)
        #expect(lifecycle.isDraining)
    }
}
