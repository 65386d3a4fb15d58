/// The streams and series of a family in one stripe: everything that its lock guards.
///
/// A point first asks for its stream (`find`), which is known nearly always; else the caller makes
/// the label text, without the lock, and asks for a new one (`admit`).
struct StripeState {
    var streams = StreamTable()
    var series = SeriesTable()
    var histograms = Pool<HistogramState>()
    var exponentials = Pool<ExponentialState>()
    var summaries = Pool<SummaryState>()
    /// The latest exemplar of a counter.
    var exemplars = Pool<ExemplarValue>()
    /// By stream; few have any.
    var gaps: [UInt32: DeltaGaps] = [:]
    /// What ended streams counted, for series that go on.
    var settled: [UInt32: Settled] = [:]
    var overflow = Overflow()
    /// Bytes taken from the budget.
    var reservedBytes = 0

    /// What a series keeps of streams that are no longer told apart.
    struct Settled {
        var value = CompensatedSum()
        /// Their `sum` is rounded at each step; what shows is `histogramSum` and `exponentialSum`.
        var histogram: HistogramState?
        var exponential: ExponentialState?
        var histogramSum = CompensatedSum()
        var exponentialSum = CompensatedSum()
        /// What streams that may be among the forgotten had counted when they came: it is in the
        /// total already. Numbers, and the sums of these, are taken off the total at once.
        var histogramBase: HistogramState?
        var exponentialBase: ExponentialState?
        var start: UInt64 = 0
        var forgotten = Forgotten()

        /// Bytes on the heap, with its part of the table.
        var heapBytes: Int {
            var bytes = 2 * MemoryLayout<Self>.stride
            for part in [histogram, histogramBase] { bytes += part?.heapBytes ?? 0 }
            for part in [exponential, exponentialBase] { bytes += part?.heapBytes ?? 0 }
            return bytes
        }

        /// Takes what `other` shows.
        mutating func add(_ other: Settled) {
            value.add(other.value)
            histogramSum.add(other.histogramSum)
            exponentialSum.add(other.exponentialSum)
            if let more = other.histogram.map(other.withoutBase) {
                histogram?.add(more)
                if histogram == nil { histogram = more }
            }
            if let more = other.exponential.map(other.withoutBase) {
                exponential?.add(more)
                if exponential == nil { exponential = more }
            }
        }

        /// `joined` without what it has twice.
        func withoutBase(_ joined: HistogramState) -> HistogramState {
            histogramBase.map(joined.increase) ?? joined
        }

        func withoutBase(_ joined: ExponentialState) -> ExponentialState {
            exponentialBase.map(joined.increase) ?? joined
        }
    }

    /// The part of the family's overflow series that lies here.
    struct Overflow {
        var isUsed = false
        /// What adds up: counters, histograms, and sums that may fall.
        var settled = Settled()
        /// What does not: the latest shows.
        var gauge: Double?
        var summary = SummaryState()
        /// Unix nanoseconds of the latest.
        var time: UInt64 = 0
        var heardAt: UInt32 = 0
        var exemplar: ExemplarValue?
        /// Streams that are remembered only so that their increases can be told.
        var streams = 0
        /// Of them those that slept when this was last looked at; they take nobody's place.
        var asleep = 0

        /// Bytes on the heap.
        var heapBytes: Int {
            isUsed ? settled.heapBytes + summary.heapBytes + (exemplar?.heapBytes ?? 0) : 0
        }
    }

    /// A stream not met before.
    struct Newcomer {
        var identity: Fingerprint
        var kind: StreamKind
        /// Unix nanoseconds, 0 for unknown.
        var start: UInt64
        /// What its first point will take on the heap.
        var payloadBytes = 0
    }

    /// What becomes of a new stream.
    enum Admission {
        /// `isReturning` says that its total may be in that of its series already: `takeBase` is to
        /// follow the first point.
        case stream(UInt32, isReturning: Bool)
        /// There is room in the overflow only, and this stream needs no memory there.
        case overflow
        case refused(UnexposedReason)
    }

