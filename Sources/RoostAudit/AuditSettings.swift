/// Where the audit trail is kept and when its files are sealed.
public struct AuditSettings: Sendable, Equatable {
    /// The folder; made when it is missing.
    public var path = "roost-data/audit"

    public init() {}
}
