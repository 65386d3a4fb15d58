import Glibc
import RoostCore

/// What the system said to a call on a file.
struct FileFault: Error, Equatable, CustomStringConvertible {
    let description: String
    /// `errno`.
    let code: Int32

    init(_ call: String, _ path: String, code: Int32 = errno) {
        self.code = code
        let reason = unsafe String(cString: strerror(code))
        description = "\(call) \(path): \(reason)"
    }

    /// There is no room: disk, quota or largest file. It may come back.
    var isNoSpace: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
}

/// A file that is written from its start, readable for its owner only.
struct NewFile: ~Copyable {
    private let path: String
    private let descriptor: CInt

    init(_ path: String) throws(FileFault) {
        descriptor = unsafe open(
            path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileFault("open", path) }
        self.path = path
    }

    deinit { close(descriptor) }

    func write(_ slice: ByteSlice) throws(FileFault) {
        try unsafe slice.withBytes { bytes throws(FileFault) in try unsafe write(bytes) }
    }

    func write(_ bytes: [UInt8]) throws(FileFault) {
        try write(ByteBlock(bytes).slice)
    }

    /// Returns when what was written is on the disk. fdatasync(2).
    func sync() throws(FileFault) {
        while fdatasync(descriptor) != 0 {
            guard errno == EINTR else { throw FileFault("sync", path) }
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(FileFault) {
        var written = 0
        while written < bytes.count {
            let count = unsafe Glibc.write(
                descriptor, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
            if count < 0, errno == EINTR { continue }
            // No bytes and no error does not happen for plain files; it must not loop.
            guard count > 0 else {
                throw FileFault("write", path, code: count == 0 ? EIO : errno)
            }
            written += count
        }
    }
}