    @inline(__always)
    func find(_ identity: Fingerprint) -> UInt32? { streams.find(identity) }

    /// Finds a place for a stream. `text` is nil when its labels are too many.
    mutating func admit(_ newcomer: Newcomer, text: [UInt8]?, room: SeriesRoom) -> Admission {
        if let known = streams.find(newcomer.identity) {
            return .stream(known, isReturning: false)
        }
        let bytes = Self.streamBytes + newcomer.payloadBytes
        if let text, let place = series.find(text) {
            guard room.reserve(bytes, &reservedBytes) else { return .refused(.memory) }
            let id = insert(newcomer, place)
            series.join(id, to: place)
            return admitted(id, newcomer.start)
        }
        guard let text, room.takeSeries() else { return admitToOverflow(newcomer, room) }
        guard room.reserve(bytes + Self.seriesBytes + text.count, &reservedBytes) else {
            room.giveSeriesBack()
            return admitToOverflow(newcomer, room)
        }
        guard let place = series.insert(text, stream: streams.nextID) else {
            room.giveSeriesBack()
            return admitToOverflow(newcomer, room)
        }
        return .stream(insert(newcomer, place), isReturning: false)
    }

    /// A cumulative stream tells totals, so its last one must be known to tell the increase.
    private mutating func admitToOverflow(_ newcomer: Newcomer, _ room: SeriesRoom) -> Admission {
        let growth = max(newcomer.payloadBytes - overflow.heapBytes, 0)
        if newcomer.kind.isDelta || !newcomer.kind.isAdditive {
            guard growth == 0 || room.reserve(growth, &reservedBytes) else {
                return .refused(.memory)
            }
            return .overflow
        }
        guard overflow.streams - overflow.asleep < room.overflowStreams else {
            return .refused(.seriesCap)
        }
        let bytes = Self.streamBytes + newcomer.payloadBytes + growth
        guard room.reserve(bytes, &reservedBytes) else { return .refused(.memory) }
        overflow.isUsed = true
        overflow.streams += 1
        let id = insert(newcomer, Stream.overflow)
        return admitted(id, newcomer.start)
    }

    private mutating func insert(_ newcomer: Newcomer, _ series: UInt32) -> UInt32 {
        streams.insert(Stream(identity: newcomer.identity, series: series, kind: newcomer.kind))
    }

    private func admitted(_ id: UInt32, _ start: UInt64) -> Admission {
        let stream = streams[id]
        let forgotten =
            stream.series == Stream.overflow
            ? overflow.settled.forgotten : settled[stream.series]?.forgotten
        let mayBeForgotten = forgotten?.mayHold(start: start) ?? false
        return .stream(id, isReturning: stream.kind.tellsTotal && mayBeForgotten)
    }

    // Averages of what a stream and a series take, with their part of the indexes.
    static let streamBytes = 72
    static let seriesBytes = 24
}

/// Values of any size under dense numbers that stay while they are used.
struct Pool<Value: Sendable>: Sendable {
    private var values: [Value] = []
    private var free: [UInt32] = []

    @inline(__always)
    subscript(id: UInt32) -> Value {
        get { values[Int(id)] }
        _modify { yield &values[Int(id)] }
    }

    mutating func insert(_ value: Value) -> UInt32 {
        if let id = free.popLast() {
            values[Int(id)] = value
            return id
        }
        makeRoomGently(&values)
        values.append(value)
        return UInt32(truncatingIfNeeded: values.count - 1)
    }

    /// `empty` takes the place of the value, so that its memory is freed.
    mutating func remove(_ id: UInt32, leaving empty: Value) {
        values[Int(id)] = empty
        free.append(id)
    }

    var heapBytes: Int { values.capacity * MemoryLayout<Value>.stride + free.capacity * 4 }
}
