public import RoostCore
public import RoostWire

/// What one trace request says, noted while it is validated and before anything is counted.
///
/// A request is read once: every well-formed span leaves one `SpanNote` here, and only when the
/// whole request has been admitted are the notes added to a shard. So a request that turns out
/// undecodable in its last byte, or that a full queue refuses, leaves no trace. The notes point
/// into the request; they are good for as long as its bytes are held.
///
/// Reused from request to request, so that a span costs no allocation. Owned by one thread at a time.
@safe public final class TraceScan {
    /// One span, as far as the metrics need it. The pointers lead into the request.
    @safe struct SpanNote {
        let name: UnsafePointer<UInt8>
        let nameCount: Int
        let traceID: UnsafePointer<UInt8>
        let spanID: UnsafePointer<UInt8>
        let durationNanoseconds: UInt64
        let endTimeUnixNano: UInt64
        let service: Int32
        let kind: UInt8
        let status: UInt8
    }

    var spans: UnsafeBufferPointer<SpanNote> {
        unsafe UnsafeBufferPointer(start: notes.base, count: notes.count)
    }
    private var notes = SpanNotes()
    /// The `service.name` of each resource that has spans, one after another, and where each ends.
    /// Behind the last end may stand the name of a resource that had none.
    var serviceBytes: [UInt8] = []
    var serviceEnds: [Int] = []

    /// The malformed spans of the request, to be cut out of what is passed on.
    public private(set) var rejections = Rejections()
    /// How many well-formed spans there are.
    public private(set) var itemCount = 0
    /// What the spans are to agents, one for each well-formed span; empty when read without names,
    /// and when they are too many.
    public var activities = ActivityBatch()
    /// The activities are more than were to be noted, so none is: `walkActivities` reads them.
    public private(set) var hasTooManyActivities = false
    /// Made when it is first needed: it takes some 100 KB.
    private lazy var scratch = ActivityScratch()

    public init() {}

    deinit { notes.free() }

    /// Reads a request; what an earlier one left is forgotten.
    ///
    /// Throws what made the request undecodable; the notes are then worth nothing. With `names` the
    /// spans become activities too, of which `mostBytes` are noted.
    public func read(
        _ body: ByteBlock, names: NameTable? = nil, mostBytes: Int = .max
    ) throws(WireError) {
        notes.count = 0
        serviceBytes.removeAll(keepingCapacity: true)
        serviceEnds.removeAll(keepingCapacity: true)
        rejections.removeAll()
        itemCount = 0
        activities.removeAll()
        hasTooManyActivities = false
        itemCount = unsafe try body.withBytes { bytes throws(WireError) in
            var visitor = unsafe Visitor(
                scan: self, names: names, mostBytes: mostBytes, request: bytes)
            defer { visitor.finish(self) }
            return unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
        }
    }

    /// The name of service number `index`, as it came.
    func withService<Result>(
        _ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        let start = index == 0 ? 0 : serviceEnds[index - 1]
        return unsafe serviceBytes.withUnsafeBufferPointer { bytes in
            unsafe body(UnsafeBufferPointer(rebasing: bytes[start..<serviceEnds[index]]))
        }
    }

    /// Names become labels, which must not be of any length: longer ones are cut, between two
    /// characters, and share a series with those that begin alike.
    static let longestLabel = 1024

    @inline(__always)
    static func labelCount(_ text: WireBytes) -> Int {
        text.count <= longestLabel ? text.count : cutLabel(text)
    }

