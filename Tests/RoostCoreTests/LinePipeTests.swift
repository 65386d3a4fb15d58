import Glibc
import Testing

@testable import RoostCore

@Suite struct LinePipeTests {
    @Test func `who writes lines that nobody reads goes on, and the next reader is told`() throws {
        var ends: [CInt] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        let lines = LinePipe(ends[1])
        let line = [UInt8](repeating: 0x61, count: 9_999) + [0x0A]
        for _ in 0..<20 { lines.write(line) }
        // A pipe has room for 64 KiB at most.
        let text = drain(ends[0])
        let taken = text.split(separator: "\n").count { $0.utf8.count == 9_999 }
        #expect(taken > 0 && taken < 7)
        lines.write(Array("again\n".utf8))
        let notice = "\(20 - taken) lines of the log are lost: nobody read them\n"
        #expect(drain(ends[0]) == notice + "again\n")
    }

    private func drain(_ end: CInt) -> String {
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        var all: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = unsafe read(end, &piece, piece.count), count > 0 {
            all += piece.prefix(count)
        }
        return String(decoding: all, as: UTF8.self)
    }
}
