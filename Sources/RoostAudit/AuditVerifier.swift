import RoostCore

/// Reads a whole trail and names the first record that is not as it was written.
///
/// Reads only, so it may be done beside a collector that appends. Takes about a second for each
/// gigabyte.
public func verifyAudit(folder: String) -> AuditVerification {
    verifyAudit(folder: folder, holding: 0)
}

/// `known` is the number of the last record for those who know one, as whoever appends does: it has
/// to be there. `beforeFile` is called with the name of each file before it is opened, for tests of
/// what retention does meanwhile.
func verifyAudit(
    folder: String, holding known: UInt64 = 0, beforeFile: @escaping (String) -> Void = { _ in }
) -> AuditVerification {
    var verifier = AuditVerifier(folder: folder, known: known, beforeFile: beforeFile)
    verifier.run()
    verifier.result.finished = unixNanoseconds()
    return verifier.result
}

struct AuditVerifier {
    private let folder: String
    /// The last record there is for sure.
    private let known: UInt64
    private let beforeFile: (String) -> Void
    private let sha = SHA256()
    private var head: AuditHead?
    private var manifest = AuditManifest()
    /// What the next record has to be.
    private var sequence: UInt64 = 1
    private var previous = AuditLine.noHash
    /// Every file before this one has a line in the manifest, from before it was begun.
    private var unlistedFrom = ""
    private var owed = OwedRemovals()
    fileprivate(set) var result = AuditVerification()

    init(folder: String, known: UInt64, beforeFile: @escaping (String) -> Void) {
        self.folder = folder
        self.known = known
        self.beforeFile = beforeFile
    }

    fileprivate mutating func run() {
        // The head before the files: what is appended meanwhile is then no surprise.
        head = AuditHead(folder: folder)
        do throws(FileFault) {
            unlistedFrom = try AuditFolder.files(in: folder).last ?? ""
            manifest = try AuditManifest(folder: folder, sha)
            // Behind the manifest: the records of what it says was removed are in these files.
            // Between the line in the manifest and the removal a process may have ended.
            let names = try AuditFolder.files(in: folder).filter { [manifest] in
                !manifest.hasRemoved($0)
            }
            owed = OwedRemovals(manifest)
            result.removedFiles = manifest.removedFiles
            if names.isEmpty, head?.sequence ?? 0 == 0, manifest.sequence == 0, known == 0 {
                return result.notes.append("there is no record yet")
            }
            if let fault = manifest.fault { result.firstBreak = fault }
            begin()
            for name in expected(names) {
                guard result.firstBreak == nil else { return }
                // Since it was listed: it may be there still, with records older than what is wanted.
                if !manifest.hasRemoved(name) { try verify(name) }
            }
            if result.firstBreak == nil { checkEnd(names) }
            if result.firstBreak == nil { checkRemovals() }
        } catch {
            note(.unreadable, "", error.description)
        }
    }

    /// What came before the oldest file is told by the manifest, and proved by the record that
    /// `checkRemovals` asks for.
    private mutating func begin() {
        guard let removed = manifest.lastRemoved else { return }
        sequence = removed.last &+ 1
        previous = removed.lastHash
    }

    /// Sealed files that have to be there, and those that are, in order.
    private func expected(_ names: [String]) -> [String] {
        (manifest.files.map(\.name) + names.filter { !manifest.holds($0) }).sorted {
            (AuditFolder.first(ofFile: $0) ?? 0) < (AuditFolder.first(ofFile: $1) ?? 0)
        }
    }

    // MARK: one file

    private mutating func verify(_ name: String) throws(FileFault) {
        beforeFile(name)
        let seal = manifest.file(name)
        let file: AuditFile
        do throws(FileFault) { file = try AuditFile(folder + "/" + name, .read) } catch {
            guard error.isMissing else { throw error }
            return try missingFile(name)
        }
        result.files += 1
        var found: AuditBreak?
        var end = 0
        var lines = 0
        var expected = (sequence: sequence, previous: previous)
        let (head, sha) = (head, sha)
        var owed = owed
        var counted = 0
        try file.forEachLine { line, number, offset, isWhole in
            lines = number
            end = offset + line.count + 1
            if !isWhole {
                end = offset
                lines -= 1
                return false
            }
            found = Self.check(line, number, name, expected, head, sha)
            guard found == nil else { return false }
            expected.sequence &+= 1
            expected.previous = AuditLine.link(line)?.hash ?? []
            counted += 1
            owed.settle(by: line)
            return true
        }
        self.owed = owed
        if counted > 0 {
            if result.firstSequence == nil { result.firstSequence = sequence }
            result.lastSequence = expected.sequence &- 1
        }
        result.records += counted
        result.bytes += end
        if let found {
            result.firstBreak = try explained(found, in: file, wanted: expected.sequence)
            return
        }
        sequence = expected.sequence
        previous = expected.previous
        if let seal {
            checkSeal(seal, lines: lines)
            if result.firstBreak == nil, try file.size() > end {
                note(
                    .changed, name, "something was added behind its last record", line: lines + 1)
            }
        } else if isBefore(name, unlistedFrom) {
            note(
                .missing, AuditFolder.manifest,
                "it has no line for \(name), which was sealed: a line was taken away")
        } else if try file.size() > end {
            result.notes.append("\(name) ends with a line that is not finished")
        }
    }

