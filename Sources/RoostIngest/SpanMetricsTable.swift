import CScan
import RoostCore

/// Calls and durations by service, span name, kind and status: the table behind one loop's span
/// metrics.
///
///     hash ─▶ slots (open addressing) ─▶ dense id ─┬─ keys[id]             service, name, kind, status
///                                                  ├─ sums[id]             seconds
///                                                  ├─ buckets[id × n …]    spans per bucket
///                                                  └─ exemplarSlots[id × n …] ─▶ exemplars[slot - 1]
///
/// A value: a copy shares the arrays until the original is next written to, which is how a scrape
/// gets a consistent picture without a lock. Id 0 is the overflow series. Ids are never reused.
struct SpanMetricsTable: Sendable {
    let bounds: DurationBounds
    /// Which of the tables that a shard has had one after the other.
    let generation: Int
    private let limit: SeriesLimit
    /// Pays for the series; nil is for tables that are bounded by what they are made from.
    private let memory: MemoryBudget.Share?
    /// What was taken from it.
    private(set) var paidBytes = 0

    private(set) var keys: [SpanSeriesKey] = [.overflow]
    /// Names of services; a key holds the index.
    private(set) var services: [[UInt8]] = []
    private(set) var created: [UInt64] = [0]
    private(set) var sums: [Double] = [0]
    private(set) var buckets: [UInt64]
    private(set) var exemplarSlots: [UInt32]
    private(set) var exemplars: [SpanExemplar] = []
    /// Bytes of the names kept; there is a bound, since names come from outside.
    private var nameBytes = 0
    private static let mostNameBytes = 4 << 20
    /// Spans that found no room for a series of their own.
    private(set) var overflowedSpans: UInt64 = 0

    private var hashes: [UInt64] = [0]
    private var slots: [UInt32]
    private var serviceNumbers: [UInt64: Int32] = [:]

    init(
        bounds: DurationBounds, limit: SeriesLimit, memory: MemoryBudget.Share?, generation: Int
    ) {
        self.memory = memory
        self.bounds = bounds
        self.limit = limit
        self.generation = generation
        buckets = [UInt64](repeating: 0, count: bounds.bucketCount)
        exemplarSlots = [UInt32](repeating: 0, count: bounds.bucketCount)
        slots = [UInt32](repeating: 0, count: 64)
    }

    /// Counts up to `most` spans of a request, from number `first` on, and answers which is next;
    /// `now` in Unix nanoseconds is when new series began.
    mutating func add(_ scan: TraceScan, from first: Int, most: Int, now: UInt64) -> Int {
        let width = bounds.bucketCount
        let spans = unsafe scan.spans
        let end = min(spans.count, first + most)
        // Spans of one service stand together.
        var serviceAtHand: Int32 = -1
        var service = SpanSeriesKey.noRoomForService
        for place in first..<max(first, end) {
            // A request that waited for a disk is in no cache any more: a span then costs 0.05 µs
            // instead of 0.2.
            let soon = place &+ Self.ahead
            if soon < end {
                unsafe roost_prefetch(spans[soon].name, 0)
                unsafe roost_prefetch(spans[soon].traceID, 0)
            }
            let span = unsafe spans[place]
            if span.service != serviceAtHand {
                serviceAtHand = span.service
                service = unsafe scan.withService(Int(serviceAtHand)) {
                    unsafe serviceNumber($0)
                }
            }
            let id = series(of: span, service: service, now: now)
            let cell = id &* width &+ bounds.bucket(nanoseconds: span.durationNanoseconds)
            let seconds = Double(span.durationNanoseconds) * 1e-9
            buckets[cell] &+= 1
            sums[id] += seconds
            remember(SpanExemplar(span, seconds: seconds, now: now), cell: cell)
        }
        return end
    }

    /// Spans whose names are fetched from memory while others are counted.
    private static let ahead = 12

    /// Keeps the latest exemplar of a bucket.
    @inline(__always)
    private mutating func remember(_ exemplar: SpanExemplar, cell: Int) {
        let slot = Int(exemplarSlots[cell])
        if slot != 0 {
            exemplars[slot &- 1] = exemplar
        } else {
            exemplars.append(exemplar)
            exemplarSlots[cell] = UInt32(exemplars.count)
        }
    }

    /// The id of the series that a span belongs to, made if it is new and there is room.
    @inline(__always)
    private mutating func series(
        of span: TraceScan.SpanNote, service: Int32, now: UInt64
    ) -> Int {
        let name = unsafe UnsafeBufferPointer(start: span.name, count: span.nameCount)
        let seed =
            UInt64(UInt32(bitPattern: service)) | UInt64(span.kind) << 32
            | UInt64(span.status) << 40
        let hash = unsafe ByteHash.hash(name, seed: seed)
        var place = Int(truncatingIfNeeded: hash) & (slots.count &- 1)
        while slots[place] != 0 {
            let id = Int(slots[place])
            if hashes[id] == hash, unsafe keys[id].matches(service, span.kind, span.status, name) {
                return id
            }
            place = (place &+ 1) & (slots.count &- 1)
        }
        let key = unsafe SpanSeriesKey(
            service: service, kind: span.kind, status: span.status, name: Array(name))
        return makeSeries(key, hash: hash, place: place, now: now)
    }

