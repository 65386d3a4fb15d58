import Foundation
import RoostCore
import Testing

@testable import RoostAudit

/// One way to change a trail, and what is to be said of it.
struct Tampering: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kind: AuditBreak.Kind
    /// Of the file among those of the trail; nil when another file is named.
    let file: Int?
    let line: Int?
    /// Not a file of the trail.
    let beside: String?
    /// Opening the trail makes good what was done, and tells it.
    let isMended: Bool
    let change: @Sendable (TrailFolder) throws -> Void

    init(
        _ name: String, _ kind: AuditBreak.Kind, file: Int?, line: Int? = nil,
        beside: String? = nil, isMended: Bool = false,
        _ change: @escaping @Sendable (TrailFolder) throws -> Void
    ) {
        testDescription = name
        self.kind = kind
        self.file = file
        self.line = line
        self.beside = beside
        self.isMended = isMended
        self.change = change
    }
}

@Suite struct AuditTamperingTests {
    /// Eight records a file; the fifth is open.
    static let ways: [Tampering] = [
        Tampering("a letter", .changed, file: 1, line: 3) { folder in
            try edit(folder, 1) { lines in
                let text = String(decoding: lines[2], as: UTF8.self)
                lines[2] = Array(text.replacingOccurrences(of: "ada", with: "eve").utf8)
            }
        },
        Tampering("a letter in the open file", .changed, file: 4, line: 2) { folder in
            try edit(folder, 4) { lines in
                let text = String(decoding: lines[1], as: UTF8.self)
                lines[1] = Array(text.replacingOccurrences(of: "ada", with: "eve").utf8)
            }
        },
        Tampering("a record written anew with a hash that fits", .changed, file: 1, line: 4) {
            folder in
            try edit(folder, 1) { lines in
                lines[2] = rewritten(lines[2], previous: nil, "ada", "eve")
            }
        },
        Tampering("the last record written anew", .changed, file: 4) { folder in
            try edit(folder, 4) { lines in
                lines[lines.count - 1] = rewritten(
                    lines[lines.count - 1], previous: nil, "ada", "e")
            }
        },
        Tampering("a file written anew to its end", .changed, file: 1) { folder in
            try edit(folder, 1) { lines in
                var previous: [UInt8]?
                for index in 2..<lines.count {
                    lines[index] = rewritten(lines[index], previous: previous, "ada", "eve")
                    previous = link(lines[index])?.hash
                }
            }
        },
        Tampering("a line taken out", .missing, file: 1, line: 3) { folder in
            try edit(folder, 1) { $0.remove(at: 2) }
        },
        Tampering("the first line of a file taken out", .missing, file: 2, line: 1) { folder in
            try edit(folder, 2) { $0.remove(at: 0) }
        },
        Tampering("two lines exchanged", .reordered, file: 1, line: 3) { folder in
            try edit(folder, 1) { $0.swapAt(2, 3) }
        },
        Tampering("a line twice", .reordered, file: 1, line: 4) { folder in
            try edit(folder, 1) { $0.insert($0[2], at: 3) }
        },
        Tampering("the end of a sealed file", .truncated, file: 1) { folder in
            try edit(folder, 1) { $0.removeLast() }
        },
        Tampering("half of the last line of a sealed file", .truncated, file: 1) { folder in
            let name = folder.files[1]
            try folder.put(try folder.bytes(name).dropLast(30), name)
        },
        Tampering("the end of the open file", .truncated, file: 4) { folder in
            try edit(folder, 4) { $0.removeLast() }
        },
        Tampering("everything in the open file", .truncated, file: 4) { folder in
            try folder.put([], folder.files[4])
        },
        Tampering("the open file", .truncated, file: 3) { folder in
            try FileManager.default.removeItem(atPath: folder.path + "/" + folder.files[4])
        },
        Tampering("a sealed file", .missing, file: nil) { folder in
            try FileManager.default.removeItem(atPath: folder.path + "/" + folder.files[2])
        },
        Tampering("the first file", .missing, file: nil) { folder in
            try FileManager.default.removeItem(atPath: folder.path + "/" + folder.files[0])
        },
        Tampering("a line added to a sealed file", .changed, file: 1) { folder in
            try edit(folder, 1) { lines in
                let last = link(lines[lines.count - 1])
                var bytes: [UInt8] = []
                _ = AuditLine.write(
                    sequence: (last?.sequence ?? 0) + 1, body: Array(#","x":1"#.utf8),
                    previous: last?.hash ?? [], into: &bytes, SHA256())
                lines.append(bytes.dropLast())
            }
        },
        Tampering("half a line added to a sealed file", .changed, file: 1) { folder in
            let name = folder.files[1]
            try folder.put(try folder.bytes(name) + Array("{\"seq\":".utf8), name)
        },
        Tampering("nonsense", .changed, file: 2, line: 2) { folder in
            try edit(folder, 2) { $0[1] = Array("{}".utf8) }
        },
        Tampering("the head", .missing, file: nil, beside: "head.json", isMended: true) { folder in
            try FileManager.default.removeItem(atPath: folder.path + "/head.json")
        },
        Tampering("the manifest", .changed, file: nil, line: 2, beside: "manifest.jsonl") {
            folder in
            var lines = try folder.lines("manifest.jsonl")
            let text = String(decoding: lines[1], as: UTF8.self)
            lines[1] = Array(text.replacingOccurrences(of: "sealed", with: "marked").utf8)
            try folder.putLines(lines, "manifest.jsonl")
        },
    ]

    /// What is done to the manifest alone; every line of it can be made by anybody.
    static let waysOfTheManifest: [Tampering] = [
        lost("the whole manifest") {
            try FileManager.default.removeItem(atPath: $0.path + "/manifest.jsonl")
        },
        lost("everything in the manifest") { try $0.put([], "manifest.jsonl") },
        lost("the last line of the manifest") { folder in
            try folder.putLines(try folder.lines("manifest.jsonl").dropLast(), "manifest.jsonl")
        },
        lost("half of the last line of the manifest") { folder in
            try folder.put(try folder.bytes("manifest.jsonl").dropLast(80), "manifest.jsonl")
        },
        lost("a line of the manifest, with those behind it made anew") { folder in
            var lines = try ManifestLines(folder)
            lines.entries.remove(at: 1)
            try lines.write(folder)
        },
        Tampering(
            "two files, removed by lines of the manifest", .missing, file: nil, line: 5,
            beside: "manifest.jsonl"
        ) { folder in
            var lines = try ManifestLines(folder)
            lines.entries += folder.files[..<2].map { .removed(file: $0, reason: "age") }
            try lines.write(folder)
            try take(folder, 2)
        },
        Tampering(
            "three files, by lines that let the records of their removal go with them", .missing,
            file: nil, beside: "manifest.jsonl"
        ) { folder in
            var lines = try ManifestLines(folder)
            lines.entries =
                lines.entries[..<3].reversed().flatMap { sealed in
                    guard case .sealed(let file) = sealed else { return [sealed] }
                    return [sealed, .removed(file: file.name, reason: "age")]
                } + lines.entries[3...]
            try lines.write(folder)
            try take(folder, 3)
        },
    ]

    static func lost(
        _ name: String, _ change: @escaping @Sendable (TrailFolder) throws -> Void
    ) -> Tampering {
        Tampering(
            name, .missing, file: nil, line: 0, beside: "manifest.jsonl", isMended: true, change)
    }

    static func take(_ folder: TrailFolder, _ count: Int) throws {
        for name in folder.files[..<count] {
            try FileManager.default.removeItem(atPath: folder.path + "/" + name)
        }
    }

    static func edit(_ folder: TrailFolder, _ file: Int, _ change: (inout [[UInt8]]) -> Void) throws
    {
        let name = folder.files[file]
        var lines = try folder.lines(name)
        change(&lines)
        try folder.putLines(lines, name)
    }

    static func link(_ line: [UInt8]) -> AuditLine.Link? { AuditLine.link(line.span) }

    /// What somebody would write who knows how hashes are made.
    static func rewritten(
        _ line: [UInt8], previous: [UInt8]?, _ old: String, _ new: String
    ) -> [UInt8] {
        guard let link = link(line) else { return line }
        let text = String(decoding: line, as: UTF8.self)
        let body = text[
            (text.firstIndex(of: ",") ?? text.startIndex)..<(text.range(of: ",\"prev\"")?.lowerBound
                ?? text.endIndex)]
        var bytes: [UInt8] = []
        _ = AuditLine.write(
            sequence: link.sequence,
            body: Array(body.replacingOccurrences(of: old, with: new).utf8),
            previous: previous ?? link.previous, into: &bytes, SHA256())
        return bytes.dropLast()
    }

    @Test(arguments: ways + waysOfTheManifest)
    func `names the first record that is not as it was`(_ way: Tampering) throws {
        let folder = try TrailFolder()
        try sealedTrail(folder, records: 38)
        let names = folder.files
        try #require(names.count == 5)
        #expect(verifyAudit(folder: folder.path).isIntact)
        try way.change(folder)
        let found = try #require(verifyAudit(folder: folder.path).firstBreak)
        #expect(found.kind == way.kind, "\(found)")
        if let file = way.file { #expect(found.file == names[file], "\(found)") }
        if let line = way.line { #expect(found.line == line, "\(found)") }
        if let beside = way.beside { #expect(found.file == beside, "\(found)") }
    }

    @Test(arguments: ways + waysOfTheManifest)
    func `what was done while nobody looked is still found after a restart`(
        _ way: Tampering
    ) throws {
        let folder = try TrailFolder()
        try sealedTrail(folder, records: 38)
        try way.change(folder)
        let trail = try AuditTrail.open(folder.settings)
        trail.appendAll(acts(3))
        trail.end()
        if way.isMended {
            let query = AuditQuery(action: "audit.recover")
            #expect(try trail.query(query).records.count == 1)
            #expect(verifyAudit(folder: folder.path).isIntact)
        } else {
            #expect(verifyAudit(folder: folder.path).firstBreak != nil)
        }
    }

    @Test func `every byte of every file counts`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder, records: 3, fileBytes: 1000)
        for name in folder.files {
            let bytes = try folder.bytes(name)
            for place in bytes.indices {
                var changed = bytes
                changed[place] ^= 1
                try folder.put(changed, name)
                #expect(
                    !verifyAudit(folder: folder.path).isIntact, "\(name), byte \(place)")
            }
            try folder.put(bytes, name)
        }
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `an empty folder is intact, one that is not there is not`() throws {
        let folder = try TrailFolder()
        #expect(verifyAudit(folder: folder.path).isIntact)
        #expect(verifyAudit(folder: folder.path + "/nowhere").firstBreak?.kind == .unreadable)
    }

    /// Nothing on the disk tells of them, but whoever wrote them knows.
    @Test func `files that are gone all together are missed by the trail that wrote them`() throws {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        defer { trail.end() }
        #expect(trail.verify().isIntact)
        trail.appendAll(acts(10))
        #expect(trail.verify().isIntact)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            try FileManager.default.removeItem(atPath: folder.path + "/" + name)
        }
        let result = trail.verify()
        #expect(result.firstBreak?.kind == .missing && result.notes.isEmpty)
        #expect(trail.status.lastVerification == result)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `an end that was cut off with its head is missed by the trail that wrote it`() throws
    {
        let folder = try TrailFolder()
        let trail = try AuditTrail.open(folder.settings)
        defer { trail.end() }
        trail.appendAll(acts(5), together: false)
        let head = try folder.bytes("head.json")
        let records = try folder.lines(folder.files[0])
        trail.appendAll(acts(5), together: false)
        try folder.putLines(records, folder.files[0])
        try folder.put(head, "head.json")
        #expect(trail.verify().firstBreak?.kind == .truncated)
    }
}
