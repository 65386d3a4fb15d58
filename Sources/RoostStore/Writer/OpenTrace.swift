import RoostCore
import RoostWire

struct TraceKey: Hashable {
    let high: UInt64
    let low: UInt64
}

/// What has come of a trace since it was last stored.
final class OpenTrace {
    /// Spans of one resource and scope.
    struct Group {
        let header: ChunkHeader
        /// The field of each span, one after another.
        var bytes: [UInt8] = []
        var spans: [(id: UInt64, end: Int)] = []

        mutating func add(_ span: WireBytes, _ id: UInt64) {
            bytes.append(0x12)
            append(varint: span.count, to: &bytes)
            unsafe bytes.append(contentsOf: span.buffer)
            spans.append((id, bytes.count))
        }
    }

    let key: TraceKey
    private(set) var groups: [Group] = []
    /// Spans in it.
    private(set) var spans = 0
    /// Spans that came, those that came twice too.
    private(set) var items = 0
    /// Of them, those that came again.
    private(set) var repeated = 0
    private(set) var bytes = OpenTrace.ownBytes
    /// Monotonic nanoseconds.
    let firstArrival: UInt64
    private(set) var lastArrival: UInt64
    private(set) var hasRoot = false
    private(set) var operations: [Operation] = []
    /// Of the terms of `operations`.
    private var hashes: [UInt64] = []
    /// Of the first spans; then `manyIDs` has all.
    private var ids: [UInt64] = []
    private var manyIDs: Set<UInt64> = []
    private static let fewIDs = 32

    struct Operation {
        let term: Term
        let header: ChunkHeader
        let name: String
        let kind: Int32
    }

    /// What it takes beside the spans' bytes.
    static let ownBytes = 640
    private static let spanOwnBytes = 24
    private static let mostOperations = OpenIndexBlock.mostTerms - 64

    init(_ key: TraceKey, now: UInt64) {
        self.key = key
        firstArrival = now
        lastArrival = now
    }

    /// Takes in a span; answers by how much `bytes` grew.
    func add(_ span: WireBytes, _ head: SpanHead, _ header: ChunkHeader, now: UInt64) -> Int {
        items += 1
        lastArrival = now
        guard isNew(head.spanID) else {
            repeated += 1
            return 0
        }
        spans += 1
        if head.parentSpanID == 0 { hasRoot = true }
        groups[place(of: header)].add(span, head.spanID)
        note(head, header)
        let grown = span.count + Self.spanOwnBytes
        bytes += grown
        return grown
    }

    private func place(of header: ChunkHeader) -> Int {
        if let place = groups.indices.last, groups[place].header === header { return place }
        if let place = groups.firstIndex(where: { $0.header === header }) { return place }
        groups.append(Group(header: header))
        return groups.count - 1
    }

    private func isNew(_ id: UInt64) -> Bool {
        if ids.count < Self.fewIDs {
            if ids.contains(id) { return false }
            ids.append(id)
            return true
        }
        if manyIDs.isEmpty { manyIDs.formUnion(ids) }
        return manyIDs.insert(id).inserted
    }

    private func note(_ head: SpanHead, _ header: ChunkHeader) {
        guard operations.count < Self.mostOperations else { return }
        let term = header.operation(head.name)
        if hashes.contains(term.hash) { return }
        hashes.append(term.hash)
        operations.append(
            Operation(term: term, header: header, name: head.name.string, kind: head.kind))
    }

    /// Leaves out spans that are stored already; answers how many.
    func leaveOut(_ stored: Set<UInt64>) -> Int {
        var left = 0
        for place in groups.indices {
            guard groups[place].spans.contains(where: { stored.contains($0.id) }) else { continue }
            var kept = Group(header: groups[place].header)
            var start = 0
            for span in groups[place].spans {
                if stored.contains(span.id) {
                    left += 1
                } else {
                    kept.bytes.append(contentsOf: groups[place].bytes[start..<span.end])
                    kept.spans.append((span.id, kept.bytes.count))
                }
                start = span.end
            }
            groups[place] = kept
        }
        groups.removeAll { $0.spans.isEmpty }
        spans -= left
        return left
    }

    /// All of it as one request.
    func request() -> ByteBlock {
        let size = groups.reduce(0) { $0 + $1.header.size(around: $1.bytes.count) }
        return unsafe ByteBlock(capacity: size) { target in
            var count = 0
            for group in groups {
                unsafe group.header.write(group.bytes, to: target, at: &count)
            }
            return count
        }
    }
}
