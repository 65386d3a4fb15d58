import RoostWire

/// The resource and the scope that the next items of a request stand in.
struct ItemSurroundings {
    private(set) var resource: [UInt8] = []
    private(set) var scope: [UInt8] = []
    private var resourceFits = true
    private var scopeFits = true
    /// Of each. What has more is not stored: it would be written again with each trace in it.
    var mostBytes = 0

    var fits: Bool { resourceFits && scopeFits }

    mutating func resource(_ fields: OtherFields) {
        resourceFits = fields.copy(to: &resource, atMost: mostBytes)
    }

    mutating func scope(_ fields: OtherFields) {
        scopeFits = fields.copy(to: &scope, atMost: mostBytes)
    }
}

/// How many bytes of headers one request may have the store write.
///
/// A header is written with every trace and session that has items under it. One of many, with items
/// of two dozen bytes, each of another trace, would be hours of writing, while all others are dropped.
struct HeaderAllowance {
    private var bytes = 0

    init() {}

    /// For a request of so many bytes, where `held` bytes may be held: as many, and sixteen times the
    /// request.
    init(request: Int, held: Int) { bytes = held + 16 * request }

    var isUsedUp: Bool { bytes < 0 }

    mutating func use(_ more: Int) { bytes -= more }
}
