import Foundation
import Glibc
import RoostCore
import Testing

@testable import RoostAudit

@Suite struct AuditFilesTests {
    @Test func `seals a full file and begins the next with a record that says so`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let names = folder.files
        #expect(names.count > 3)
        for name in names.dropLast() {
            var status = stat()
            #expect(unsafe stat(folder.path + "/" + name, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o400)
        }
        let last = try JSONValue(parsing: try #require(try folder.lines(names[0]).last))
        let first = try JSONValue(parsing: try folder.lines(names[1])[0])
        #expect(first["action"]?.string == "audit.seal")
        #expect(first["details"]?["file"]?.string == names[0])
        #expect(first["prev"] == last["hash"])
        let seal = try JSONValue(parsing: try folder.lines("manifest.jsonl")[0])
        #expect(seal["event"]?.string == "sealed" && seal["last_hash"] == last["hash"])
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test
    func `removes the oldest files when all are too large, and can prove what they ended with`()
        throws
    {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.fileBytes = 2000
        settings.totalBytes = 8000
        let trail = try AuditTrail.open(settings)
        trail.appendAll(acts(60), together: false)
        trail.end()
        #expect(try folder.files.reduce(0) { $0 + (try folder.bytes($1).count) } < 11_000)
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.removedFiles > 2)
        #expect(result.firstSequence != 1)
        let removals = try trail.query(AuditQuery(action: "audit.remove"))
        #expect(!removals.records.isEmpty)
        #expect(trail.status.counts.removedFiles == UInt64(result.removedFiles))
    }

    @Test func `removes files whose last record is too old`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let before = folder.files.count
        var settings = folder.settings
        settings.keep = .zero
        let trail = try AuditTrail.open(settings)
        trail.appendAll(acts(1))
        trail.end()
        #expect(before > 3 && folder.files.count == 1)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `takes over when files are sealed and how long they stay`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        let trail = try AuditTrail.open(settings)
        trail.appendAll(acts(20), together: false)
        #expect(folder.files.count == 1)
        settings.fileBytes = 1000
        trail.use(settings)
        trail.appendAll(acts(20), together: false)
        #expect(folder.files.count > 3)
        settings.keep = .zero
        trail.use(settings)
        // At its next turn, which is before anything is appended.
        trail.appendAll(acts(2), together: false)
        trail.end()
        #expect(folder.files.count < 3)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `a file that was to be removed when the process ended is no riddle`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let copy = try folder.copy()
        var settings = folder.settings
        settings.keep = .zero
        let trail = try AuditTrail.open(settings)
        trail.appendAll(acts(1))
        trail.end()
        // The manifest says removed, and the file is there again.
        let name = copy.files[0]
        try folder.put(try copy.bytes(name), name)
        #expect(verifyAudit(folder: folder.path).isIntact)
        try AuditTrail.open(folder.settings).end()
        #expect(!folder.files.contains(name))
    }

    @Test func `whatever was written of the last group when the process was killed is set aside`()
        throws
    {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        trail.appendAll(acts(3))
        let head = try folder.bytes("head.json")
        let name = folder.files[0]
        let before = try folder.bytes(name).count
        trail.appendAll([AuditRecord(action: "a", result: "success", source: .api)])
        trail.end()
        let whole = try folder.bytes(name)
        for cut in before...whole.count {
            let copy = try TrailFolder()
            try copy.put(Array(whole[..<cut]), name)
            try copy.put(head, "head.json")
            let kept: UInt64 = cut == whole.count ? 4 : 3
            let isTorn = cut > before && cut < whole.count
            let again = try AuditTrail.open(copy.settings)
            let number = try again.appendAll(acts(1))[0].get()
            #expect(number == kept + (isTorn ? 2 : 1), "cut at \(cut - before)")
            again.end()
            #expect(again.status.counts.tornTails == (isTorn ? 1 : 0))
            let result = verifyAudit(folder: copy.path)
            #expect(result.isIntact, "cut at \(cut - before): \(result)")
            #expect(result.lastSequence == number)
        }
    }

    @Test func `zeros that a loss of power left behind the last group are set aside`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        trail.appendAll(acts(3))
        trail.end()
        let name = folder.files[0]
        try folder.put(
            try folder.bytes(name) + [UInt8](repeating: 0, count: 5000) + [0x0A], name)
        let again = try AuditTrail.open(folder.settings)
        again.appendAll(acts(1))
        again.end()
        #expect(again.status.counts.tornTails == 1)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `half a line at the end of the manifest is written over`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let torn = try folder.bytes("manifest.jsonl") + Array(#"{"seq":9,"event"#.utf8)
        try folder.put(torn, "manifest.jsonl")
        #expect(verifyAudit(folder: folder.path).isIntact)
        try sealedTrail(folder)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }
}
