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
        var value = 0.0
        var histogram: HistogramState?
        var exponential: ExponentialState?
        /// What streams that may be among the forgotten had counted when they came: it is in the
        /// total already. That of a number is taken off `value` at once.
        var histogramBase: HistogramState?
        var exponentialBase: ExponentialState?
        var start: UInt64 = 0
        var forgotten = Forgotten()

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

    /// Finds a place for a stream not met before. `text` is nil when its labels are too many.
    mutating func admit(
        _ identity: Fingerprint, kind: StreamKind, start: UInt64, text: [UInt8]?, room: SeriesRoom
    ) -> Admission {
        if let known = streams.find(identity) { return .stream(known, isReturning: false) }
        if let text, let place = series.find(text) {
            guard room.reserve(Self.streamBytes, &reservedBytes) else { return .refused(.memory) }
            let id = streams.insert(Stream(identity: identity, series: place, kind: kind))
            series.join(id, to: place)
            return admitted(id, start)
        }
        guard let text, room.takeSeries() else {
            return admitToOverflow(identity, kind, start, room)
        }
        guard room.reserve(Self.streamBytes + Self.seriesBytes + text.count, &reservedBytes) else {
            room.giveSeriesBack()
            return admitToOverflow(identity, kind, start, room)
        }
        guard let place = series.insert(text, stream: streams.nextID) else {
            room.giveSeriesBack()
            return admitToOverflow(identity, kind, start, room)
        }
        let id = streams.insert(Stream(identity: identity, series: place, kind: kind))
        return .stream(id, isReturning: false)
    }

    /// A cumulative stream tells totals, so its last one must be known to tell the increase.
    private mutating func admitToOverflow(
        _ identity: Fingerprint, _ kind: StreamKind, _ start: UInt64, _ room: SeriesRoom
    ) -> Admission {
        if kind.isDelta || !kind.isAdditive { return .overflow }
        guard overflow.streams - overflow.asleep < room.overflowStreams else {
            return .refused(.seriesCap)
        }
        guard room.reserve(Self.streamBytes, &reservedBytes) else { return .refused(.memory) }
        overflow.isUsed = true
        overflow.streams += 1
        let id = streams.insert(
            Stream(identity: identity, series: Stream.overflow, kind: kind))
        return admitted(id, start)
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
