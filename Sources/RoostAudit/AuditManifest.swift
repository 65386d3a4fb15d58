/// The list of sealed and removed files, itself a chain of lines.
///
/// It tells what a removed file ended with, which a record of the trail confirms, and queries which
/// files they need not read.
struct AuditManifest {
    /// A file that was removed.
    struct Removed {
        let file: FileSummary
        /// Of the manifest.
        let line: Int
        /// The file that was written to at that time: the first that was sealed afterwards. Nil when
        /// it is written to still.
        var writtenTo: String?
    }

    /// Files that are there, oldest first.
    private(set) var files: [FileSummary] = []
    /// In the order of the lines.
    private(set) var removed: [Removed] = []
    private var removedNames: Set<String> = []
    /// Place in the chain of its own.
    private(set) var sequence: UInt64 = 0
    private(set) var hash = AuditLine.noHash
    /// The first line that does not fit.
    private(set) var fault: AuditBreak?
    /// Where the last line that stands by itself ends, and how many lines there are up to it.
    private(set) var soundBytes = 0
    private var lines = 0

    init() {}

    /// Reads what is there; a file that is not there is an empty list.
    init(folder: String, _ sha: SHA256) throws(FileFault) {
        try readOn(in: folder, sha)
    }

    /// Reads what was added behind the last line that is known.
    mutating func readOn(in folder: String, _ sha: SHA256) throws(FileFault) {
        let path = folder + "/" + AuditFolder.manifest
        let file: AuditFile
        do throws(FileFault) { file = try AuditFile(path, .read) } catch {
            if error.isMissing { return }
            throw error
        }
        var manifest = self
        try file.forEachLine(from: soundBytes) { [lines] line, number, offset, isWhole in
            manifest.read(line, lines + number, isWhole, end: offset + line.count + 1, sha)
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
        lines = number
        take(entry)
    }

    /// Writes a line behind the others; it is on the disk then.
    mutating func append(
        _ entry: ManifestEntry, in folder: String, at now: UInt64, _ sha: SHA256
    ) throws(FileFault) {
        let list = try AuditFile(folder + "/" + AuditFolder.manifest, .append)
        // Half a line from before is no line: it is written over.
        try list.truncate(to: soundBytes)
        var bytes: [UInt8] = []
        let hash = AuditLine.write(
            sequence: sequence + 1, body: entry.body(time: now), previous: hash, into: &bytes, sha)
        do throws(FileFault) {
            try list.write(bytes, at: soundBytes)
            try list.sync()
        } catch {
            try? list.truncate(to: soundBytes)
            throw error
        }
        sequence += 1
        self.hash = hash
        soundBytes += bytes.count
        lines += 1
        take(entry)
    }

    private mutating func take(_ entry: ManifestEntry) {
        switch entry {
        case .sealed(let file): takeSealed(file)
        case .removed(let name, _):
            guard let place = place(of: name) else { return }
            removed.append(
                Removed(file: files.remove(at: place), line: Int(clamping: sequence)))
            removedNames.insert(name)
        }
    }

    /// A line that was lost is written again behind those of newer files.
    private mutating func takeSealed(_ file: FileSummary) {
        if removedNames.remove(file.name) != nil { removed.removeAll { $0.file.name == file.name } }
        for place in removed.indices.reversed() {
            guard removed[place].writtenTo == nil else { break }
            removed[place].writtenTo = file.name
        }
        files.insert(file, at: (files.lastIndex { $0.first <= file.first } ?? -1) + 1)
    }

    private mutating func note(
        _ line: Int, _ sequence: UInt64?, _ kind: AuditBreak.Kind, _ message: String
    ) {
        guard fault == nil else { return }
        fault = AuditBreak(
            file: AuditFolder.manifest, line: line, sequence: sequence, kind: kind,
            message: message)
    }

    /// The newest file that was removed: what came before the oldest one that is there.
    var lastRemoved: FileSummary? { removed.map(\.file).max { $0.last < $1.last } }

    var removedFiles: Int { removed.count }

    func hasRemoved(_ name: String) -> Bool { removedNames.contains(name) }

    func holds(_ name: String) -> Bool { place(of: name) != nil }

    /// One that is there.
    func file(_ name: String) -> FileSummary? { place(of: name).map { files[$0] } }

    /// They stand in the order of their first records, which their names tell.
    private func place(of name: String) -> Int? {
        guard let first = AuditFolder.first(ofFile: name) else { return nil }
        var (low, high) = (0, files.count)
        while low < high {
            let middle = (low + high) / 2
            if files[middle].first < first { low = middle + 1 } else { high = middle }
        }
        return files[low...].prefix { $0.first == first }.firstIndex { $0.name == name }
    }

    /// Removals whose record has to be in the files that are there.
    var owingRecord: [Removed] {
        let newest = lastRemoved?.name
        return removed.filter { one in
            guard let file = one.writtenTo, hasRemoved(file) else { return true }
            return one.file.name == newest
        }
    }
}
