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
    private let state = Mutex(DeadLetterStatus())
    /// Held from the first use of the folder on.
    private let claim = Mutex<FolderClaim?>(nil)
    /// Something was put in and is not on the disk for sure. The writer's thread.
    private let needsSync = Atomic<Bool>(false)

    init(_ settings: ExportSettings.DeadLetters) {
        self.settings = settings
        folder = DeadLetterFolder(path: settings.path)
    }

    /// The last that is known.
    var status: DeadLetterStatus { state.withLock { $0 } }

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
                state.written += 1
                state.error = nil
            }
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

    /// Counts what is in the folder, which others may have changed, and cleans up.
    func look(unixNano: UInt64) {
        try? folder.removeLeftovers(unixNano: unixNano)
        guard let entries = try? folder.entries() else { return }
        note(entries)
    }

    private func makeRoom(for bytes: Int) throws(FileFault) {
        let known = status
        guard
            !known.wasRead || known.letters >= settings.count
                || known.bytes > settings.bytes - bytes
        else { return }
        var entries = try folder.entries()
        var total = entries.reduce(0) { $0 + $1.bytes }
        var evicted = 0
        if entries.count >= settings.count || total > settings.bytes - bytes {
            let most = settings.bytes - max(bytes, settings.bytes / Self.roomParts)
            let mostCount = settings.count - max(1, settings.count / Self.roomParts)
            while evicted < entries.count,
                entries.count - evicted > mostCount || total > most
            {
                try folder.remove(entries[evicted])
                total -= entries[evicted].bytes
                evicted += 1
            }
            entries.removeFirst(evicted)
        }
        note(entries)
        if evicted > 0 { state.withLock { $0.lost[.evicted, default: 0] += evicted } }
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
        state.withLock { state in
            state.lost[loss, default: 0] += 1
            state.error = error
        }
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
