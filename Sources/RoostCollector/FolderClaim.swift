import Glibc
import Synchronization

/// A folder that nobody else uses until this is released or gone: flock(2) on a file that stays and
/// names the process. The lock ends with the process.
final class FolderClaim: Sendable {
    enum Failure: Error {
        /// `pid` is empty when the other process has not said it yet.
        case inUse(pid: String)
        case failed(reason: String)
    }

    /// -1 when there is none.
    private let file: Mutex<CInt>

    /// The folder has to be there.
    init(_ path: String) throws(Failure) {
        let file = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        self.file = Mutex(file)
        guard file >= 0 else { throw .failed(reason: unsafe String(cString: strerror(errno))) }
        if flock(file, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            var text = [UInt8](repeating: 0, count: 20)
            let count = unsafe text.withUnsafeMutableBytes {
                unsafe read(file, $0.baseAddress, $0.count)
            }
            let pid = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
                .prefix { $0.isNumber }
            throw .inUse(pid: String(pid))
        }
        let pid = Array("\(getpid())\n".utf8)
        ftruncate(file, 0)
        _ = unsafe pid.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    }

    /// After an `init` that throws, too.
    deinit { release() }

    /// Lets go of the folder now, whoever still holds this.
    func release() {
        file.withLock { file in
            if file >= 0 { close(file) }
            file = -1
        }
    }

    private struct Held: Sendable { weak var claim: FolderClaim? }

    private static let held = Mutex<[String: Held]>([:])

    /// The claim that this process has on the folder, which several parts may hold at once, or a new
    /// one.
    static func shared(_ path: String) throws(Failure) -> FolderClaim {
        try held.withLock { held throws(Failure) in
            if let claim = held[path]?.claim { return claim }
            let claim = try FolderClaim(path)
            held[path] = Held(claim: claim)
            return claim
        }
    }
}
