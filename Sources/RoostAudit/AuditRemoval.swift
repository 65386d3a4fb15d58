import RoostCore

/// What a record `audit.remove` says of a file. It is on the disk before the file goes.
struct AuditRemoval: Equatable {
    let file: String
    let last: UInt64
    /// Of the file's last record.
    let lastHash: [UInt8]
    let reason: String

    static let action = "audit.remove"

    /// Behind the time, which is as long in every record.
    private static let begin = Array(#","agent":null,"action":"audit.remove","#.utf8)
    private static let timeBytes = #","time":"2026-11-21T09:00:00.000000000Z""#.utf8.count
    private static let mostDigits = 20

    init(of file: FileSummary, reason: String) {
        self.file = file.name
        last = file.last
        lastHash = file.lastHash
        self.reason = reason
    }

    /// Nil for any other record, also for one that somebody posted under this name.
    init?(_ line: Span<UInt8>) {
        guard let end = Self.endOfSequence(line),
            AuditLine.has(Self.begin, line, at: end + Self.timeBytes),
            let document = try? JSONValue(parsing: AuditLine.copy(line, from: 0, line.count)),
            document["source"]?.string == AuditRecord.Source.roost.rawValue,
            let details = document["details"], let file = details["file"]?.string,
            let last = details["last"]?.number.flatMap({ UInt64(exactly: $0) }),
            let hash = details["last_hash"]?.string
        else { return nil }
        self.file = file
        self.last = last
        lastHash = Array(hash.utf8)
        reason = details["reason"]?.string ?? ""
    }

    private static func endOfSequence(_ line: Span<UInt8>) -> Int? {
        let first = 7  // {"seq":
        for place in first..<max(first, min(line.count, first + mostDigits))
        where line[place] == UInt8(ascii: ",") {
            return place
        }
        return nil
    }

    func isOf(_ file: FileSummary) -> Bool {
        self.file == file.name && last == file.last && lastHash == file.lastHash
    }

    func record(first: UInt64) -> AuditRecord {
        AuditRecord(
            action: Self.action, result: "success", source: .roost,
            details: .object([
                ("file", .string(file)), ("reason", .string(reason)),
                ("first", .number(Double(first))), ("last", .number(Double(last))),
                ("last_hash", .string(String(decoding: lastHash, as: UTF8.self))),
            ]))
    }
}

/// Removals that the manifest tells of, and that a record has to tell of as well.
///
/// Anybody can add a line to the manifest; a record stands in the chain of all others. Only of those
/// removals is one owed that were done when a file that is still there was written to: of earlier
/// ones the record went with its own file. The newest removal always owes one.
struct OwedRemovals {
    private var removed: [String: AuditManifest.Removed] = [:]

    init() {}

    init(_ manifest: AuditManifest) {
        for one in manifest.owingRecord { removed[one.file.name] = one }
    }

    var isEmpty: Bool { removed.isEmpty }

    /// The one that the manifest tells first.
    var first: AuditManifest.Removed? { removed.values.min { $0.line < $1.line } }

    func has(_ name: String) -> Bool { removed[name] != nil }

    /// Takes in a line of the trail.
    mutating func settle(by line: Span<UInt8>) {
        guard !removed.isEmpty, let removal = AuditRemoval(line),
            let one = removed[removal.file], removal.isOf(one.file)
        else { return }
        removed[removal.file] = nil
    }

    /// More files were removed meanwhile, with the records that were in them.
    mutating func drop(whatNoLongerOwes manifest: AuditManifest) {
        let now = OwedRemovals(manifest)
        removed = removed.filter { now.has($0.key) }
    }
}
