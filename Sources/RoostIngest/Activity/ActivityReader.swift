import RoostCore
import RoostWire

/// Makes an `Activity` of every span of a request, as the reader of the request meets them.
///
/// Used by one request at a time on one thread. Rules that need one span only are here; those that
/// need its neighbours are `AgentTracker`'s.
@safe struct ActivityReader {
    let table: NameTable
    /// Of the table.
    let maps: NameMaps
    var batch: ActivityBatch
    var slots: SpanSlots
    let request: UnsafeRawBufferPointer
    /// Of the request; `start` is eight bytes in.
    let start: UnsafeRawPointer
    let end: UnsafeRawPointer

    /// A copy: a resource that came in several parts is lent only for a moment.
    private(set) var service: [UInt8] = []
    private var namespace: [UInt8] = []
    private var serviceRef = TextRef.none
    private var jobRef = TextRef.none
    private var isNewService = true
    /// Of the scope at hand.
    private(set) var dialect: UInt8 = 0
    /// `NameTable.json` where the scope's texts are JSON, whatever their attributes, else nothing.
    private var scopeJSON: UInt32 = 0
    private let scratch: ActivityScratch
    private var keys: KeyMemo
    let texts: TextMemo
    /// The number of the batch among those that the memo of texts knows.
    private(set) var batchNumber: UInt32
    /// Where the latest texts stand that are seldom the same for two traces.
    var latestSession = TextRef.none
    var latestUser = TextRef.none
    var latestAgentID = TextRef.none
    /// Whether decisions about tools are taken note of.
    var tellsDecisions = false
    var decisions = ToolDecisions()

    /// `batch` is where the activities go. The request outlives the reader.
    init(
        _ table: NameTable, batch: consuming ActivityBatch, scratch: ActivityScratch,
        request: UnsafeRawBufferPointer
    ) {
        unsafe self.request = request
        let base = unsafe request.baseAddress ?? UnsafeRawPointer(WireBytes.empty.base)
        unsafe start = base + 8
        unsafe end = base + request.count
        self.table = table
        maps = table.maps
        self.batch = batch
        scratch.begin(table)
        self.scratch = scratch
        slots = scratch.slots
        keys = scratch.keys
        texts = scratch.texts
        batchNumber = scratch.newBatch()
        slots.reset()
    }

    /// A new resource and its name.
    mutating func resource(_ view: ResourceView) {
        resource()
        view.attributes.forEach { key, value in resourceAttribute(key, value) }
    }

    /// Begins a new batch: texts of the one before are not there.
    mutating func goOn(with batch: consuming ActivityBatch) {
        self.batch = batch
        batchNumber = scratch.newBatch()
        latestSession = .none
        latestUser = .none
        latestAgentID = .none
        isNewService = true
    }

    /// Forgets the activities of the batch and goes on with its room.
    @inline(never)
    mutating func leaveOut() {
        var batch = takeBatch()
        batch.removeAll()
        goOn(with: batch)
    }

    /// A new resource, of no name until an attribute says it.
    mutating func resource() {
        service.removeAll(keepingCapacity: true)
        namespace.removeAll(keepingCapacity: true)
        isNewService = true
    }

    mutating func resourceAttribute(_ key: WireBytes, _ value: AnyValueView) {
        guard value.kind == .string else { return }
        if key.equals("service.name") {
            Self.set(&service, value.stringBytes)
        } else if key.equals("service.namespace") {
            Self.set(&namespace, value.stringBytes)
        }
    }

    private static func set(_ bytes: inout [UInt8], _ text: WireBytes) {
        bytes.removeAll(keepingCapacity: true)
        unsafe bytes.append(contentsOf: text.buffer.prefix(textCount(text)))
    }

    mutating func scope(_ scope: ScopeView) {
        dialect = table.dialect(scope: scope.name, service: service)
        scopeJSON = maps.semantics(of: dialect).isJSON ? NameTable.json : 0
    }

