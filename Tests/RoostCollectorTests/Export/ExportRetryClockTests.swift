import Testing

@testable import RoostCollector

@Suite struct ExportRetryClockTests {
    private func clock(initial: Duration = .seconds(1), max: Duration = .seconds(30)) -> RetryClock
    {
        var retry = ExportSettings.Retry()
        retry.initial = initial
        retry.max = max
        return RetryClock(retry)
    }

    @Test func `the longest wait doubles up to the maximum`() {
        var clock = clock()
        var now: UInt64 = 0
        var waits: [UInt64] = []
        for _ in 0..<8 {
            clock.failed(startedAt: now, now: now, peerDelay: nil, random: 1, isDraining: false)
            let next = clock.nextAttempt ?? 0
            waits.append((next - now) / second)
            now = next
        }
        #expect(waits == [1, 2, 4, 8, 16, 30, 30, 30])
    }

    @Test func `the wait is a random part of the longest one`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: nil, random: 0.25, isDraining: false)
        #expect(clock.nextAttempt == second / 4)
    }

    @Test func `many failures do not overflow`() {
        var clock = clock(initial: .seconds(1), max: .seconds(1_000_000_000))
        for step in 0..<200 {
            let now = UInt64(step)
            clock.failed(startedAt: now, now: now, peerDelay: nil, random: 0.5, isDraining: false)
        }
        #expect(clock.failures == 200)
        #expect(clock.nextAttempt != nil)
    }

    @Test func `requests that fail together count as one failure`() {
        var clock = clock()
        for _ in 0..<4 {
            clock.failed(startedAt: 5, now: 100, peerDelay: nil, random: 1, isDraining: false)
        }
        #expect(clock.failures == 1)
    }

    @Test func `the peer's delay is obeyed, within reason`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: .seconds(7), random: 0, isDraining: false)
        #expect(clock.nextAttempt == 7 * second)
        clock.answered(0)
        clock.failed(
            startedAt: 0, now: 0, peerDelay: .seconds(1 << 31), random: 0, isDraining: false)
        #expect(clock.nextAttempt == RetryClock.longestPeerDelay)
    }

    @Test func `a delay of zero means that we choose`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: .zero, random: 1, isDraining: false)
        #expect(clock.nextAttempt == second)
    }

    @Test func `an answer ends the waiting`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: nil, random: 1, isDraining: false)
        #expect(!clock.isOpen(millisecond))
        clock.answered(0)
        #expect(clock.isOpen(millisecond) && !clock.isFailing)
    }

    @Test func `draining shortens our own waits only`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: nil, random: 1, isDraining: true)
        #expect(clock.nextAttempt == RetryClock.longestDrainDelay)
        clock.answered(0)
        clock.failed(startedAt: 0, now: 0, peerDelay: .seconds(3), random: 0, isDraining: true)
        #expect(clock.nextAttempt == 3 * second)
    }

    @Test func `a drain that begins cuts our own wait short, not the peer's`() {
        var clock = clock()
        clock.failed(startedAt: 0, now: 0, peerDelay: nil, random: 1, isDraining: false)
        clock.hurry(now: second / 4)
        #expect(clock.nextAttempt == second / 4 + RetryClock.longestDrainDelay)
        clock.failed(startedAt: 0, now: 0, peerDelay: .seconds(600), random: 0, isDraining: false)
        clock.hurry(now: second)
        #expect(clock.nextAttempt == 600 * second)
        clock.answered(2 * second)
        clock.hurry(now: 2 * second)
        #expect(clock.nextAttempt == 600 * second)
    }
}
