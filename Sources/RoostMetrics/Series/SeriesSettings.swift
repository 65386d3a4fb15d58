public import RoostCore

/// Bounds of what applications may put on the page.
public struct SeriesSettings: Sendable {
    /// How many series a family may hold; the rest falls into one more series.
    public var seriesPerMetric: Int
    /// A series that has heard nothing for so long ends; nil for never.
    public var expiry: Duration?
    /// How many families there may be; the points of the rest are not exposed.
    public var families: Int
    /// Where the bytes of series are reserved; a series that gets none falls into the overflow.
    public var memory: MemoryBudget.Share?

    public init(
        seriesPerMetric: Int = 10_000, expiry: Duration? = .seconds(300), families: Int = 10_000,
        memory: MemoryBudget.Share? = nil
    ) {
        self.seriesPerMetric = seriesPerMetric
        self.expiry = expiry
        self.families = families
        self.memory = memory
    }
}
