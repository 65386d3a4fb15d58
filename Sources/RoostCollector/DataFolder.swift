import Glibc

/// The folder for what Roost keeps on disk; nobody else uses it while this lives.
final class DataFolder: Sendable {
    private let lockFile: CInt

    /// Makes the folder and those above it, takes its lock, and tries that a file can be written in
    /// it.
    init(_ path: String) throws(StartError) {
        try Self.makeFolders(path)
        lockFile = try Self.lock(path)
        try Self.tryToWrite(path)
    }

    deinit { close(lockFile) }

    /// flock(2) on a file that stays and names the process; the lock ends with the process.
    private static func lock(_ path: String) throws(StartError) -> CInt {
        let file = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path) }
        if flock(file, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            var text = [UInt8](repeating: 0, count: 20)
            let count = unsafe text.withUnsafeMutableBytes {
                unsafe read(file, $0.baseAddress, $0.count)
            }
            close(file)
            let pid = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
                .prefix { $0.isNumber }
            throw .dataFolderInUse(path: path, pid: String(pid))
        }
        let pid = Array("\(getpid())\n".utf8)
        ftruncate(file, 0)
        _ = unsafe pid.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        return file
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
