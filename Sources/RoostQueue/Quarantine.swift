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

    /// What became of a place.
    struct Outcome {
        /// It was not set aside before, as far as is known.
        var isNew: Bool
        /// Why there is no copy of it, or only of its begin.
        var left: String?
        /// The same, where the disk is to blame.
        var fault: QueueFault?
    }

    private static let fullText = "quarantine is full"

    /// Copies `place` of `file`, the segment `id`. What cannot be copied leaves nothing behind, so
    /// that it is met anew the next time.
    func add(_ place: Range<Int>, of file: QueueFile, segment id: UInt64) -> Outcome {
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
        guard let room else { return Outcome(isNew: true, left: Self.fullText) }
        do throws(QueueFault) {
            try QueueFolder.make(path)
            try copy(place.lowerBound..<place.lowerBound + room, of: file, to: path + "/" + name)
            return Outcome(isNew: true, left: room < place.count ? Self.fullText : nil)
        } catch {
            use.withLock {
                $0.files -= 1
                $0.bytes -= room
            }
            return error.isExisting
                ? Outcome(isNew: false)
                : Outcome(isNew: true, left: error.description, fault: error)
        }
    }

    /// All of it or nothing.
    private func copy(_ place: Range<Int>, of file: QueueFile, to path: String) throws(QueueFault) {
        let copy = try QueueFile(path, .create)
        do throws(QueueFault) {
            let window = ReadWindow(file, end: place.upperBound)
            var done = 0
            while done < place.count {
                let bytes = unsafe try window.bytes(at: place.lowerBound + done, atLeast: 1)
                if bytes.count == 0 { break }
                unsafe try copy.write(bytes, at: done)
                done += bytes.count
            }
        } catch {
            try? QueueFolder.remove(path)
            throw error
        }
    }

    /// Why the whole file `name` could not be moved here now; nil when nothing is in the way.
    func refusal(of name: String) -> QueueFault? {
        let trial = path + "/" + name + ".trial"
        do throws(QueueFault) {
            try QueueFolder.make(path)
            _ = try QueueFile(trial, .write)
            try QueueFolder.remove(trial)
            return nil
        } catch {
            return error
        }
    }

    /// Moves the whole file `name` of the queue in `folder` here.
    func take(_ name: String, from folder: String) throws(QueueFault) {
        try QueueFolder.make(path)
        try QueueFolder.move(
            folder + "/" + name, to: path + "/" + name + "-\(unixNanoseconds()).damaged")
    }
}
