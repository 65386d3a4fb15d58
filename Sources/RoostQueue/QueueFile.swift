import Glibc
import RoostCore

/// What the system said to a call on a file.
public struct QueueFault: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
    /// `errno`.
    public let code: Int32

    init(_ call: String, _ path: String, code: Int32 = errno) {
        self.code = code
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        description = "\(call) \(path): \(reason)"
    }

    /// There is no room: disk, quota or largest file. It may come back.
    public var isNoSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    var isMissing: Bool { code == ENOENT }
    /// The disk cannot say what is there.
    var isUnreadable: Bool { code == EIO || code == ELOOP || code == ENXIO }
    var isExisting: Bool { code == EEXIST }
    /// It says nothing about the file: descriptors, memory or a network are missing for now.
    var isPassing: Bool {
        [EMFILE, ENFILE, ENOMEM, EINTR, EAGAIN, ETIMEDOUT, ESTALE].contains(code)
    }
}

/// An open file of the queue, closed with the object. Any thread: every call names its place.
final class QueueFile: Sendable {
    let path: String
    private let descriptor: CInt
    /// Of what the disk does not give.
    private let tries: OpeningTries?

    /// What one call takes; `IOV_MAX` of Linux.
    private static let mostVectors = 1024

    /// `O_DIRECT` of Linux, which the C module leaves out.
    #if arch(arm) || arch(arm64)
        private static let direct: CInt = 0o200000
    #else
        private static let direct: CInt = 0o40000
    #endif

    enum Mode { case read, write, create }

    /// What cannot be read of the file with a path: what tests have in place of a bad disk.
    @TaskLocal static var unreadable: @Sendable (_ path: String) -> Range<Int>? = { _ in nil }