    @inline(never)
    private static func cutLabel(_ text: WireBytes) -> Int {
        var end = longestLabel
        // A continuation byte is 10xxxxxx; the text is valid UTF-8.
        while end > 0, unsafe text.base[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    /// What the note of one span costs.
    public static let noteBytes = MemoryLayout<SpanNote>.stride

    /// Makes room for the notes of so many spans, so that it does not grow by doubling.
    public func makeRoom(forSpans count: Int) { notes.makeRoom(count) }

    /// Gives back what an unusually large request made this grow to.
    public func trim(toSpans limit: Int) {
        if notes.capacity > limit {
            notes.free()
            notes = SpanNotes()
        }
        if serviceBytes.capacity > limit * 64 { serviceBytes = [] }
    }

    /// Exchanges what was read, but not the room for reading, with another scan: for a request that
    /// has to wait while the next one is read.
    public func swapNotes(with other: TraceScan) {
        swap(&notes, &other.notes)
        swap(&serviceBytes, &other.serviceBytes)
        swap(&serviceEnds, &other.serviceEnds)
        swap(&rejections, &other.rejections)
        swap(&itemCount, &other.itemCount)
        swap(&activities, &other.activities)
        swap(&hasTooManyActivities, &other.hasTooManyActivities)
    }

    /// What the notes take in memory.
    public var byteCount: Int { notes.capacity * Self.noteBytes + activities.byteCount }

    /// Notes what the reader shows it. It holds the arrays itself while the reader runs, so that
    /// appending neither retains nor checks for exclusive access.
    private struct Visitor: TraceVisitor {
        private var spans: SpanNotes
        private var serviceBytes: [UInt8]
        private var serviceEnds: [Int]
        /// No span of the resource at hand has been seen: a request can hold millions of empty ones.
        private var isNewService = true

        private var reader: ActivityReader
        /// Whether there are names to read with.
        private let looks: Bool
        /// Of activities.
        private let mostBytes: Int
        private var hasTooMany = false

        init(
            scan: TraceScan, names: NameTable?, mostBytes: Int, request: UnsafeRawBufferPointer
        ) {
            var batch = ActivityBatch()
            swap(&batch, &scan.activities)
            reader = unsafe ActivityReader(
                names ?? .empty, batch: batch, scratch: scan.scratch, request: request)
            looks = names != nil
            self.mostBytes = mostBytes
            spans = scan.notes
            serviceBytes = []
            serviceEnds = []
            swap(&serviceBytes, &scan.serviceBytes)
            swap(&serviceEnds, &scan.serviceEnds)
        }

        mutating func finish(_ scan: TraceScan) {
            if hasTooMany { reader.leaveOut() }
            scan.hasTooManyActivities = hasTooMany
            var batch = reader.takeBatch()
            swap(&batch, &scan.activities)
            scan.notes = spans
            swap(&serviceBytes, &scan.serviceBytes)
            swap(&serviceEnds, &scan.serviceEnds)
        }

        mutating func resource(_ resource: ResourceView) {
            let start = serviceEnds.last ?? 0
            serviceBytes.removeLast(serviceBytes.count - start)
            isNewService = true
            if looks { reader.resource() }
            resource.attributes.forEach { key, value in
                if looks { reader.resourceAttribute(key, value) }
                guard key.equals("service.name"), value.kind == .string else { return }
                serviceBytes.removeLast(serviceBytes.count - start)
                unsafe serviceBytes.append(
                    contentsOf: value.stringBytes.buffer.prefix(
                        TraceScan.labelCount(value.stringBytes)))
            }
        }

        mutating func scope(_ scope: ScopeView) { if looks { reader.scope(scope) } }

        @inline(__always)
        mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
            if looks { reader.attribute(key, value) }
        }

        @inline(__always)
        mutating func takeSpanAttributes(_ fields: WireBytes) -> Int {
            looks ? reader.take(fields, tag: 0x4A) : 0
        }

        mutating func spanRejected() { if looks { reader.spanRejected() } }

        @inline(__always)
        mutating func span(_ span: SpanView) {
            let start = span.startTimeUnixNano
            let end = span.endTimeUnixNano
            if isNewService {
                serviceEnds.append(serviceBytes.count)
                isNewService = false
            }
            if looks {
                reader.span(span)
                if reader.batch.byteCount >= mostBytes {
                    hasTooMany = true
                    reader.leaveOut()
                }
            }
            unsafe spans.append(
                SpanNote(
                    name: span.name.base, nameCount: TraceScan.labelCount(span.name),
                    traceID: span.traceID.base, spanID: span.spanID.base,
                    durationNanoseconds: end > start ? end &- start : 0,
                    endTimeUnixNano: end,
                    service: Int32(truncatingIfNeeded: serviceEnds.count &- 1),
                    kind: (1...5).contains(span.kind) ? UInt8(truncatingIfNeeded: span.kind) : 0,
                    status: (1...2).contains(span.statusCode)
                        ? UInt8(truncatingIfNeeded: span.statusCode) : 0))
        }
    }
}

/// Notes one after another, without what an array does for each. Copies share the memory, which the
/// scan frees.
@safe private struct SpanNotes {
    private(set) var base: UnsafeMutablePointer<TraceScan.SpanNote>?
    var count = 0
    private(set) var capacity = 0

    @inline(__always)
    mutating func append(_ note: TraceScan.SpanNote) {
        if count == capacity { makeRoom(max(capacity * 2, 64)) }
        unsafe base.unsafelyUnwrapped[count] = note
        count &+= 1
    }

    @inline(never)
    mutating func makeRoom(_ room: Int) {
        guard room > capacity else { return }
        let new = UnsafeMutablePointer<TraceScan.SpanNote>.allocate(capacity: room)
        if let base = unsafe base {
            unsafe new.moveInitialize(from: base, count: count)
            unsafe base.deallocate()
        }
        unsafe base = new
        capacity = room
    }

    func free() { unsafe base?.deallocate() }
}
