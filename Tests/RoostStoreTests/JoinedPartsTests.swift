import RoostCore
import Testing

@testable import RoostStore

@Suite struct JoinedPartsTests {
    /// Room for a transaction is asked for before it begins.
    @Test func `parts that will be made one are known before`() throws {
        var settings = StoreSettings()
        settings.path = StoreHarness.newFolder()
        defer { StoreHarness.remove(settings.path) }
        let shared = StoreShared(
            settings: settings, names: StoreHarness.names, understanding: TestUnderstanding(),
            memory: nil, log: Log { _ in }, count: { _, _, _ in })
        #expect(shared.files.makeFolder())
        let keeper = try TraceKeeper(shared)
        let traces = OpenTraces(settings)
        var anew: [Int] = []
        var written: [Int] = []
        for number in UInt64(1)...66 {
            let body = request([TestSpan(trace: 1, id: number, attributes: [("a", noise(500))])])
            unsafe body.withUnsafeBytes { unsafe traces.add($0, now: 1) }
            let part = try #require(traces.takeAll().first)
            anew.append(try keeper.bytesWrittenAnew(with: part))
            written.append(
                try keeper.transaction(bytes: 0) { () throws(SQLiteError) in
                    try keeper.store(part, now: 1)
                }.bytes)
        }
        #expect(anew.indices.filter { anew[$0] > 0 } == [64])
        #expect(anew[64] == written[..<64].reduce(0, +) && anew[64] < written[64])
        keeper.close()
    }
}
