import Glibc

/// An open file of the trail. Closed with the value.
struct AuditFile: ~Copyable {
    let path: String
    private let descriptor: CInt

    enum Mode { case read, append, overwrite }

    init(_ path: String, _ mode: Mode) throws(FileFault) {
        let flags =
            switch mode {
            case .read: O_RDONLY
            // Not O_APPEND: a position that was given up is written again.
            case .append, .overwrite: O_RDWR | O_CREAT
            }
        descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileFault("open", path) }
        self.path = path
    }

    deinit { close(descriptor) }

    func size() throws(FileFault) -> Int {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw FileFault("stat", path) }
        return Int(status.st_size)
    }

    /// Writes everything at `offset`, or throws with a part of it written.
    func write(_ bytes: [UInt8], at offset: Int) throws(FileFault) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe pwrite(
                    descriptor, buffer.baseAddress! + done, buffer.count - done, offset + done)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFault("write", path) }
            done += count
        }
    }

    /// Returns when what was written is on the disk. fdatasync(2).
    func sync() throws(FileFault) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw FileFault("sync", path) }
        }
    }

    func truncate(to size: Int) throws(FileFault) {
        while ftruncate(descriptor, size) != 0 {
            guard errno == EINTR else { throw FileFault("truncate", path) }
        }
    }

    /// Whether the disk has given room for so many bytes from the beginning. posix_fallocate(3).
    func allots(_ bytes: Int) -> Bool { posix_fallocate(descriptor, 0, bytes) == 0 }

    func makeReadOnly() { _ = fchmod(descriptor, 0o400) }

    /// Whether nobody else has the lock of this file; it ends with the value. flock(2).
    func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

    /// Up to `count` bytes from `offset`; fewer at the end of the file only.
    func read(from offset: Int, _ count: Int) throws(FileFault) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        var done = 0
        while done < bytes.count {
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(
                    descriptor, buffer.baseAddress! + done, buffer.count - done, offset + done)
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw FileFault("read", path) }
            if got == 0 { break }
            done += got
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }
}

extension AuditFile {
    /// No line of ours is longer.
    static let longestLine = 128 << 10
    private static let chunkBytes = 1 << 20

    /// Calls `body` with each line in turn, its number from 1, where it begins, and whether a newline
    /// ends it; until `body` answers false. A line that is too long comes cut.
    func forEachLine(
        from first: Int = 0, _ body: (Span<UInt8>, Int, Int, Bool) -> Bool
    ) throws(FileFault) {
        var buffer: [UInt8] = []
        var offset = first
        var number = 0
        while true {
            let chunk = try read(from: offset + buffer.count, Self.chunkBytes)
            buffer.append(contentsOf: chunk)
            var start = 0
            while let end = Self.newline(in: buffer, from: start) {
                number += 1
                let line = buffer.span.extracting(start..<end)
                guard body(line, number, offset + start, true) else { return }
                start = end + 1
            }
            buffer.removeFirst(start)
            offset += start
            let isLast = chunk.count < Self.chunkBytes
            if isLast || buffer.count > Self.longestLine {
                if buffer.isEmpty { return }
                number += 1
                _ = body(buffer.span, number, offset, false)
                return
            }
        }
    }

    private static func newline(in bytes: [UInt8], from start: Int) -> Int? {
        unsafe bytes.withUnsafeBytes { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let found = unsafe memchr(base + start, 0x0A, buffer.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(found) - base
        }
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
