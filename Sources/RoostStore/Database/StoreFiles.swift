import Glibc
import RoostCore

/// The files of the database.
struct StoreFiles: Sendable {
    let folder: String
    var path: String { folder + "/store.db" }

    private static let ends = ["", "-wal", "-shm"]

    /// Bytes on disk, the log of changes included.
    var bytes: Int {
        Self.ends.reduce(0) { sum, end in
            var status = stat()
            guard unsafe stat(path + end, &status) == 0 else { return sum }
            return sum + Int(status.st_size)
        }
    }

    /// Renames the files so that a new database can begin; answers the new name.
    func setAside(now: UInt64) -> String? {
        let seconds = now / 1_000_000_000
        var aside = path + ".damaged-\(seconds)"
        var number = 1
        while unsafe access(aside, F_OK) == 0, number < 100 {
            aside = path + ".damaged-\(seconds)-\(number)"
            number += 1
        }
        guard unsafe rename(path, aside) == 0 else { return nil }
        for end in Self.ends.dropFirst() { unsafe _ = rename(path + end, aside + end) }
        return aside
    }

    func makeFolder() -> Bool {
        var made = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            made += "/" + part
            unsafe _ = mkdir(made, 0o750)
        }
        var status = stat()
        return unsafe stat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
