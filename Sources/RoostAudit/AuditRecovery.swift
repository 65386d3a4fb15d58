import RoostCore

/// What opening the folder of a trail finds, and where the next record goes.
///
/// What was on the disk stays as it is, broken or not. Only behind the point that the head vouches
/// for, where a group was being written when the process ended, a torn end is set aside.
struct AuditRecovery {
    var manifest: AuditManifest
    /// The file to go on with.
    var active: FileSummary?
    /// The last record.
    var sequence: UInt64 = 0
    var hash = AuditLine.noHash
    /// The newest lines of the active file, whole.
    var recent: (first: UInt64, lines: [UInt8])?
    /// What was found that should not be; the trail itself will tell it.
    var findings: [String] = []
    var tornTails = 0
    /// Files whose removal is in the active file, and that are there still.
    var leaving: [AuditRemoval] = []

    /// Bytes of the active file that do not end with a newline and are to stay.
    var needsNewline = false

    let folder: String
    let sha: SHA256

    init(
        folder: String, head: AuditHead?, recentBytes: Int, _ sha: SHA256
    ) throws(FileFault) {
        self.folder = folder
        self.sha = sha
        manifest = try AuditManifest(folder: folder, sha)
        if let fault = manifest.fault {
            findings.append("\(fault.file), line \(fault.line): \(fault.message)")
        }
        let names = try removeWhatIsToGo(try AuditFolder.files(in: folder))
        listAgain(names.dropLast().filter { !manifest.holds($0) })
        if let sealed = manifest.files.last ?? manifest.lastRemoved {
            sequence = sealed.last
            hash = sealed.lastHash
        }
        if let last = names.last, !manifest.holds(last) {
            try open(last, head: head, recentBytes: recentBytes)
        }
        if head == nil, !names.isEmpty { findings.append("\(AuditFolder.head) was missing") }
        follow(head)
    }

    /// The head never runs ahead: what it vouches for and is not there was taken away. Going on from
    /// it leaves the gap in the chain for everybody to see.
    private mutating func follow(_ head: AuditHead?) {
        guard let head, head.sequence >= sequence, head.hash != hash || head.sequence != sequence
        else { return }
        findings.append(
            head.sequence > sequence
                ? "the trail ended with record \(head.sequence), records from \(sequence + 1) on are gone"
                : "record \(sequence) is not the one that was written")
        sequence = head.sequence
        hash = head.hash
    }

    /// For a folder that has none.
    var head: AuditHead {
        AuditHead(
            sequence: sequence, hash: hash, file: active?.name ?? "", offset: active?.bytes ?? 0)
    }

    // MARK: the file that was written to

    private mutating func open(
        _ name: String, head: AuditHead?, recentBytes: Int
    ) throws(FileFault) {
        let file = try AuditFile(folder + "/" + name, .append)
        let size = try file.size()
        let vouched = head.flatMap { $0.file == name ? min($0.offset, size) : nil } ?? 0
        let sound = try read(file, name)
        let keep = max(sound, vouched)
        if keep < size { try setAside(file, from: keep, size) }
        guard var active else { return }
        active.bytes = keep
        let tail = try file.read(from: max(0, keep - recentBytes), min(keep, recentBytes))
        needsNewline = keep > 0 && tail.last != 0x0A
        self.active = active
        recent = Self.wholeLines(tail, isFromStart: keep <= recentBytes)
    }

    /// Answers where the last line ends that stands by itself.
    private mutating func read(
        _ file: borrowing AuditFile, _ name: String
    ) throws(FileFault) -> Int {
        var summary = FileSummary(name: name, first: AuditFolder.first(ofFile: name) ?? 1)
        var removals: [AuditRemoval] = []
        let read = try summary.read(file, sha) { line in
            if let removal = AuditRemoval(line) { removals.append(removal) }
        }
        if let last = read.last {
            sequence = last.sequence
            hash = last.hash
        }
        summary.last = sequence
        summary.lastHash = hash
        active = summary
        leaving = removals.filter { removal in manifest.files.contains { removal.isOf($0) } }
        return read.soundBytes
    }

    /// What was being written when the process ended was acknowledged to nobody.
    private mutating func setAside(
        _ file: borrowing AuditFile, from offset: Int, _ size: Int
    ) throws(FileFault) {
        let torn = try file.read(from: offset, min(size - offset, 64 << 20))
        let name = AuditFolder.asideName(after: sequence, unixNanoseconds())
        // Without room for a copy there is still the finding.
        if let copy = try? AuditFile(folder + "/" + name, .overwrite) {
            try? copy.write(torn, at: 0)
            try? copy.sync()
        }
        try file.truncate(to: offset)
        try file.sync()
        tornTails += 1
        findings.append(
            "\(size - offset) bytes of an unfinished group after record \(sequence) were set aside "
                + "in \(name)")
    }

    private static func wholeLines(
        _ tail: [UInt8], isFromStart: Bool
    ) -> (first: UInt64, lines: [UInt8])? {
        var lines = tail[...]
        if !isFromStart { lines = lines.drop { $0 != 0x0A }.dropFirst() }
        guard lines.last == 0x0A else { return nil }
        let bytes = Array(lines)
        let end = bytes.firstIndex(of: 0x0A) ?? 0
        guard let first = AuditLine.sequence(bytes.span.extracting(0..<end)) else { return nil }
        return (first, bytes)
    }
}
