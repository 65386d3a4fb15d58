import Foundation
import Testing

@testable import RoostCollector

@Suite struct DataFolderTests {
    private let base = NSTemporaryDirectory() + "roost-\(UUID().uuidString)"

    @Test func `makes the folder and those above it, and leaves nothing in it`() throws {
        try DataFolder.prepare(base + "/a/b")
        #expect(try FileManager.default.contentsOfDirectory(atPath: base + "/a/b") == [])
        try DataFolder.prepare(base + "/a/b")
        try FileManager.default.removeItem(atPath: base)
    }

    @Test func `names the folder when a file is in its place`() throws {
        try FileManager.default.createDirectory(atPath: base, withIntermediateDirectories: true)
        try "x".write(toFile: base + "/file", atomically: true, encoding: .utf8)
        do {
            try DataFolder.prepare(base + "/file")
            Issue.record("a file was taken for a folder")
        } catch {
            #expect("\(error)".contains(base + "/file"))
            #expect("\(error)".contains("--set store.path"))
        }
        try FileManager.default.removeItem(atPath: base)
    }
}
