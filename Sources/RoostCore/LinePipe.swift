import Glibc
import Synchronization

/// Lines into a file that somebody may have stopped reading: a pipe that is full, a terminal that is
/// held. Whoever writes waits a moment and then goes on; how many lines were lost is told with the
/// next that is taken. Any thread.
final class LinePipe: Sendable {
    private let file: CInt
    /// Lines that nobody took since the last that was written.
    private let lost = Mutex(0)

    private static let patienceMilliseconds: CInt = 100
    /// So many bytes are taken at once where poll(2) says that there is room. pipe(7), PIPE_BUF.
    private static let pieceBytes = 4096

    init(_ file: CInt) { self.file = file }

    func write(_ line: [UInt8]) {
        lost.withLock { lost in
            // Who was not waited for in vain yet gets a moment, and the others pass by.
            guard hasRoom(for: lost == 0 ? Self.patienceMilliseconds : 0) else {
                lost += 1
                return
            }
            if lost > 0 {
                _ = writeAll(Array("\(lost) lines of the log are lost: nobody read them\n".utf8))
                lost = 0
            }
            if !writeAll(line) { lost += 1 }
        }
    }

    private func hasRoom(for milliseconds: CInt) -> Bool {
        var look = pollfd(fd: file, events: Int16(POLLOUT), revents: 0)
        // A file that is closed is told by the write.
        return unsafe poll(&look, 1, milliseconds) != 0
    }

    private func writeAll(_ line: [UInt8]) -> Bool {
        var rest = line[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Self.pieceBytes)
            let written = unsafe piece.withUnsafeBytes {
                unsafe Glibc.write(file, $0.baseAddress, $0.count)
            }
            guard written > 0 else { return errno != EAGAIN }
            rest = rest.dropFirst(written)
            guard rest.isEmpty || hasRoom(for: Self.patienceMilliseconds) else { return false }
        }
        return true
    }
}
