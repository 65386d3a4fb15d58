import RoostCore
import Synchronization

/// Where damaged bytes go: `quarantine/<segment>-<offset>.damaged`, a copy of what lay there.
///
/// Bounded in bytes and in files; the oldest stay. Nobody but a person deletes them. Any thread.
final class Quarantine: Sendable {
    private struct Use {
        var bytes = 0
        var files = 0
    }

    static let folder = "quarantine"
    private static let mostFiles = 1000

    private let path: String
    private let limitBytes: Int
    private let use = Mutex(Use())

    /// For the queue in `path`.
    init(_ path: String, limitBytes: Int) {
        self.path = path + "/" + Self.folder
        self.limitBytes = limitBytes
        // No folder, no use yet.
        guard let names = try? QueueFolder.names(in: self.path) else { return }
        var total = Use()
        for name in names {
            guard let file = try? QueueFile(self.path + "/" + name, .read),
                let size = try? file.size()
            else { continue }
            total.files += 1
            total.bytes += size
        }
        use.withLock { $0 = total }
    }

    /// Copies `place` of `file`, the segment `id`; false when that was done before.
    func add(_ place: Range<Int>, of file: QueueFile, segment id: UInt64) throws(QueueFault) -> Bool
    {
        let name =
            SegmentFormat.number(id, 20) + "-" + SegmentFormat.number(UInt64(place.lowerBound), 12)
            + ".damaged"
        let room = use.withLock { use -> Int? in
            guard use.files < Self.mostFiles else { return nil }
            use.files += 1
            let room = max(0, min(place.count, limitBytes - use.bytes))
            use.bytes += room
            return room
        }
        guard let room else { return true }
        try QueueFolder.make(path)
        let copy: QueueFile
        do throws(QueueFault) {
            copy = try QueueFile(path + "/" + name, .create)
        } catch {
            use.withLock {
                $0.files -= 1
                $0.bytes -= room
            }
            if error.isExisting { return false }
            throw error
        }
        let window = ReadWindow(file, end: place.lowerBound + room)
        var done = 0
        while done < room {
            let bytes = unsafe try window.bytes(at: place.lowerBound + done, atLeast: 1)
            if bytes.count == 0 { break }
            unsafe try copy.write(bytes, at: done)
            done += bytes.count
        }
        return true
    }

    /// Moves the whole file `name` of the queue in `folder` here.
    func take(_ name: String, from folder: String) throws(QueueFault) {
        try QueueFolder.make(path)
        try QueueFolder.move(
            folder + "/" + name, to: path + "/" + name + "-\(unixNanoseconds()).damaged")
    }
}
