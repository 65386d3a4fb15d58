import RoostCore
import RoostWire

struct TraceKey: Hashable {
    let high: UInt64
    let low: UInt64

    /// In a quarter of the time that the library's hash takes, and with a secret as well.
    func _rawHashValue(seed: Int) -> Int {
        let hash = unsafe withUnsafePointer(to: self) {
            unsafe ByteHash.hash(
                UnsafeRawPointer($0), count: 16, seed: UInt64(bitPattern: Int64(seed)))
        }
        return Int(truncatingIfNeeded: hash)
    }
}

/// A span of a request, and where its field stands there.
struct ArrivedSpan {
    let head: SpanHead
    let field: WireBytes
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
    /// Of headers that will be written with its spans.
    private(set) var headerBytes = 0
    /// Monotonic nanoseconds.
    let firstArrival: UInt64
    private(set) var lastArrival: UInt64
    /// Its root has come, with it or with a part of it that is stored already.
    private(set) var hasRoot: Bool
    /// Which arrival of all was its latest; see `ArrivalOrder`.
    var arrival: UInt64 = 0
    /// Operations that their headers have no number for.
    private var moreOperations: [Operation] = []
    /// Of the first spans; then `manyIDs` has all.
    private var ids = InlineArray<32, UInt64>(repeating: 0)
    private var idCount = 0
    private var manyIDs: Set<UInt64> = []

    struct Operation {
        let header: ChunkHeader
        let operation: ChunkHeader.Operation
    }

    /// What it takes beside the spans' bytes.
    static let ownBytes = 640
    private static let spanOwnBytes = 24
    private static let groupOwnBytes = 64
    /// Groups, from the latest on, among which that of a header is looked for.
    static let mostSearched = 64
    private static let mostOperations = OpenIndexBlock.mostTerms - 64

    init(_ key: TraceKey, hasRoot: Bool = false, now: UInt64) {
        self.key = key
        self.hasRoot = hasRoot
        firstArrival = now
        lastArrival = now
    }

    /// Takes in spans of one header that stood in one request; answers by how much `bytes` grew.
    func take(_ arrived: [ArrivedSpan], _ header: ChunkHeader, now: UInt64) -> Int {
        let before = bytes
        let group = group(of: header)
        var operations = groups[group].operations
        // Of neighbours that are new.
        var run = WireBytes.empty
        for span in arrived {
            guard isNew(span.head.spanID) else {
                repeated += 1
                continue
            }
            spans += 1
            bytes += span.field.count + Self.spanOwnBytes
            if span.head.parentSpanID == 0 { hasRoot = true }
            if let number = header.operationNumber(span.head.name, kind: span.head.kind) {
                operations |= 1 << UInt64(number)
            } else {
                noteMore(span.head, header)
            }
            if unsafe run.base + run.count == span.field.base {
                run = unsafe WireBytes(base: run.base, count: run.count + span.field.count)
            } else {
                unsafe groups[group].bytes.append(contentsOf: run.buffer)
                run = span.field
            }
        }
        unsafe groups[group].bytes.append(contentsOf: run.buffer)
        groups[group].operations = operations
        items += arrived.count
        lastArrival = now
        return bytes - before
    }

    private func group(of header: ChunkHeader) -> Int {
        if let place = groups.indices.last, groups[place].header === header { return place }
        let latest = groups.suffix(Self.mostSearched)
        if let place = latest.lastIndex(where: { $0.header === header }) { return place }
        groups.append(Group(header: header))
        // Others may have the same header, but which of them goes last nobody knows.
        bytes += Self.groupOwnBytes + header.bytes
        headerBytes += header.wireBytes
        return groups.count - 1
    }

    private func isNew(_ id: UInt64) -> Bool {
        if idCount < ids.count {
            for place in 0..<idCount where ids[place] == id { return false }
            ids[idCount] = id
            idCount += 1
            return true
        }
        if manyIDs.isEmpty { for place in ids.indices { manyIDs.insert(ids[place]) } }
        return manyIDs.insert(id).inserted
    }

    private func noteMore(_ head: SpanHead, _ header: ChunkHeader) {
        guard moreOperations.count < Self.mostOperations else { return }
        let term = header.operation(head.name)
        if moreOperations.contains(where: { $0.operation.term == term }) { return }
        let name = ListedName.cut(head.name.string)
        moreOperations.append(
            Operation(
                header: header,
                operation: ChunkHeader.Operation(term: term, name: name, kind: head.kind)))
        bytes += MemoryLayout<Operation>.stride + name.utf8.count
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

        mutating func resource(_ fields: OtherFields) {}
        mutating func scope(_ fields: OtherFields) {}
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