    @inline(never)
    private mutating func makeSeries(
        _ key: SpanSeriesKey, hash: UInt64, place: Int, now: UInt64
    ) -> Int {
        let bytes = bytesOfSeries + 2 * key.name.count
        guard keys.count <= limit.most, key.service != SpanSeriesKey.noRoomForService,
            nameBytes + key.name.count <= Self.mostNameBytes, memory?.tryTake(bytes) ?? true
        else {
            overflowedSpans &+= 1
            if created[0] == 0 { created[0] = now }
            return 0
        }
        paidBytes += bytes
        let id = keys.count
        slots[place] = UInt32(id)
        keys.append(key)
        nameBytes += key.name.count
        hashes.append(hash)
        created.append(now)
        sums.append(0)
        buckets.append(contentsOf: repeatElement(0, count: bounds.bucketCount))
        exemplarSlots.append(contentsOf: repeatElement(0, count: bounds.bucketCount))
        if keys.count &* 2 > slots.count { growSlots() }
        return id
    }

    /// What a series may come to take: an exemplar in every bucket, the page's copy of its labels,
    /// and a copy of all that is written to while a scrape holds it.
    private var bytesOfSeries: Int {
        400 + bounds.bucketCount * (MemoryLayout<SpanExemplar>.stride + 2 * 12)
    }

    private mutating func growSlots() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for id in 1..<hashes.count {
            var place = Int(truncatingIfNeeded: hashes[id]) & (slots.count - 1)
            while slots[place] != 0 { place = (place + 1) & (slots.count - 1) }
            slots[place] = UInt32(id)
        }
    }

    /// The number of a service by its name. There are as many as there may be series; spans of
    /// further services go to the overflow series.
    private mutating func serviceNumber(_ name: UnsafeBufferPointer<UInt8>) -> Int32 {
        // Two names with one 64-bit hash are next to impossible, and must still not become one.
        for seed in 0..<4 {
            let hash = unsafe ByteHash.hash(name, seed: UInt64(seed))
            guard let number = serviceNumbers[hash] else {
                guard services.count < limit.most, nameBytes + name.count <= Self.mostNameBytes
                else {
                    break
                }
                nameBytes += name.count
                unsafe services.append(Array(name))
                serviceNumbers[hash] = Int32(services.count - 1)
                return Int32(services.count - 1)
            }
            if unsafe services[Int(number)].elementsEqual(name) { return number }
        }
        return SpanSeriesKey.noRoomForService
    }
}

/// What makes a series of span metrics.
struct SpanSeriesKey: Sendable, Equatable {
    /// A number in the table's `services`, or one of the two below.
    let service: Int32
    let kind: UInt8
    let status: UInt8
    let name: [UInt8]

    /// Stands for the one series that everything beyond the limit shares.
    static let overflow = SpanSeriesKey(service: -1, kind: 0, status: 0, name: [])
    static let noRoomForService: Int32 = -2

    @inline(__always)
    func matches(
        _ service: Int32, _ kind: UInt8, _ status: UInt8, _ name: UnsafeBufferPointer<UInt8>
    ) -> Bool {
        guard self.service == service, self.kind == kind, self.status == status,
            self.name.count == name.count
        else { return false }
        return unsafe self.name.withUnsafeBufferPointer { own in
            unsafe name.count == 0
                || memoryIsEqual(own.baseAddress!, name.baseAddress!, count: name.count)
        }
    }
}

/// One span that stands for others in its bucket.
struct SpanExemplar: Sendable {
    /// Big-endian, as `ExemplarValue` has them.
    let traceIDHigh: UInt64
    let traceIDLow: UInt64
    let spanID: UInt64
    let seconds: Double
    let unixNano: UInt64

    @inline(__always)
    init(_ span: TraceScan.SpanNote, seconds: Double, now: UInt64) {
        let trace = unsafe UnsafeRawPointer(span.traceID)
        traceIDHigh = unsafe UInt64(bigEndian: trace.loadUnaligned(as: UInt64.self))
        traceIDLow = unsafe UInt64(
            bigEndian: trace.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        spanID = unsafe UInt64(
            bigEndian: UnsafeRawPointer(span.spanID).loadUnaligned(as: UInt64.self))
        self.seconds = seconds
        unixNano = span.endTimeUnixNano == 0 ? now : span.endTimeUnixNano
    }
}
