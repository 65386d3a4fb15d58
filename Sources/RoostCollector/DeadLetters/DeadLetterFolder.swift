import Glibc
import RoostCore
import RoostWire

/// The files of dead letters in one folder. Each letter is two of them:
///
///     00001795258800123456789-5e1f03aa.traces.pb    the request
///     00001795258800123456789-5e1f03aa.json         what became of it
///
/// The number is when it was given up, in Unix nanoseconds, so that names sort by age. Both appear
/// whole or not at all, the request first: one without the other was left by a loss of power, and
/// is still a letter.
///
/// One collector writes into it, others may read and remove. Whoever finds a file gone lets it be.
struct DeadLetterFolder: Sendable {
    let path: String

    /// A letter as the folder shows it.
    struct Entry: Equatable, Comparable {
        /// Of both files, up to the first dot.
        let name: String
        /// As the name of the request says.
        let signal: Signal
        /// Of both files.
        let bytes: Int

        static func < (one: Entry, other: Entry) -> Bool { one.name < other.name }
    }

    /// A file that was begun and left is nobody's after so many seconds.
    private static let leftoverSeconds = 600
    private static let leftoverPrefix = ".new-"
    /// No request is larger.
    private static let mostBytes = 1 << 30

    // MARK: Writing

    /// Puts a letter in; answers the bytes of both files. They survive a loss of power once `sync`
    /// was called, too.
    func write(_ letter: DeadLetter, body: [ByteSlice]) throws(FileFault) -> Int {
        let time = String(letter.unixNano)
        let name =
            String(repeating: "0", count: max(0, 20 - time.count)) + time + "-"
            + hexadecimal(UInt32.random(in: 0 ... .max))
        let bodyName = Self.bodyName(name, letter.signal)
        let note = letter.json(body: bodyName)
        var bytes = note.count
        try put(bodyName) { file throws(FileFault) in
            for slice in body {
                try file.write(slice)
                bytes += slice.count
            }
        }
        do throws(FileFault) {
            try put(name + ".json") { file throws(FileFault) in try file.write(note) }
        } catch {
            unsafe unlink(place(bodyName))
            throw error
        }
        return bytes
    }

    /// Puts another side file in the place of a letter's.
    func replaceNote(of entry: Entry, with letter: DeadLetter) throws(FileFault) {
        let note = letter.json(body: Self.bodyName(entry.name, entry.signal))
        try put(entry.name + ".json") { file throws(FileFault) in try file.write(note) }
    }

    /// Makes the folder, for its owner only, and those above it.
    func make() throws(FileFault) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard unsafe mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw FileFault("make folder", made)
        }
    }

    /// Makes the names in the folder survive a loss of power. fsync(2).
    func sync() throws(FileFault) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileFault("open", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileFault("sync", path) }
    }

    /// Writes a file beside its place and moves it there when it is on the disk.
    private func put(
        _ name: String, _ fill: (borrowing NewFile) throws(FileFault) -> Void
    ) throws(FileFault) {
        let beside = place(Self.leftoverPrefix + name)
        do throws(FileFault) {
            let file = try NewFile(beside)
            try fill(file)
            try file.sync()
            guard unsafe rename(beside, place(name)) == 0 else {
                throw FileFault("move", beside)
            }
        } catch {
            unsafe unlink(beside)
            throw error
        }
    }

    // MARK: Reading

    /// Every letter, oldest first; none when there is no folder.
    func entries() throws(FileFault) -> [Entry] {
        var bodies: [(name: String, signal: Signal, bytes: Int)] = []
        var notes: [String: Int] = [:]
        for file in try names() {
            guard !file.hasPrefix("."), let size = size(of: file) else { continue }
            let parts = file.split(separator: ".", omittingEmptySubsequences: false)
            if parts.count == 2, parts[1] == "json" {
                notes[String(parts[0])] = size
            } else if parts.count == 3, parts[2] == "pb",
                let signal = Signal.allCases.first(where: { $0.name == parts[1] })
            {
                bodies.append((String(parts[0]), signal, size))
            }
        }
        return bodies.map { body in
            Entry(
                name: body.name, signal: body.signal, bytes: body.bytes + (notes[body.name] ?? 0))
        }.sorted()
    }

    /// What became of a letter; nil when its side file is missing or none that we know.
    func note(of entry: Entry) -> DeadLetter? {
        readFile(place(entry.name + ".json")).flatMap { DeadLetter(json: $0) }
    }

    /// The request; nil when it is gone. Throws for one that is larger than any request, too.
    func body(of entry: Entry) throws(FileFault) -> [UInt8]? {
        let path = place(Self.bodyName(entry.name, entry.signal))
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw FileFault("open", path)
        }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw FileFault("look at", path) }
        guard status.st_size <= Self.mostBytes else {
            throw FileFault("read", path, code: EFBIG)
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes {
                unsafe read(file, $0.baseAddress! + done, $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            // Shorter than it was a moment ago.
            guard count > 0 else { throw FileFault("read", path, code: count == 0 ? EIO : errno) }
            done += count
        }
        return bytes
    }

    // MARK: Removing

    /// Takes a letter out; one that is gone already is fine. A side file that is left alone by an
    /// interruption is no letter.
    func remove(_ entry: Entry) throws(FileFault) {
        for file in [Self.bodyName(entry.name, entry.signal), entry.name + ".json"] {
            guard unsafe unlink(place(file)) != 0, errno != ENOENT else { continue }
            throw FileFault("remove", place(file))
        }
    }

    /// Removes what was begun and left long ago: files without their names, side files without
    /// their requests.
    func removeLeftovers(unixNano: UInt64) throws(FileFault) {
        let now = Int(unixNano / 1_000_000_000)
        let letters = Set(try entries().map(\.name))
        for file in try names() {
            let isNote = file.hasSuffix(".json") && file.first?.isNumber == true
            let isAlone = isNote && !letters.contains(String(file.dropLast(5)))
            guard isAlone || file.hasPrefix(Self.leftoverPrefix) else { continue }
            var status = stat()
            guard unsafe lstat(place(file), &status) == 0,
                now - status.st_mtim.tv_sec > Self.leftoverSeconds
            else { continue }
            unsafe unlink(place(file))
        }
    }

    // MARK: Names

    private static func bodyName(_ name: String, _ signal: Signal) -> String {
        name + "." + signal.name + ".pb"
    }

    private func place(_ file: String) -> String { path + "/" + file }

    /// Nil for what is no plain file, and for what is gone.
    private func size(of file: String) -> Int? {
        var status = stat()
        guard unsafe lstat(place(file), &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return Int(status.st_size)
    }

    private func names() throws(FileFault) -> [String] {
        guard let folder = unsafe opendir(path) else {
            if errno == ENOENT { return [] }
            throw FileFault("open", path)
        }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                    unsafe String(
                        cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
                })
        }
        return names
    }
}

/// Eight digits.
private func hexadecimal(_ value: UInt32) -> String {
    String(
        decoding: stride(from: 28, through: 0, by: -4).map {
            hexDigit(UInt8(truncatingIfNeeded: value >> UInt32($0)) & 15)
        }, as: UTF8.self)
}
