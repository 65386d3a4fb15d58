/// Why a value is what it is: one measurement of many, with the span it was made in.
struct Exemplar: Sendable, Equatable {
    var value: Double
    /// Unix nanoseconds.
    var time: Int64
    var trace: TraceID
    var span: UInt64
}

/// One stream of points: an instrument with one set of attributes.
struct Stream: Sendable {
    let instrument: Instrument
    let attributes: Attributes
    fileprivate(set) var value = 0.0
    fileprivate(set) var count: UInt64 = 0
    fileprivate(set) var sum = 0.0
    fileprivate(set) var least = Double.infinity
    fileprivate(set) var greatest = -Double.infinity
    /// One more than the bounds; empty for what is no explicit histogram.
    fileprivate(set) var buckets: [UInt64] = []
    fileprivate(set) var exponential = ExponentialCounts()
    /// The latest of each bucket since the last collection; of a counter, under 0.
    fileprivate(set) var exemplars: [Int: Exemplar] = [:]
    fileprivate var isTouched = false

    fileprivate init(_ instrument: Instrument, _ attributes: Attributes) {
        self.instrument = instrument
        self.attributes = attributes
        if case .histogram(let bounds, _) = instrument.kind {
            buckets = Array(repeating: 0, count: bounds.count + 1)
        }
    }

    fileprivate mutating func record(_ measurement: Double, _ exemplar: Exemplar?) {
        isTouched = true
        var slot = 0
        switch instrument.kind {
        case .counter, .upDownCounter: value += measurement
        case .gauge, .observedSum: value = measurement
        case .histogram(let bounds, _):
            slot = bounds.firstIndex { measurement <= $0 } ?? bounds.count
            buckets[slot] += 1
            summarise(measurement)
        case .exponentialHistogram:
            exponential.add(measurement)
            summarise(measurement)
            slot = Int(measurement)
        }
        if let exemplar { exemplars[slot] = exemplar }
    }

    private mutating func summarise(_ measurement: Double) {
        count += 1
        sum += measurement
        least = min(least, measurement)
        greatest = max(greatest, measurement)
    }
}

/// The metrics of one process, kept and collected as an SDK does.
struct Meter: Sendable {
    private struct Identity: Hashable {
        var instrument: Instrument
        var attributes: Attributes
    }

    private var streams: [Stream] = []
    private var indices: [Identity: Int] = [:]
    /// When the process began: the start of every cumulative stream. Unix nanoseconds.
    let start: Int64
    private var lastCollection: Int64

    init(start: Int64) {
        self.start = start
        lastCollection = start
    }

    mutating func record(_ placed: Placed<Measurement>) {
        let measurement = placed.element
        let exemplar =
            measurement.span == 0
            ? nil
            : Exemplar(
                value: measurement.value, time: placed.base + measurement.time,
                trace: placed.trace, span: measurement.span)
        record(measurement.instrument, measurement.value, measurement.attributes, exemplar)
    }

    mutating func record(
        _ instrument: Instrument, _ value: Double, _ attributes: Attributes,
        _ exemplar: Exemplar? = nil
    ) {
        let identity = Identity(instrument: instrument, attributes: attributes)
        let index = indices[identity] ?? streams.count
        if index == streams.count {
            streams.append(Stream(instrument, attributes))
            indices[identity] = index
        }
        streams[index].record(value, exemplar)
    }

    /// What an export at `time` sends: every cumulative stream, and the delta streams that were
    /// written to. Afterwards exemplars are gone and deltas begin at zero.
    mutating func collect(at time: Int64) -> Collection {
        let collection = Collection(
            cumulativeStart: start, deltaStart: lastCollection, time: time,
            streams: streams.filter { !$0.instrument.isDelta || $0.isTouched })
        lastCollection = time
        for index in streams.indices {
            streams[index].exemplars.removeAll()
            streams[index].isTouched = false
            if streams[index].instrument.isDelta {
                streams[index] = Stream(streams[index].instrument, streams[index].attributes)
            }
        }
        return collection
    }

    /// The streams of one process at one time, all times in Unix nanoseconds.
    struct Collection: Sendable {
        var cumulativeStart: Int64
        var deltaStart: Int64
        var time: Int64
        var streams: [Stream]
    }
}

extension Instrument {
    var isDelta: Bool {
        switch kind {
        case .counter(let delta), .histogram(_, let delta): delta
        default: false
        }
    }
}
