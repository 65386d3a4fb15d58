import RoostWire

/// An `ExportMetricsServiceRequest` with one collection of one process.
func encodeMetrics(_ collection: Meter.Collection, of process: FleetProcess) -> EncodedRequest {
    var writer = MessageWriter()
    writer.message(1) { resourceMetrics in
        resourceMetrics.resource(1, process)
        for scope in Scope.allCases {
            let instruments = Instrument.allCases.filter { instrument in
                instrument.scope == scope
                    && collection.streams.contains { $0.instrument == instrument }
            }
            if instruments.isEmpty { continue }
            resourceMetrics.message(2) { scopeMetrics in
                scopeMetrics.scope(1, scope)
                for instrument in instruments {
                    scopeMetrics.message(2) { $0.metric(instrument, collection) }
                }
                scopeMetrics.string(3, schemaURL)
            }
        }
        resourceMetrics.string(3, schemaURL)
    }
    return EncodedRequest(
        signal: .metrics, items: collection.streams.count, bytes: writer.bytes)
}

private enum Temporality {
    static let delta: UInt64 = 1
    static let cumulative: UInt64 = 2

    static func of(_ instrument: Instrument) -> UInt64 {
        instrument.isDelta ? delta : cumulative
    }
}

extension MessageWriter {
    fileprivate mutating func metric(_ instrument: Instrument, _ collection: Meter.Collection) {
        let streams = collection.streams.filter { $0.instrument == instrument }
        let start = instrument.isDelta ? collection.deltaStart : collection.cumulativeStart
        let time = collection.time
        string(1, instrument.name)
        string(2, instrument.description)
        string(3, instrument.unit)
        switch instrument.kind {
        case .gauge:
            message(5) { gauge in
                for stream in streams {
                    gauge.message(1) { $0.numberPoint(stream, start: nil, time: time) }
                }
            }
        case .counter, .upDownCounter, .observedSum:
            message(7) { sum in
                for stream in streams {
                    sum.message(1) { $0.numberPoint(stream, start: start, time: time) }
                }
                sum.varint(2, Temporality.of(instrument))
                sum.varint(3, instrument.isMonotonic ? 1 : 0)
            }
        case .histogram(let bounds, _):
            message(9) { histogram in
                for stream in streams {
                    histogram.message(1) { $0.histogramPoint(stream, bounds, start, time) }
                }
                histogram.varint(2, Temporality.of(instrument))
            }
        case .exponentialHistogram:
            message(10) { histogram in
                for stream in streams {
                    histogram.message(1) { $0.exponentialPoint(stream, start, time) }
                }
                histogram.varint(2, Temporality.of(instrument))
            }
        }
    }

    private mutating func numberPoint(_ stream: Stream, start: Int64?, time now: Int64) {
        attributes(7, stream.attributes)
        if let start { time(2, start) }
        time(3, now)
        if stream.instrument.isInteger {
            fixed64(6, UInt64(bitPattern: Int64(stream.value)))
        } else {
            double(4, stream.value)
        }
        if stream.instrument.isMonotonic { exemplars(5, stream) }
    }

    private mutating func histogramPoint(
        _ stream: Stream, _ bounds: [Double], _ start: Int64, _ now: Int64
    ) {
        attributes(9, stream.attributes)
        time(2, start)
        time(3, now)
        fixed64(4, stream.count)
        double(5, stream.sum)
        packedFixed64(6, stream.buckets)
        packedDouble(7, bounds)
        exemplars(8, stream)
        double(11, stream.least)
        double(12, stream.greatest)
    }

    private mutating func exponentialPoint(_ stream: Stream, _ start: Int64, _ now: Int64) {
        let counts = stream.exponential
        attributes(1, stream.attributes)
        time(2, start)
        time(3, now)
        fixed64(4, stream.count)
        double(5, stream.sum)
        zigzag(6, Int64(counts.scale))
        fixed64(7, counts.zeroCount)
        message(8) { buckets in
            buckets.zigzag(1, Int64(counts.offset))
            buckets.packedVarint(2, counts.counts)
        }
        exemplars(11, stream)
        double(12, stream.least)
        double(13, stream.greatest)
    }

    private mutating func exemplars(_ field: Int, _ stream: Stream) {
        for (_, exemplar) in stream.exemplars.sorted(by: { $0.key < $1.key }) {
            message(field) { writer in
                writer.time(2, exemplar.time)
                writer.double(3, exemplar.value)
                writer.bigEndian(4, exemplar.span)
                writer.bigEndian(5, exemplar.trace.high, exemplar.trace.low)
            }
        }
    }
}

extension Instrument {
    fileprivate var isMonotonic: Bool {
        switch kind {
        case .counter: true
        case .observedSum(let monotonic): monotonic
        default: false
        }
    }
}
