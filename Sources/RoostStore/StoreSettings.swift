/// Where the store keeps its database and how much of it.
public struct StoreSettings: Sendable, Equatable {
    /// The folder; made when it is missing.
    public var path = "roost-data"
    /// Nanoseconds from arrival.
    public var keep: UInt64 = 7 * 86_400 * 1_000_000_000
    /// Bytes on disk.
    public var size = 2 << 30

    public init() {}
}
