import Foundation
import Testing

@testable import RoostCollector

@Suite struct DataFolderTests {
    private let base = NSTemporaryDirectory() + "roost-\(UUID().uuidString)"

    @Test func `makes the folder and those above it, and leaves only its lock in it`() throws {
        _ = try DataFolder(base + "/a/b")
        #expect(try FileManager.default.contentsOfDirectory(atPath: base + "/a/b") == ["lock"])
        _ = try DataFolder(base + "/a/b")
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `one folder has one user, and the second is told so`() throws {
        let first = try DataFolder(base)
        do {
            _ = try DataFolder(base)
            Issue.record("two use one folder")
        } catch {
            #expect("\(error)".contains("in use by this roost already"))
        }
        _ = first
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `a claim that fails closes its file once`() throws {
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        let first = try FolderClaim(base)
        errno = 0
        let second = try? FolderClaim(base)
        // What the second time would have closed may be anybody's by then.
        #expect(errno != EBADF)
        #expect(second == nil)
        _ = first
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `a claim that is released is free, whoever still holds it`() throws {
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        let first = try FolderClaim(base)
        first.release()
        let second = try FolderClaim(base)
        first.release()
        #expect(throws: FolderClaim.Failure.self) { try FolderClaim(base) }
        withExtendedLifetime((first, second)) {}
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `a folder on which no lock can be had is refused, with the reason`() throws {
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        do throws(FolderClaim.Failure) {
            _ = try FolderClaim(base) { _ in ENOLCK }
            Issue.record("nobody has the folder for sure")
        } catch {
            guard case .failed(let reason) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(reason.contains(base + "/lock") && reason.contains("No locks available"))
        }
        _ = try FolderClaim(base)
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `another process is told by its number, this one is not`() {
        #expect(FolderHolder.another(pid: "7").text == "is in use by another roost (pid 7)")
        #expect(FolderHolder.another(pid: "").text == "is in use by another roost")
        #expect(FolderHolder.thisProcess.text == "is in use by this roost already")
        #expect(FolderHolder.thisProcess.advice.isEmpty)
    }

    @Test func `a claim is shared under every spelling of the folder`() throws {
        let files = FileManager.default
        try files.createDirectory(atPath: base + "/real/inner", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: base + "/link", withDestinationPath: base + "/real")
        let first = try FolderClaim.shared(base + "/real")
        for spelling in ["/link", "/real/", "/./real", "/real/inner/..", "//real"] {
            #expect(try FolderClaim.shared(base + spelling) === first)
        }
        try files.removeItem(atPath: base)
    }

    @Test func `names the folder when a file is in its place`() throws {
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        try "x".write(toFile: base + "/file", atomically: true, encoding: .utf8)
        do {
            _ = try DataFolder(base + "/file")
            Issue.record("a file was taken for a folder")
        } catch {
            #expect("\(error)".contains(base + "/file"))
            #expect("\(error)".contains("--set store.path"))
        }
        try FileManager.default.removeItem(atPath: base)
    }
}
