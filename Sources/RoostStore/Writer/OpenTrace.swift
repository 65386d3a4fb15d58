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
        fileprivate(set) var bytes: [UInt8] = []
        /// A bit for each of the header's operations.
        fileprivate(set) var operations: UInt64 = 0
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
    /// Its root has come, with it or with a part of it that is stored already.
    private(set) var hasRoot: Bool
    /// Operations that their headers have no number for.
    private var moreOperations: [Operation] = []
    /// Of the first spans; then `manyIDs` has all.
    private var ids: [UInt64] = []
    private var manyIDs: Set<UInt64> = []
    private static let fewIDs = 32

    struct Operation {
        let header: ChunkHeader
        let operation: ChunkHeader.Operation
    }

    /// What it takes beside the spans' bytes.
    static let ownBytes = 640
    private static let spanOwnBytes = 24
    private static let mostOperations = OpenIndexBlock.mostTerms - 64

    init(_ key: TraceKey, hasRoot: Bool = false, now: UInt64) {
        self.key = key
        self.hasRoot = hasRoot
        firstArrival = now
        lastArrival = now
    }

    /// Takes note of a span that came. Says whether it is a new one, whose bytes `append` is to be
    /// given.
    func note(_ head: SpanHead, group: Int, now: UInt64) -> Bool {
        items += 1
        lastArrival = now
        guard isNew(head.spanID) else {
            repeated += 1
            return false
        }
        spans += 1
        if head.parentSpanID == 0 { hasRoot = true }
        let header = groups[group].header
        if let number = header.operationNumber(head.name, kind: head.kind) {
            groups[group].operations |= 1 << UInt64(number)
        } else {
            noteMore(head, header)
        }
        return true
    }

    /// Appends the fields of `spans` spans that stood one after another; answers by how much `bytes`
    /// grew.
    func append(_ run: WireBytes, spans: Int, group: Int) -> Int {
        unsafe groups[group].bytes.append(contentsOf: run.buffer)
        let grown = run.count + spans * Self.spanOwnBytes
        bytes += grown
        return grown
    }

    func group(of header: ChunkHeader) -> Int {
        if let place = groups.indices.last, groups[place].header === header { return place }
        if let place = groups.firstIndex(where: { $0.header === header }) { return place }
        groups.append(Group(header: header))
        return groups.count - 1
    }

    private func isNew(_ id: UInt64) -> Bool {
        if ids.count < Self.fewIDs {
            if ids.contains(id) { return false }
            if ids.isEmpty { ids.reserveCapacity(Self.fewIDs) }
            ids.append(id)
            return true
        }
        if manyIDs.isEmpty { manyIDs.formUnion(ids) }
        return manyIDs.insert(id).inserted
    }

    private func noteMore(_ head: SpanHead, _ header: ChunkHeader) {
        guard moreOperations.count < Self.mostOperations else { return }
        let term = header.operation(head.name)
        if moreOperations.contains(where: { $0.operation.term == term }) { return }
        moreOperations.append(
            Operation(
                header: header,
                operation: ChunkHeader.Operation(
                    term: term, name: head.name.string, kind: head.kind)))
    }

    /// What its spans are called, once for each header, name and kind.
    func forEachOperation<Failure: Error>(
        _ body: (ChunkHeader, ChunkHeader.Operation) throws(Failure) -> Void
    ) throws(Failure) {
        for group in groups {
            var rest = group.operations
            while rest != 0 {
                try body(group.header, group.header.operations[rest.trailingZeroBitCount])
                rest &= rest - 1
            }
        }
        for more in moreOperations { try body(more.header, more.operation) }
    }

    /// Leaves out spans that are stored already; answers how many.
    func leaveOut(_ stored: Set<UInt64>) -> Int {
        var left = 0
        for place in groups.indices {
            var visitor = Leaving(stored: stored)
            visitor.kept.reserveCapacity(groups[place].bytes.count)
            unsafe groups[place].bytes.withUnsafeBytes {
                unsafe walkItems($0, visitor: &visitor)
            }
            guard visitor.left > 0 else { continue }
            groups[place].bytes = visitor.kept
            left += visitor.left
        }
        groups.removeAll { $0.bytes.isEmpty }
        spans -= left
        return left
    }

    private struct Leaving: RequestPartsVisitor {
        let stored: Set<UInt64>
        var kept: [UInt8] = []
        var left = 0

        init(stored: Set<UInt64>) { self.stored = stored }

        mutating func resource(_ fields: [WireBytes]) {}
        mutating func scope(_ fields: [WireBytes]) {}
        mutating func item(_ span: WireBytes, field: WireBytes) {
            if stored.contains(SpanHead(span).spanID) {
                left += 1
            } else {
                unsafe kept.append(contentsOf: field.buffer)
            }
        }
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
