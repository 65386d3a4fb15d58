import RoostIngest
import Testing

@testable import RoostAnalytics

@Suite struct SymbolsTests {
    @Test func `numbers go on from batch to batch`() {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.newTexts = [Array("a".utf8)]
        symbols.take(batch)
        batch.newTexts = [Array("b".utf8)]
        symbols.take(batch)
        #expect([0, 1, 2, 3, -1].map { symbols.text($0) } == ["", "a", "b", "", "(other)"])
    }

    @Test func `the oldest identities are forgotten`() {
        var symbols = Symbols()
        var batch = AgentFactBatch()
        batch.identities = (1...70_000).map { AgentIdentity(hash: $0, text: Array("s\($0)".utf8)) }
        symbols.take(batch)
        #expect(symbols.identity(1) == nil)
        #expect(symbols.identity(70_000) == "s70000")
        #expect(symbols.identity(0) == "")
    }
}
