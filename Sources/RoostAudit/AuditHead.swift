import RoostCore

/// Where the trail ends, kept beside it so that a missing end is noticed.
///
/// It is written after the records are on the disk and not waited for: after a loss of power it may
/// lag behind the files, never run ahead of them.
struct AuditHead: Equatable {
    /// Of the last record.
    var sequence: UInt64
    var hash: [UInt8]
    var file: String
    /// Where the file ended behind that record.
    var offset: Int

    /// Of the same length always, so that one replaces the other with one write.
    private static let bytes = 256

    func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("seq", sequence)
        writer.field("hash", String(decoding: hash, as: UTF8.self))
        writer.field("file", file)
        writer.field("offset", offset)
        writer.endObject()
        let spaces = max(0, Self.bytes - 1 - writer.bytes.count)
        return writer.bytes + [UInt8](repeating: 0x20, count: spaces) + [0x0A]
    }

    init(sequence: UInt64, hash: [UInt8], file: String, offset: Int) {
        self.sequence = sequence
        self.hash = hash
        self.file = file
        self.offset = offset
    }

    /// Nil when there is none, or nothing that can be read.
    init?(folder: String) {
        guard let bytes = readFile(folder + "/" + AuditFolder.head, limit: 4096),
            let document = try? JSONValue(parsing: bytes),
            let sequence = document["seq"]?.number.flatMap({ UInt64(exactly: $0) }),
            let hash = document["hash"]?.string, hash.utf8.count == SHA256.hexBytes,
            let file = document["file"]?.string,
            let offset = document["offset"]?.number.flatMap({ Int(exactly: $0) }), offset >= 0
        else { return nil }
        self.init(sequence: sequence, hash: Array(hash.utf8), file: file, offset: offset)
    }
}
