/// What lies in a queue's folder, looked at without changing anything.
public struct QueueInspection: Equatable, Sendable {
    /// What some cursor still waits for; everything when no position is readable.
    public private(set) var waiting = QueueCounts()

    /// Nil when there is no queue in `path`, or none that this version reads. Goes through all heads
    /// of records; nobody may have the queue open.
    public init?(_ path: String) {
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
            for name in files { try count(path + "/" + name, from: first) }
        } catch {
            return nil
        }
    }

    private mutating func count(_ path: String, from first: UInt64) throws(QueueFault) {
        let file = try QueueFile(path, .read)
        guard let size = try file.size(),
            case .valid(let header) = try LogOpening.header(file)
        else { return }
        var scan = SegmentScan(
            file, salt: header.salt, from: SegmentFormat.start, end: size, after: header.id - 1,
            checksPayloads: false)
        while true {
            switch try scan.next() {
            case .record(let head, _): if head.sequence >= first { waiting += head.counts }
            case .damage: continue
            case .torn, .end: return
            }
        }
    }
}
