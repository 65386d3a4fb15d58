import Testing

@testable import RoostCollector

@Suite struct DescriptorLimitTests {
    private typealias Connections = DescriptorLimit.Connections

    @Test func `connections of the web port have descriptors of their own`() {
        let wanted = Connections(senders: 4096, web: 2048)
        #expect(wanted.fitting(4096 + 2048 + 128) == wanted)
        for allowed in [8, 80, 200, 300, 1024, 4096 + 128, 6000, 4096 + 2048 + 127] {
            let fitting = wanted.fitting(allowed)
            #expect(fitting.senders >= allowed / 2 && fitting.web >= 1)
            #expect(fitting.senders + fitting.web <= max(allowed - 128, allowed * 5 / 8))
        }
    }

    @Test func `few senders leave the rest to the web port`() {
        let wanted = Connections(senders: 100, web: 500)
        #expect(wanted.fitting(428) == Connections(senders: 100, web: 200))
    }
}