    init(_ path: String, _ mode: Mode, tries: OpeningTries? = nil) throws(QueueFault) {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .write: O_RDWR | O_CREAT
            case .create: O_RDWR | O_CREAT | O_EXCL
            }
        // O_NONBLOCK: a pipe that lies there under one of our names must not hold us up.
        let all = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        var opened = unsafe open(path, all, 0o600)
        while opened < 0, errno == EIO, let tries, tries.again() {
            opened = unsafe open(path, all, 0o600)
        }
        descriptor = opened
        guard descriptor >= 0 else { throw QueueFault("open", path) }
        self.path = path
        self.tries = tries
    }

    deinit { close(descriptor) }

    /// Nil for what is no plain file.
    func size() throws(QueueFault) -> Int? {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw QueueFault("stat", path) }
        return status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    }

    /// Has the next calls go past the page cache, or no longer; they then need memory, places and
    /// lengths in whole blocks. False where the file system does not offer it. open(2), O_DIRECT.
    func setDirect(_ isDirect: Bool) -> Bool {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0 else { return false }
        return fcntl(descriptor, F_SETFL, isDirect ? flags | Self.direct : flags & ~Self.direct)
            == 0
    }

    /// Writes all of `vectors` at `offset`; answers how many bytes are written, and the fault that
    /// ended it early. pwritev(2).
    func write(_ vectors: [iovec], at offset: Int) -> (written: Int, fault: QueueFault?) {
        var vectors = unsafe vectors
        var first = 0
        var written = 0
        while true {
            while unsafe first < vectors.count && vectors[first].iov_len == 0 { first += 1 }
            guard unsafe first < vectors.count else { return (written, nil) }
            let window = unsafe min(vectors.count - first, Self.mostVectors)
            let count = unsafe vectors.withUnsafeBufferPointer { buffer in
                unsafe pwritev(
                    descriptor, buffer.baseAddress.map { unsafe $0 + first }, CInt(window),
                    offset + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                // No bytes and no error does not happen for plain files; it must not loop.
                return (written, QueueFault("write", path, code: count == 0 ? EIO : errno))
            }
            written += count
            var rest = count
            while rest > 0 {
                let taken = unsafe min(rest, vectors[first].iov_len)
                unsafe vectors[first].iov_base = vectors[first].iov_base.map {
                    unsafe $0 + taken
                }
                unsafe vectors[first].iov_len -= taken
                rest -= taken
                if unsafe vectors[first].iov_len == 0 { first += 1 }
            }
        }
    }

    /// The same for bytes in one place.
    func writeSome(
        _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) -> (written: Int, fault: QueueFault?) {
        let vector = unsafe iovec(
            iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        return unsafe write([vector], at: offset)
    }

    /// Writes everything or throws with a part of it written.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(QueueFault) {
        if let fault = unsafe writeSome(bytes, at: offset).fault { throw fault }
    }

    /// The same for an array.
    func write(_ bytes: [UInt8], at offset: Int) throws(QueueFault) {
        let fault = unsafe bytes.withUnsafeBytes { buffer -> QueueFault? in
            do throws(QueueFault) {
                unsafe try write(buffer, at: offset)
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

    /// Up to `count` bytes from `offset`; fewer at the end of the file only.
    func read(_ count: Int, at offset: Int) throws(QueueFault) -> [UInt8] {
        let block = unsafe try ByteBlock(capacity: count) { buffer throws(QueueFault) in
            unsafe try read(into: buffer, at: offset)
        }
        return block.array
    }

    /// Fills `target` from `offset`; answers fewer bytes at the end of the file only, or before a
    /// place that cannot be read when these are `least` at least.
    func read(
        into target: UnsafeMutableRawBufferPointer, at offset: Int, least: Int = .max
    ) throws(QueueFault) -> Int {
        var done = 0
        while done < target.count {
            let bad = Self.unreadable(path) ?? .max..<Int.max
            let place = offset + done
            let most = place < bad.lowerBound ? bad.lowerBound - place : target.count
            let count = unsafe pread(
                descriptor, target.baseAddress.map { unsafe $0 + done },
                min(most, target.count - done), place)
            if count < 0, errno == EINTR { continue }
            guard count >= 0, !bad.contains(place) else {
                let code = count < 0 ? errno : EIO
                if done >= least { break }
                if code == EIO, let tries, tries.again() { continue }
                throw QueueFault("read", path, code: code)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Lets the disk begin to read what is wanted soon. posix_fadvise(2).
    func expect(_ count: Int, at offset: Int) {
        _ = posix_fadvise(descriptor, offset, count, POSIX_FADV_WILLNEED)
    }

    /// Returns when what was written is on the disk. fdatasync(2).
    func sync() throws(QueueFault) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw QueueFault("sync", path) }
        }
    }

    func truncate(to size: Int) throws(QueueFault) {
        while ftruncate(descriptor, size) != 0 {
            guard errno == EINTR else { throw QueueFault("truncate", path) }
        }
    }
}

/// Calls on names in a folder.
enum QueueFolder {
    /// Makes the folder and those above it.
    static func make(_ path: String) throws(QueueFault) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard unsafe mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw QueueFault("make folder", made)
        }
    }

    static func names(in path: String) throws(QueueFault) -> [String] {
        guard let folder = unsafe opendir(path) else { throw QueueFault("open", path) }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                    unsafe String(
                        cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
                })
        }
        return names
    }

    /// Makes names in the folder survive a loss of power. fsync(2).
    static func sync(_ path: String) throws(QueueFault) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw QueueFault("open", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw QueueFault("sync", path) }
    }

    static func remove(_ path: String) throws(QueueFault) {
        guard unsafe unlink(path) != 0, errno != ENOENT else { return }
        throw QueueFault("remove", path)
    }

    /// Gives the file at `path` another name, which no file has; nobody else makes files here.
    static func give(_ path: String, name: String) throws(QueueFault) {
        guard unsafe access(name, F_OK) != 0 else {
            throw QueueFault("move to", name, code: EEXIST)
        }
        try move(path, to: name)
    }

    static func move(_ path: String, to target: String) throws(QueueFault) {
        guard unsafe rename(path, target) == 0 else { throw QueueFault("move", path) }
    }
}

/// A file that has reached the limit of its size, `ulimit -f`, then fails to be written instead of
/// ending the process. For the calling thread. setrlimit(2).
func blockFileSizeSignal() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGXFSZ)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
}
