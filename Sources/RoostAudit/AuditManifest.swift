/// The list of sealed and removed files, itself a chain of lines.
///
/// It proves what a removed file ended with, and tells queries which files they need not read.
struct AuditManifest {
    /// Files that are there, oldest first.
    private(set) var files: [FileSummary] = []
    /// The newest file that was removed: what came before the oldest one that is there.
    private(set) var lastRemoved: FileSummary?
    private(set) var removedFiles = 0
    /// Place in the chain of its own.
    private(set) var sequence: UInt64 = 0
    private(set) var hash = AuditLine.noHash
    /// The first line that does not fit.
    private(set) var fault: AuditBreak?
    /// Where the last line that stands by itself ends.
    private(set) var soundBytes = 0

    init() {}

    /// Reads what is there; a file that is not there is an empty list.
    init(folder: String, _ sha: SHA256) throws(FileFault) {
        let path = folder + "/" + AuditFolder.manifest
        let file: AuditFile
        do throws(FileFault) { file = try AuditFile(path, .read) } catch {
            if error.isMissing { return }
            throw error
        }
        var manifest = AuditManifest()
        try file.forEachLine { line, number, offset, isWhole in
            manifest.read(line, number, isWhole, end: offset + line.count + 1, sha)
            return true
        }
        self = manifest
    }

    private mutating func read(
        _ line: Span<UInt8>, _ number: Int, _ isWhole: Bool, end: Int, _ sha: SHA256
    ) {
        // Written again by whoever opens the trail next.
        guard isWhole else { return }
        guard let link = AuditLine.link(line), let entry = ManifestEntry(line),
            AuditLine.sum(line, sha) == link.hash
        else { return note(number, nil, .changed, "the line does not match its own hash") }
        if link.sequence != sequence + 1 || link.previous != hash {
            note(
                number, link.sequence, link.sequence > sequence + 1 ? .missing : .changed,
                "the line does not follow line \(number - 1)")
        }
        sequence = link.sequence
        hash = link.hash
        soundBytes = end
        take(entry)
    }

    /// Takes in a line that was written behind the others.
    mutating func add(_ entry: ManifestEntry, hash: [UInt8], bytes: Int) {
        sequence += 1
        self.hash = hash
        soundBytes += bytes
        take(entry)
    }

    private mutating func take(_ entry: ManifestEntry) {
        switch entry {
        case .sealed(let file): files.append(file)
        case .removed(let name, _):
            guard let place = files.firstIndex(where: { $0.name == name }) else { return }
            lastRemoved = files.remove(at: place)
            removedFiles += 1
        }
    }

    private mutating func note(
        _ line: Int, _ sequence: UInt64?, _ kind: AuditBreak.Kind, _ message: String
    ) {
        guard fault == nil else { return }
        fault = AuditBreak(
            file: AuditFolder.manifest, line: line, sequence: sequence, kind: kind,
            message: message)
    }

    /// Whether a file was removed; the oldest always goes first.
    func hasRemoved(_ name: String) -> Bool {
        guard let lastRemoved, let first = AuditFolder.first(ofFile: name) else { return false }
        return first <= lastRemoved.last
    }

    func holds(_ name: String) -> Bool { files.contains { $0.name == name } }
}
