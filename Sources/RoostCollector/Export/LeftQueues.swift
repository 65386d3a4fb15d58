import Glibc
import RoostCore
import RoostQueue

/// Looks for queues on disk that belong to no destination any more, and tells of them. Nothing is
/// ever deleted: docs/queue.md says how a person does.
final class LeftQueues: Sendable {
    private let thread: NamedThread?

    /// Looks into the folders named in `queue.path`, on a thread of its own: a full queue takes a
    /// while to go through.
    init(_ destinations: [ExportSettings], _ log: Log) {
        let inUse = destinations.compactMap(\.queue.folder)
        thread = inUse.isEmpty ? nil : NamedThread("queue-look") { Self.look(inUse, log) }
    }

    func wait() { thread?.join() }

    private static func look(_ inUse: [String], _ log: Log) {
        let used = Set(inUse.map(canonicalPath))
        for parent in Set(inUse.map(parent)).sorted() {
            for name in names(in: parent) {
                let folder = parent + "/" + name
                guard !used.contains(canonicalPath(folder)) else { continue }
                guard let found = QueueInspection(folder) else { continue }
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
