import RoostCore
import Synchronization

/// The dead letters of one destination, within bounds.
///
/// `put` and `look` belong to one thread, that of `DeadLetterWriter`; `status` to any.
final class DeadLetterBox: Sendable {
    /// Room is made for a twentieth of the bounds at once, since each time the folder is read.
    private static let roomParts = 20

    private let settings: ExportSettings.DeadLetters
    private let folder: DeadLetterFolder
    private let counts: DeadLetterCounts
    private let state = Mutex(DeadLetterStatus())
    /// Held from the first use of the folder on.
    private let claim = Mutex<FolderClaim?>(nil)
    /// Something was put in and is not on the disk for sure. The writer's thread.
    private let needsSync = Atomic<Bool>(false)

    /// `counts` are those of the destination, which go on with another box.
    init(_ settings: ExportSettings.DeadLetters, counts: DeadLetterCounts = DeadLetterCounts()) {
        self.settings = settings
        self.counts = counts
        folder = DeadLetterFolder(path: settings.path)
    }

    /// The last that is known.
    var status: DeadLetterStatus {
        var status = state.withLock { $0 }
        (status.written, status.lost) = counts.all
        return status
    }

    /// Takes the folder for this process. Answers who has it; nil when nobody else has. A folder that
    /// cannot be made now is taken with the first letter.
    func otherOwner() -> FolderHolder? {
        do throws(FileFault) { try folder.make() } catch { return nil }
        return claim.withLock { claim in
            guard claim == nil else { return nil }
            do throws(FolderClaim.Failure) { claim = try FolderClaim.shared(settings.path) } catch {
                if case .inUse(let holder) = error { return holder }
            }
            return nil
        }
    }

    /// Writes a letter, and removes older ones to make room. What is wrong is counted and told once
    /// in `status`. Not on the disk for sure before `sync`.
    func put(_ letter: DeadLetter, body: [ByteSlice]) {
        // No name is longer than this.
        let name = String(repeating: "0", count: 48)
        let needed = letter.bytes + letter.json(body: name).count
        guard needed <= settings.bytes else {
            return lose(
                .oversize,
                "a letter of \(needed) bytes is larger than dead_letters.size (\(settings.bytes))")
        }
        if let holder = otherOwner() { return lose(.disk, settings.path + " " + holder.text) }
        do throws(FileFault) {
            try folder.make()
            try makeRoom(for: needed)
            needsSync.store(true, ordering: .relaxed)
            let bytes = try folder.write(letter, body: body)
            state.withLock { state in
                state.letters += 1
                state.bytes += bytes
                state.error = nil
            }
            counts.wrote()
        } catch {
            lose(error.isNoSpace ? .diskFull : .disk, error.description)
        }
    }

    /// Makes what was put in survive a loss of power.
    func sync() {
        guard needsSync.exchange(false, ordering: .relaxed) else { return }
        do throws(FileFault) { try folder.sync() } catch {
            let text = error.description
            state.withLock { $0.error = text }
        }
    }

    /// Counts what is in the folder, which others may have changed, and cleans up. With `isBounded`
    /// what is above the bounds goes, too: they may be lower than they were.
    func look(unixNano: UInt64, isBounded: Bool = false) {
        try? folder.removeLeftovers(unixNano: unixNano)
        guard let entries = try? folder.entries() else { return }
        note(entries)
        let bytes = entries.reduce(0) { $0 + $1.bytes }
        guard isBounded, entries.count > settings.count || bytes > settings.bytes else { return }
        do throws(FileFault) { try evict(from: entries, to: settings.count, settings.bytes) } catch
        {
            let text = error.description
            state.withLock { $0.error = text }
        }
    }

    private func makeRoom(for bytes: Int) throws(FileFault) {
        let known = status
        guard
            !known.wasRead || known.letters >= settings.count
                || known.bytes > settings.bytes - bytes
        else { return }
        let entries = try folder.entries()
        let total = entries.reduce(0) { $0 + $1.bytes }
        guard entries.count >= settings.count || total > settings.bytes - bytes else {
            return note(entries)
        }
        try evict(
            from: entries, to: settings.count - max(1, settings.count / Self.roomParts),
            settings.bytes - max(bytes, settings.bytes / Self.roomParts))
    }

    /// Removes the oldest until so many are left, and so many bytes.
    private func evict(
        from entries: [DeadLetterFolder.Entry], to count: Int, _ bytes: Int
    ) throws(FileFault) {
        var total = entries.reduce(0) { $0 + $1.bytes }
        var evicted = 0
        while evicted < entries.count, entries.count - evicted > count || total > bytes {
            try folder.remove(entries[evicted])
            total -= entries[evicted].bytes
            evicted += 1
        }
        note(Array(entries.dropFirst(evicted)))
        counts.lost(.evicted, evicted)
    }

    private func note(_ entries: [DeadLetterFolder.Entry]) {
        let bytes = entries.reduce(0) { $0 + $1.bytes }
        state.withLock { state in
            state.wasRead = true
            state.letters = entries.count
            state.bytes = bytes
        }
    }

    private func lose(_ loss: DeadLetterLoss, _ error: String) {
        counts.lost(loss, 1)
        state.withLock { $0.error = error }
    }
}

/// What became of the dead letters of one destination since start, whatever its settings were. Any
/// thread.
final class DeadLetterCounts: Sendable {
    private let state = Mutex((written: 0, lost: [DeadLetterLoss: Int]()))

    var all: (written: Int, lost: [DeadLetterLoss: Int]) { state.withLock { $0 } }

    func wrote() { state.withLock { $0.written += 1 } }

    func lost(_ loss: DeadLetterLoss, _ letters: Int) {
        guard letters > 0 else { return }
        state.withLock { $0.lost[loss, default: 0] += letters }
    }
}

/// Dead letters of one destination as `/status` and `/metrics` show them.
public struct DeadLetterStatus: Sendable, Equatable {
    /// In the folder, as far as is known.
    public var letters = 0
    /// Of them, side files too.
    public var bytes = 0
    /// Since start.
    public var written = 0
    /// Since start.
    public var lost: [DeadLetterLoss: Int] = [:]
    /// Why the last one could not be written; nil when it could.
    public var error: String?
    /// Whether the folder was looked at since start.
    var wasRead = false

    public init() {}
}

/// Why a dead letter is not in its folder; the label `reason` of
/// `roost_dead_letters_dropped_total`. The list is closed.
public enum DeadLetterLoss: String, Sendable, CaseIterable {
    case evicted, oversize
    case diskFull = "disk_full"
    case disk

    /// One sentence for the reference.
    public var explanation: String {
        switch self {
        case .evicted: "removed to make room for newer ones within dead_letters.size and count"
        case .oversize: "alone larger than dead_letters.size"
        case .diskFull: "no room on the disk"
        case .disk: "the folder could not be made, or a file in it not written"
        }
    }
}
