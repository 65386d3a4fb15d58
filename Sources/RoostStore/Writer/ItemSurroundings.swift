import RoostWire

/// The resource and the scope that the next items of a request stand in.
struct ItemSurroundings {
    private(set) var resource: [UInt8] = []
    private(set) var scope: [UInt8] = []

    mutating func resource(_ fields: OtherFields) { fields.copy(to: &resource) }

    mutating func scope(_ fields: OtherFields) { fields.copy(to: &scope) }
}
