import Glibc
import Synchronization

/// A folder that nobody else uses until this is released or gone: flock(2) on a file that stays and
/// names the process. The lock ends with the process.
final class FolderClaim: Sendable {
    enum Failure: Error {
        case inUse(by: FolderHolder)
        case failed(reason: String)
    }

    /// A file whatever its path is.
    private struct FileID: Hashable {
        let device: dev_t
        let number: ino_t
    }

    /// The locks of this process. Its number does not tell: two containers with one volume may both
    /// be process 1.
    private static let locked = Mutex<Set<FileID>>([])

    /// Nil when it was released, or never had.
    private let file: Mutex<(descriptor: CInt, id: FileID)?>

    /// The folder has to be there. `flock` takes the lock of a descriptor, and answers `errno`, or 0.
    init(_ path: String, flock: (CInt) -> CInt = takeLock) throws(Failure) {
        file = Mutex(nil)
        let descriptor = unsafe open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw .failed(reason: unsafe String(cString: strerror(errno)))
        }
        var status = stat()
        unsafe fstat(descriptor, &status)
        let id = FileID(device: status.st_dev, number: status.st_ino)
        switch flock(descriptor) {
        case 0: break
        case EWOULDBLOCK:
            let holder = Self.holder(of: descriptor, id)
            close(descriptor)
            throw .inUse(by: holder)
        case let code:
            close(descriptor)
            throw .failed(
                reason: "the file system gives no lock on \(path)/lock, without which two "
                    + "processes could use the folder: \(unsafe String(cString: strerror(code)))")
        }
        let pid = Array("\(getpid())\n".utf8)
        ftruncate(descriptor, 0)
        _ = unsafe pid.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
        Self.locked.withLock { _ = $0.insert(id) }
        file.withLock { $0 = (descriptor, id) }
    }

    private static func takeLock(_ descriptor: CInt) -> CInt {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno != EINTR { return errno }
        }
        return 0
    }

    deinit { release() }

    /// Lets go of the folder now, whoever still holds this.
    func release() {
        let held = file.withLock { file in
            defer { file = nil }
            return file
        }
        guard let held else { return }
        Self.locked.withLock { _ = $0.remove(held.id) }
        close(held.descriptor)
    }

    private static func holder(of descriptor: CInt, _ id: FileID) -> FolderHolder {
        if locked.withLock({ $0.contains(id) }) { return .thisProcess }
        var text = [UInt8](repeating: 0, count: 20)
        let count = unsafe text.withUnsafeMutableBytes {
            unsafe read(descriptor, $0.baseAddress, $0.count)
        }
        let pid = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
            .prefix { $0.isNumber }
        return .another(pid: String(pid))
    }

    private struct Held: Sendable { weak var claim: FolderClaim? }

    /// By canonical path.
    private static let held = Mutex<[String: Held]>([:])

    /// The claim that this process has on the folder, which several parts may hold at once, or a new
    /// one.
    static func shared(_ path: String) throws(Failure) -> FolderClaim {
        let name = canonicalPath(path)
        return try held.withLock { held throws(Failure) in
            if let claim = held[name]?.claim { return claim }
            let claim = try FolderClaim(path)
            held[name] = Held(claim: claim)
            return claim
        }
    }
}

/// Who has a folder.
public enum FolderHolder: Sendable, Equatable {
    /// Something else of this process.
    case thisProcess
    /// `pid` is empty when the other process has not said it yet.
    case another(pid: String)

    /// To follow after the path of the folder.
    var text: String {
        switch self {
        case .thisProcess: "is in use by this roost already"
        case .another(let pid):
            "is in use by another roost" + (pid.isEmpty ? "" : " (pid \(pid))")
        }
    }

    /// What to do besides choosing another folder, if there is something.
    var advice: String { self == .thisProcess ? "" : "stop that or " }
}
