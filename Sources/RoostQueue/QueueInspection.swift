/// What lies in a queue's folder, looked at without changing anything.
public struct QueueInspection: Equatable, Sendable {
    /// What some cursor still waits for; everything when no position is readable.
    public private(set) var waiting = QueueCounts()

    /// Nil when there is no queue in `path`, or none that this version reads. Goes through all heads
    /// of records; nobody may have the queue open. Nil as well when `isStopped`, which is asked at
    /// each record, says that the answer is not wanted any more.
    public init?(_ path: String, isStopped: () -> Bool = { false }) {
        do throws(QueueFault) {
            let names = try QueueFolder.names(in: path)
            let files = names.filter { SegmentFormat.id(ofFile: $0) != nil }
            guard !files.isEmpty || names.contains(CursorFile.name) else { return nil }
            var first: UInt64 = 0
            switch try CursorFile.look(path) {
            case .positions(let positions): first = positions.map(\.sequence).min() ?? 0
            case .version: return nil
            case .none, .damaged: break
            }
            for name in files {
                guard try count(path + "/" + name, from: first, isStopped) else { return nil }
            }
        } catch {
            return nil
        }
    }

    /// Whether it came to the end of the file.
    private mutating func count(
        _ path: String, from first: UInt64, _ isStopped: () -> Bool
    ) throws(QueueFault) -> Bool {
        let file = try QueueFile(path, .read)
        guard let size = try file.size(),
            case .valid(let header) = try LogOpening.header(file)
        else { return !isStopped() }
        var scan = SegmentScan(
            file, salt: header.salt, from: SegmentFormat.start, end: size, after: header.id - 1,
            checksPayloads: false)
        while !isStopped() {
            switch try scan.nextReadable() {
            case .record(let head, _): if head.sequence >= first { waiting += head.counts }
            case .damage: continue
            case .torn, .unread, .end: return true
            }
        }
        return false
    }
}
