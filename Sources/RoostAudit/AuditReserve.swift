import Glibc

/// Room that is kept on the disk for the records of removals, which make room on a full one.
struct AuditReserve {
    let path: String

    static let name = "reserve"
    /// Enough for the record of one removal and its line in the manifest, in blocks of any size.
    private static let bytes = 64 << 10

    init(folder: String) { path = folder + "/" + Self.name }

    /// Takes the room, if there is so much. posix_fallocate(3).
    func fill() {
        guard let file = try? AuditFile(path, .overwrite) else { return }
        if !file.allots(Self.bytes) { release() }
    }

    /// Answers whether there was some.
    @discardableResult
    func release() -> Bool { unsafe unlink(path) == 0 }
}