    /// Takes in the attributes that `fields` begins with, as far as it can; answers how many bytes
    /// they take. `tag` is that of their field.
    @inline(never)
    mutating func take(_ fields: WireBytes, tag: UInt8) -> Int {
        // Copied out, so that taking note does not need a copy of the whole reader.
        let (keys, end) = unsafe (self.keys, self.end)
        return unsafe keys.forEachAttribute(in: fields, tag: tag, before: end) { attribute in
            if attribute.meaning != NameTable.unlisted { note(attribute.meaning, attribute.value) }
        }
    }

    mutating func attribute(_ key: WireBytes, _ value: AnyValueView) {
        let attributes = maps.attributes
        let meaning = keys.search(key) { attributes.find($0) ?? NameTable.unlisted }
        guard meaning != NameTable.unlisted, unsafe value.lies(within: request) else { return }
        note(meaning, value)
    }

    /// Takes in an attribute of which the tables say `packed`, and whose value lies in the request.
    @inline(__always)
    private mutating func note(_ packed: UInt32, _ value: AnyValueView) {
        if (packed | scopeJSON) & NameTable.json == 0 {
            noteText(packed, value)
        } else {
            noteJSON(packed, value)
        }
    }

    /// Apart, so that nobody else copies the value.
    @inline(never)
    private mutating func noteJSON(_ packed: UInt32, _ value: AnyValueView) {
        noteText(packed, value.unquoted)
    }

    @inline(__always)
    private mutating func noteText(_ packed: UInt32, _ value: AnyValueView) {
        if packed & 0xFF == UInt32(NameConcept.provider.rawValue) {
            // A framework's own name says nothing.
            let known = provider(spelling: value.stringBytes)
            guard known != TextMemo.Entry.nobody else { return }
            if slots.note(packed, value, maps) { slots.provider = known }
            return
        }
        _ = slots.note(packed, value, maps)
    }

    /// What was read; the reader is empty then.
    mutating func takeBatch() -> ActivityBatch {
        var taken = ActivityBatch()
        swap(&taken, &batch)
        return taken
    }

    /// What was taken in since the last span or record belongs to a malformed one.
    mutating func spanRejected() { slots.reset() }

    @inline(__always)
    mutating func span(_ span: SpanView) {
        var activity = Activity()
        activity.traceIDHigh = unsafe load(span.traceID.base)
        activity.traceIDLow = unsafe load(span.traceID.base + 8)
        activity.spanID = unsafe load(span.spanID.base)
        if !span.parentSpanID.isEmpty {
            activity.parentSpanID = unsafe load(span.parentSpanID.base)
        }
        activity.start = span.startTimeUnixNano
        activity.end = span.endTimeUnixNano
        if activity.end < activity.start
            || activity.end - activity.start > Activity.longest
        {
            mendTimes(&activity)
        }
        if span.statusCode == 2 {
            activity.status = .error
        } else if span.statusCode == 1 {
            activity.status = .ok
        }
        placeService(&activity)
        activity.name = text(span.name)
        activity.dialect = dialect != 0 ? dialect : slots.dialect
        if slots.tellsMeaning || dialect != 0 { understand(span, &activity) }
        slots.reset()
        batch.activities.append(activity)
    }

    /// Says whose an activity is.
    @inline(__always)
    mutating func placeService(_ activity: inout Activity) {
        if isNewService {
            serviceRef = batch.add(service)
            jobRef =
                namespace.isEmpty
                ? .none : batch.add(ServiceJob.text(name: service, namespace: namespace))
            isNewService = false
        }
        activity.service = serviceRef
        activity.job = jobRef
    }

    /// Of what ended before it began, or began in another age, how long it took is unknown.
    @inline(never)
    private func mendTimes(_ activity: inout Activity) {
        if activity.end < activity.start {
            activity.end = activity.start
        } else {
            activity.start = activity.end
        }
        activity.flags.formUnion([.isMendedTime, .isInstant])
    }

    @inline(__always)
    func load(_ base: UnsafePointer<UInt8>) -> UInt64 {
        unsafe UInt64(
            bigEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
    }
}
