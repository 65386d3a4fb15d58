import Foundation
import RoostCore
import Testing

@testable import RoostAudit

@Suite struct AuditManifestTests {
    @Test func `a manifest that was taken away is written again, and no record is out of sight`()
        throws
    {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let sealed = folder.files.dropLast()
        let before = try ManifestLines(folder)
        try FileManager.default.removeItem(atPath: folder.path + "/manifest.jsonl")
        var settings = folder.settings
        settings.recentBytes = 1
        let trail = try AuditTrail.open(settings)
        trail.appendAll([])
        #expect(try ManifestLines(folder).entries == before.entries)
        let page = try trail.query(AuditQuery(agent: "writer"))
        #expect(page.records.count == 40 && page.damaged == 0)
        let summary = try trail.summary(AuditQuery(), since: 0, until: .max, slots: 1)
        #expect(summary.isComplete && summary.agents["writer"]?.records == 40)
        trail.end()
        let told = try #require(
            try trail.query(AuditQuery(action: "audit.recover")).records.first)
        let found = try JSONValue(parsing: told)["details"]?["found"]
        #expect(
            found
                == .array([
                    .string(
                        "manifest.jsonl had no line for \(sealed.count) files, \(sealed[0]) to "
                            + "\(sealed.last ?? ""): they were written anew from what is in the "
                            + "files")
                ]))
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && trail.status.records == result.records, "\(result)")
    }

    @Test func `files whose lines were taken away are removed as others, and it is told`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let before = folder.files
        try folder.putLines(
            try folder.lines("manifest.jsonl").dropLast(2), "manifest.jsonl")
        var settings = folder.settings
        settings.keep = .zero
        let trail = try AuditTrail.open(settings)
        trail.appendAll(acts(1))
        trail.end()
        #expect(folder.files == [before.last])
        let removals = try trail.query(AuditQuery(action: "audit.remove"))
        #expect(removals.records.count == before.count - 1)
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.removedFiles == before.count - 1)
    }

    @Test func `a kill before the line of a full file is in the manifest is no riddle`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        // The newest file was not there yet, and the one before was written to.
        let names = folder.files
        try FileManager.default.removeItem(atPath: folder.path + "/" + names[names.count - 1])
        let lines = try folder.lines("manifest.jsonl")
        try folder.putLines(lines.dropLast(), "manifest.jsonl")
        let full = names[names.count - 2]
        let last = try #require(try folder.lines(full).last.flatMap { AuditLine.link($0.span) })
        let head = AuditHead(
            sequence: last.sequence, hash: last.hash, file: full,
            offset: try folder.bytes(full).count)
        try folder.put(head.encoded(), "head.json")
        #expect(verifyAudit(folder: folder.path).isIntact)
        try sealedTrail(folder, records: 1)
        #expect(folder.files.count == names.count)
        #expect(try folder.lines("manifest.jsonl").count == lines.count)
        let trail = try AuditTrail.open(folder.settings)
        trail.end()
        #expect(try trail.query(AuditQuery(action: "audit.recover")).records.isEmpty)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    /// Added up they would be too many for a number.
    @Test(arguments: [1 << 62, -5]) func `an amount that no file has is no line`(_ amount: Int)
        throws
    {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        var lines = try ManifestLines(folder)
        lines.entries = lines.entries.map { entry in
            guard case .sealed(var file) = entry else { return entry }
            (file.bytes, file.records) = (amount, amount)
            return .sealed(file)
        }
        try lines.write(folder)
        let trail = try AuditTrail.open(folder.settings)
        trail.appendAll(acts(1))
        let records = trail.status.records
        #expect(try trail.query(AuditQuery(limit: 1000)).records.count == records)
        trail.end()
        #expect(verifyAudit(folder: folder.path).firstBreak == nil)
    }

    @Test func `a file that is shorter than its line says is read to its end`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        var lines = try ManifestLines(folder)
        lines.entries = lines.entries.map { entry in
            guard case .sealed(var file) = entry else { return entry }
            file.bytes = 1 << 39
            return .sealed(file)
        }
        try lines.write(folder)
        var settings = folder.settings
        settings.recentBytes = 1
        settings.totalBytes = .max
        let trail = try AuditTrail.open(settings)
        #expect(try trail.query(AuditQuery(agent: "writer")).records.count == 40)
        trail.end()
    }

    @Test func `nothing is removed that only a line in the manifest says was removed`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let names = folder.files
        var lines = try ManifestLines(folder)
        lines.entries += names[..<2].map { .removed(file: $0, reason: "age") }
        try lines.write(folder)
        #expect(verifyAudit(folder: folder.path).firstBreak?.file == "manifest.jsonl")
        let trail = try AuditTrail.open(folder.settings)
        trail.appendAll(acts(1))
        trail.end()
        #expect(folder.files == names)
        #expect(try trail.query(AuditQuery(agent: "writer", limit: 100)).records.count == 41)
        let told = try trail.query(AuditQuery(action: "audit.recover")).records
        #expect(told.count == 1)
        #expect(String(decoding: told[0], as: UTF8.self).contains("as well as 1 others"))
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `a removal that a kill has cut short is ended, and told once`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let copy = try folder.copy()
        var settings = folder.settings
        settings.keep = .zero
        let first = try AuditTrail.open(settings)
        first.appendAll(acts(1))
        first.end()
        // Their records are on the disk; neither files nor manifest were touched yet.
        let names = copy.files.dropLast()
        for name in names + ["manifest.jsonl"] { try folder.put(try copy.bytes(name), name) }
        #expect(verifyAudit(folder: folder.path).isIntact)
        let again = try AuditTrail.open(folder.settings)
        again.appendAll(acts(1))
        again.end()
        #expect(folder.files.count == 1)
        let removals = try again.query(AuditQuery(action: "audit.remove")).records
        #expect(removals.count == names.count)
        #expect(try again.query(AuditQuery(action: "audit.recover")).records.isEmpty)
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.removedFiles == names.count)
    }

    @Test func `every one of many files that go at once has its record`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder, records: 90, fileBytes: 500)
        let count = folder.files.count - 1
        #expect(count > 70)
        var settings = folder.settings
        settings.keep = .zero
        let trail = try AuditTrail.open(settings)
        trail.end()
        #expect(folder.files.count == 1)
        let removals = try trail.query(AuditQuery(action: "audit.remove", limit: 1_000)).records
        #expect(removals.count == count)
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.removedFiles == count)
    }

    @Test func `nothing is broken beside a collector that seals and removes`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings
        settings.fileBytes = 1_000
        settings.totalBytes = 6_000
        let trail = try AuditTrail.open(settings)
        let done = Latch(1)
        let appender = try #require(
            NamedThread("append") {
                trail.appendAll(acts(1_000), together: false)
                done.countDown()
            })
        repeat {
            let result = verifyAudit(folder: folder.path)
            #expect(result.isIntact, "\(result)")
        } while !done.wait(untilMonotonic: monotonicNanoseconds())
        appender.join()
        trail.end()
        #expect(trail.status.counts.removedFiles > 100)
    }

    @Test func `files that are marked removed and go while others are read are no break`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let names = folder.files
        let lines = try folder.bytes("manifest.jsonl")
        let before = try folder.copy()
        var settings = folder.settings
        settings.keep = .zero
        let trail = try AuditTrail.open(settings)
        trail.end()
        // As it was before; then three are marked removed, of which one has gone.
        let marked = try folder.lines("manifest.jsonl")[..<(names.count + 2)]
        for name in names.dropLast() { try folder.put(try before.bytes(name), name) }
        try folder.put(lines, "manifest.jsonl")
        let (path, first) = (folder.path, names[0])
        let result = verifyAudit(folder: folder.path) { name in
            guard name == first else { return }
            try? FileManager.default.removeItem(atPath: path + "/" + first)
            try? TrailFolder.put(marked.flatMap { $0 + [0x0A] }, path + "/manifest.jsonl")
        }
        #expect(result.isIntact, "\(result)")
        #expect(result.removedFiles == 3 && result.files == names.count - 3)
    }

    @Test func `what is known of the manifest is not read again`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let whole = try folder.bytes("manifest.jsonl")
        let lines = try folder.lines("manifest.jsonl")
        try folder.putLines(Array(lines[..<2]), "manifest.jsonl")
        var manifest = try AuditManifest(folder: folder.path, SHA256())
        #expect(manifest.files.count == 2)
        var changed = whole
        changed[20] ^= 1
        try folder.put(changed, "manifest.jsonl")
        try manifest.readOn(in: folder.path, SHA256())
        #expect(manifest.files.count == lines.count && manifest.fault == nil)
        #expect(manifest.file(folder.files[3])?.name == folder.files[3])
        #expect(!manifest.holds("audit-000000000002.jsonl"))
        changed = whole
        changed[whole.count - 20] ^= 1
        try folder.put(changed, "manifest.jsonl")
        manifest = AuditManifest()
        try manifest.readOn(in: folder.path, SHA256())
        #expect(manifest.fault?.line == lines.count)
    }

    @Test func `a posted record is no proof of a removal`() throws {
        let folder = try TrailFolder()
        let removal = AuditRemoval(
            of: FileSummary(name: "audit-000000000001.jsonl", first: 1), reason: "age")
        var posted = removal.record(first: 1)
        for source in AuditRecord.Source.allCases {
            posted.source = source
            let trail = try AuditTrail.open(folder.settings)
            trail.appendAll([posted])
            trail.end()
            let line = try #require(try folder.lines(folder.files[0]).last)
            #expect(AuditRemoval(line.span) == (source == .roost ? removal : nil))
        }
    }
}
