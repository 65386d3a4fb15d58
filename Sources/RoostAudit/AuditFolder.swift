import Glibc

/// The names of what lies in the folder of a trail.
enum AuditFolder {
    static let manifest = "manifest.jsonl"
    static let head = "head.json"

    private static let prefix = "audit-"
    private static let suffix = ".jsonl"
    private static let digits = 12

    /// A file is named after the first record in it.
    static func fileName(first: UInt64) -> String {
        let number = String(first)
        let zeros = String(repeating: "0", count: max(0, digits - number.utf8.count))
        return prefix + zeros + number + suffix
    }

    /// The first record that a name promises; nil for names of other files.
    static func first(ofFile name: String) -> UInt64? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        let number = name.dropFirst(prefix.count).dropLast(suffix.count)
        guard number.utf8.count >= digits, number.allSatisfy({ $0.isASCII && $0.isNumber }) else {
            return nil
        }
        return UInt64(number)
    }

    /// Where the torn end of a file is put.
    static func asideName(after sequence: UInt64, _ time: UInt64) -> String {
        "torn-after-\(sequence)-\(time).part"
    }

    /// The files with records, oldest first.
    static func files(in path: String) throws(FileFault) -> [String] {
        guard let folder = unsafe opendir(path) else { throw FileFault("open", path) }
        defer { unsafe _ = closedir(folder) }
        var found: [(first: UInt64, name: String)] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                unsafe String(cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
            }
            if let first = first(ofFile: name) { found.append((first, name)) }
        }
        return found.sorted { $0.first < $1.first }.map(\.name)
    }

    /// Makes the folder and those above it.
    static func make(_ path: String) throws(FileFault) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard unsafe mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw FileFault("make folder", made)
        }
    }

    /// Makes names in the folder survive a loss of power.
    static func sync(_ path: String) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { return }
        _ = fsync(folder)
        close(folder)
    }

    static func remove(_ path: String) throws(FileFault) {
        guard unsafe unlink(path) != 0, errno != ENOENT else { return }
        throw FileFault("remove", path)
    }
}
