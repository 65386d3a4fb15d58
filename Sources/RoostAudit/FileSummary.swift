import RoostCore

/// What is known of a file of the trail without reading it.
struct FileSummary: Equatable {
    let name: String
    /// Sequence number of the first record.
    let first: UInt64
    var last: UInt64
    var records: Int
    var bytes: Int
    /// The least and the greatest time of a record, in Unix nanoseconds.
    var earliest: UInt64
    var latest: UInt64
    /// The clock was never set back between two records.
    var isOrdered: Bool
    /// Of the last record.
    var lastHash: [UInt8]

    init(name: String, first: UInt64) {
        self.name = name
        self.first = first
        last = first &- 1
        records = 0
        bytes = 0
        earliest = .max
        latest = 0
        isOrdered = true
        lastHash = AuditLine.noHash
    }

    /// Takes in that records recorded at `time` were added.
    mutating func add(records count: Int, bytes size: Int, at time: UInt64) {
        records += count
        bytes += size
        if time < latest { isOrdered = false }
        earliest = min(earliest, time)
        latest = max(latest, time)
    }

    /// Takes in the lines of a file that stand by themselves, and shows them to `body`; answers the
    /// last of them and where it ends. `last` and `lastHash` stay as they are.
    mutating func read(
        _ file: borrowing AuditFile, _ sha: SHA256, _ body: (Span<UInt8>) -> Void
    ) throws(FileFault) -> (last: AuditLine.Link?, soundBytes: Int) {
        var found = self
        var read: (last: AuditLine.Link?, soundBytes: Int) = (nil, 0)
        try file.forEachLine { line, _, offset, isWhole in
            guard isWhole, let link = AuditLine.link(line), AuditLine.sum(line, sha) == link.hash
            else { return true }
            read = (link, offset + line.count + 1)
            let time = AuditHeader(line)?.unixNanoseconds(line) ?? 0
            found.add(records: 1, bytes: line.count + 1, at: time)
            body(line)
            return true
        }
        self = found
        return read
    }
}

/// One line of the manifest.
enum ManifestEntry: Equatable {
    /// Nothing is added to the file any more.
    case sealed(FileSummary)
    /// The file was removed because of its age or because all files together were too large.
    case removed(file: String, reason: String)

    /// The members of its line behind the sequence number.
    func body(time: UInt64) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch self {
        case .sealed(let file):
            writer.field("event", "sealed")
            writer.field("file", file.name)
            writer.field("first", file.first)
            writer.field("last", file.last)
            writer.field("records", file.records)
            writer.field("bytes", file.bytes)
            writer.field("first_time", rfc3339(unixNanoseconds: file.earliest))
            writer.field("last_time", rfc3339(unixNanoseconds: file.latest))
            writer.field("ordered", file.isOrdered)
            writer.field("last_hash", String(decoding: file.lastHash, as: UTF8.self))
        case .removed(let file, let reason):
            writer.field("event", "removed")
            writer.field("file", file)
            writer.field("reason", reason)
        }
        writer.field("time", rfc3339(unixNanoseconds: time))
        var bytes = writer.bytes
        bytes[0] = UInt8(ascii: ",")
        return bytes
    }

    init?(_ line: Span<UInt8>) {
        let text = AuditLine.copy(line, from: 0, line.count)
        guard let document = try? JSONValue(parsing: text), let name = document["file"]?.string,
            let first = AuditFolder.first(ofFile: name)
        else { return nil }
        switch document["event"]?.string {
        case "sealed":
            var file = FileSummary(name: name, first: first)
            guard let last = document["last"]?.number.flatMap({ UInt64(exactly: $0) }),
                let records = Self.amount(document["records"]),
                let bytes = Self.amount(document["bytes"]),
                let hash = document["last_hash"]?.string
            else { return nil }
            file.last = last
            file.records = records
            file.bytes = bytes
            let time = { (name: String) in
                document[name]?.string.flatMap { unixNanoseconds(rfc3339: $0) }
            }
            file.earliest = time("first_time") ?? 0
            file.latest = time("last_time") ?? .max
            file.isOrdered = document["ordered"]?.bool ?? false
            file.lastHash = Array(hash.utf8)
            self = .sealed(file)
        case "removed": self = .removed(file: name, reason: document["reason"]?.string ?? "")
        default: return nil
        }
    }

    /// Of records or bytes in a file. Others are not from Roost, and added up they would be too many
    /// for a number.
    private static func amount(_ value: JSONValue?) -> Int? {
        value?.number.flatMap { Int(exactly: $0) }.flatMap { (0...most).contains($0) ? $0 : nil }
    }

    private static let most = 1 << 40
}
