import RoostNet
import Testing

@testable import RoostCollector

@Suite struct ScrapeRoundTests {
    @Test func `ends when the last loop has answered, without waiting for its time`() throws {
        let loop = try EventLoop(name: "test")
        var ends = 0
        let round = ScrapeRound(waitingFor: 2, atMost: 3_600_000, on: loop) { ends += 1 }
        round.arrived()
        #expect(ends == 0)
        round.arrived()
        #expect(ends == 1)
        round.arrived()
        #expect(ends == 1)
    }

    @Test func `ends without a loop that is busy for too long, and once`() throws {
        let loop = try EventLoop(name: "test")
        var ends = 0
        let round = ScrapeRound(waitingFor: 2, atMost: 1, on: loop) {
            ends += 1
            loop.stop()
        }
        round.arrived()
        loop.run()
        #expect(ends == 1)
        // Its answer comes at last.
        round.arrived()
        #expect(ends == 1)
    }
}
