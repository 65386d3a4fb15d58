import Glibc
import Testing

@testable import RoostCore

@Suite struct CodePagesTests {
    /// Resident pages that belong to files.
    private func filePages() throws -> Int {
        let columns = try #require(readFile("/proc/self/statm", limit: 256))
            .split(separator: 0x20)
        return try #require(Int(String(decoding: columns[2], as: UTF8.self)))
    }

    @Test func `what is forgotten comes back`() throws {
        let before = try filePages()
        CodePages.forget()
        let after = try filePages()
        #expect(after < before)
        // A constant and code of a library, what was written when libraries were linked, and our own.
        #expect(unsafe String(cString: strerror(ENOENT)) == "No such file or directory")
        #expect(unsafe getenv("PATH") != nil)
        #expect(String(describing: ["a": [1.5]]) == #"["a": [1.5]]"#)
    }
}
