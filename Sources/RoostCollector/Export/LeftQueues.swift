import Glibc
import RoostCore
import RoostQueue
import Synchronization

/// Looks for queues on disk that belong to no destination any more, and tells of them. Nothing is
/// ever deleted: docs/queue.md says how a person does.
final class LeftQueues: Sendable {
    private let thread = Mutex<NamedThread?>(nil)
    private let isStopped = Atomic(false)

    /// Looks into the folders named in `queue.path`, on a thread of its own: a full queue takes a
    /// while to go through.
    init(_ destinations: [ExportSettings], _ log: Log) {
        let inUse = destinations.compactMap(\.queue.folder)
        guard !inUse.isEmpty else { return }
        let started = NamedThread("queue-look") { [self] in look(inUse, log) }
        thread.withLock { $0 = started }
    }

    /// Ends it where it is, which a reader of the log can do without. Blocks for a moment.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        thread.withLock { thread in
            defer { thread = nil }
            return thread
        }?.join()
    }

    private func look(_ inUse: [String], _ log: Log) {
        let used = Set(inUse.map(canonicalPath))
        for parent in Set(inUse.map(Self.parent)).sorted() {
            for name in Self.names(in: parent) {
                let folder = parent + "/" + name
                guard !used.contains(canonicalPath(folder)) else { continue }
                let found = QueueInspection(folder) { isStopped.load(ordering: .relaxed) }
                guard let found else { continue }
                log.warn(
                    "a queue on disk belongs to no destination: its data stays, and nobody sends it",
                    [
                        "name": name, "folder": folder, "items": "\(found.waiting.allItems)",
                        "bytes": "\(found.waiting.bytes)",
                    ])
            }
        }
    }

    private static func parent(of folder: String) -> String {
        folder.lastIndex(of: "/").map { String(folder[..<$0]) } ?? "."
    }

    private static func names(in path: String) -> [String] {
        guard let folder = unsafe opendir(path) else { return [] }
        defer { unsafe _ = closedir(folder) }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { place in
                unsafe String(
                    cString: UnsafeRawPointer(place).assumingMemoryBound(to: CChar.self))
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
