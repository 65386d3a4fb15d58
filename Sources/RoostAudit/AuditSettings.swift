/// Where the audit trail is kept, when its files are sealed and how long they stay.
public struct AuditSettings: Sendable, Equatable {
    /// The folder; made when it is missing.
    public var path = "roost-data/audit"
    /// A file that has reached this is sealed; so is one that a day of UTC has ended for.
    public var fileBytes = 64 << 20
    /// How long a sealed file stays after its last record; nil for ever.
    public var keep: Duration? = .seconds(365 * 86_400)
    /// Sealed files are removed, oldest first, as long as all files together are larger.
    public var totalBytes = 1 << 30
    /// Records that may wait to be written.
    public var waitingRecords = 16_384
    /// Bytes that may wait to be written.
    public var waitingBytes = 8 << 20
    /// Of the newest records, kept in memory for queries.
    public var recentBytes = 4 << 20
    /// Of pairs of action and result, counted apart; what comes later is counted together.
    public var countedPairs = 256
    /// How much of the files one query reads.
    public var bytesPerQuery = 64 << 20

    public init(path: String = "roost-data/audit") { self.path = path }

    /// Those that an open trail can take over.
    var retention: Retention {
        Retention(fileBytes: fileBytes, keep: keep, totalBytes: totalBytes)
    }

    struct Retention: Sendable {
        var fileBytes: Int
        var keep: Duration?
        var totalBytes: Int
    }
}