    private static func check(
        _ line: Span<UInt8>, _ number: Int, _ file: String,
        _ expected: (sequence: UInt64, previous: [UInt8]), _ head: AuditHead?, _ sha: SHA256
    ) -> AuditBreak? {
        func broken(_ kind: AuditBreak.Kind, _ sequence: UInt64?, _ text: String) -> AuditBreak {
            AuditBreak(file: file, line: number, sequence: sequence, kind: kind, message: text)
        }
        guard let link = AuditLine.link(line) else {
            return broken(.changed, AuditLine.sequence(line), "the line is no record")
        }
        guard AuditLine.sum(line, sha) == link.hash else {
            return broken(
                .changed, link.sequence, "the record does not match its own hash: it was changed")
        }
        if link.sequence > expected.sequence {
            return broken(
                .missing, link.sequence,
                "record \(expected.sequence) should stand here"
                    + (link.sequence - expected.sequence == 1
                        ? "" : ", the first of \(link.sequence - expected.sequence)"))
        }
        if link.sequence < expected.sequence {
            return broken(
                .reordered, link.sequence, "record \(expected.sequence) should stand here")
        }
        guard link.previous == expected.previous else {
            return broken(
                .changed, link.sequence,
                "the record does not follow the one before: this one or that one was written anew")
        }
        if let head, head.sequence == link.sequence, head.hash != link.hash {
            return broken(
                .changed, link.sequence,
                "\(AuditFolder.head) has another hash for this record: it was written anew")
        }
        return nil
    }

    /// A record that is missing at its place and stands further behind was moved.
    private func explained(
        _ found: AuditBreak, in file: borrowing AuditFile, wanted: UInt64
    ) throws(FileFault) -> AuditBreak {
        guard found.kind == .missing else { return found }
        var place: Int?
        try file.forEachLine { line, number, _, isWhole in
            if isWhole, number > found.line, AuditLine.sequence(line) == wanted { place = number }
            return place == nil
        }
        guard let place else { return found }
        return AuditBreak(
            file: found.file, line: found.line, sequence: found.sequence, kind: .reordered,
            message: "record \(wanted) should stand here and stands in line \(place)")
    }

    // MARK: what files say of each other

    private mutating func checkSeal(_ seal: FileSummary, lines: Int) {
        if sequence &- 1 < seal.last {
            note(
                .truncated, seal.name,
                "the manifest says that it ends with record \(seal.last)", line: lines,
                sequence: sequence &- 1)
        } else if sequence &- 1 > seal.last {
            note(
                .changed, seal.name,
                "the manifest says that it ended with record \(seal.last): the rest was added",
                line: lines, sequence: sequence &- 1)
        } else if previous != seal.lastHash {
            note(
                .changed, seal.name, "the manifest has another hash for the last record",
                line: lines, sequence: seal.last)
        }
    }

    private func isBefore(_ name: String, _ other: String) -> Bool {
        guard let first = AuditFolder.first(ofFile: name) else { return false }
        return AuditFolder.first(ofFile: other).map { first < $0 } ?? false
    }

    /// A line in the manifest alone removes nothing: the record of it is in the chain.
    private mutating func checkRemovals() {
        owed.drop(whatNoLongerOwes: manifest)
        guard let one = owed.first else { return }
        note(
            .missing, AuditFolder.manifest,
            "it says that \(one.file.name) was removed, and no record \(AuditRemoval.action) does",
            line: one.line)
    }

    /// Retention may have taken it while others were read.
    private mutating func missingFile(_ name: String) throws(FileFault) {
        try manifest.readOn(in: folder, sha)
        if let fault = manifest.fault { return result.firstBreak = fault }
        guard !manifest.hasRemoved(name) else {
            result.removedFiles = manifest.removedFiles
            return begin()
        }
        note(.missing, name, "the manifest knows this file, and not that it was removed")
    }

    private mutating func checkEnd(_ names: [String]) {
        let last = names.last ?? AuditFolder.fileName(first: sequence)
        if let head, head.sequence >= sequence {
            note(
                .truncated, last,
                "\(AuditFolder.head) says that the trail ends with record \(head.sequence)",
                sequence: sequence &- 1)
        } else if known >= sequence {
            note(
                names.isEmpty ? .missing : .truncated, last,
                "records up to \(known) have been written", sequence: sequence &- 1)
        } else if head == nil {
            note(
                .missing, AuditFolder.head,
                "it is missing or no longer readable: nothing says where the trail ends")
        }
    }

    private mutating func note(
        _ kind: AuditBreak.Kind, _ file: String, _ message: String, line: Int = 0,
        sequence: UInt64? = nil
    ) {
        result.firstBreak = AuditBreak(
            file: file, line: line, sequence: sequence, kind: kind, message: message)
    }
}
