// Stands in until the part "series" lands; that part deletes this file.
public import RoostCore
public struct SeriesSettings: Sendable {
    public init(seriesPerMetric: Int, expiry: Duration, memory: MemoryBudget.Share) {}
}
public final class SeriesStore: Sendable, ExpositionSource {
    public init(settings: SeriesSettings, reservedNames: (String) -> Bool) {}
    public func ingest(_ body: ByteBlock, now: UInt64) {}
    public func expire(now: UInt64) {}
    public var unexposedPoints: [(reason: String, points: UInt64)] { [] }
    public var counters: [(name: String, help: String, value: UInt64)] { [] }
    public var seriesCount: Int { 0 }
    public func makePass() -> any ExpositionPass { EmptyPass() }
}
struct EmptyPass: ExpositionPass {
    mutating func write(into writer: inout ExpositionWriter, upTo bytes: Int) -> Bool { false }
}
