import Glibc

/// The folder for what Roost keeps on disk; nobody else uses it while this lives.
final class DataFolder: Sendable {
    private let lock: FolderClaim

    /// Makes the folder and those above it, takes its lock, and tries that a file can be written in
    /// it.
    init(_ path: String) throws(StartError) {
        try Self.makeFolders(path)
        do throws(FolderClaim.Failure) { lock = try FolderClaim(path) } catch {
            switch error {
            case .inUse(let holder): throw .dataFolderInUse(path: path, by: holder)
            case .failed(let reason): throw .dataFolder(path: path, reason: reason)
            }
        }
        try Self.tryToWrite(path)
    }

    private static func tryToWrite(_ path: String) throws(StartError) {
        let probe = path + "/.roost-write-test-\(getpid())"
        let file = unsafe open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path) }
        var byte: UInt8 = 0x0A
        let written = unsafe write(file, &byte, 1)
        let code = errno
        close(file)
        unsafe unlink(probe)
        guard written == 1 else { throw failure(path, code: code) }
    }

    private static func makeFolders(_ path: String) throws(StartError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard unsafe mkdir(made, 0o750) != 0 else { continue }
            let code = errno
            guard code == EEXIST || isFolder(made) else { throw failure(path, code: code) }
        }
        guard isFolder(path) else { throw failure(path, code: ENOTDIR) }
    }

    private static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func failure(_ path: String, code: CInt = errno) -> StartError {
        .dataFolder(path: path, reason: unsafe String(cString: strerror(code)))
    }
}
