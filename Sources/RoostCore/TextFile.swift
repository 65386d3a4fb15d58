import Glibc

/// The bytes of a file, or nil when it cannot be read or holds more than `limit`.
///
/// For small files and for `/proc`, whose sizes are not known beforehand. A pipe that nobody has
/// opened to write is empty, unless `waitsForWriter`.
public func readFile(
    _ path: String, limit: Int = 1 << 20, waitsForWriter: Bool = false
) -> [UInt8]? {
    let flags = waitsForWriter ? 0 : O_NONBLOCK
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | flags)
    guard file >= 0 else { return nil }
    defer { close(file) }
    // What is being written into a pipe is waited for.
    if !waitsForWriter { _ = fcntl(file, F_SETFL, O_RDONLY) }
    var bytes: [UInt8] = []
    while bytes.count <= limit {
        let start = bytes.count
        let room = min(max(4096, start), limit + 1 - start)
        guard room > 0 else { return nil }
        bytes.append(contentsOf: repeatElement(0, count: room))
        var count = 0
        repeat {
            count = unsafe bytes.withUnsafeMutableBytes { target in
                unsafe read(file, target.baseAddress! + start, room)
            }
        } while count < 0 && errno == EINTR
        guard count >= 0 else { return nil }
        bytes.removeLast(room - count)
        if count == 0 { return bytes }
    }
    return nil
}
