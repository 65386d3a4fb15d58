/// What a page shows of a stripe.
extension StripeState {
    /// The stream that decides how a series shows; nil when it does not: its slot is free, or none
    /// of its streams has a value.
    func shown(_ series: UInt32) -> UInt32? {
        let first = self.series.all[Int(series)].first
        if first == Stream.none { return nil }
        guard !self.series.others.isEmpty, let others = self.series.others[series] else {
            return streams[first].isHidden ? nil : first
        }
        var best: UInt32? = streams[first].speaks ? first : nil
        for id in others where streams[id].speaks {
            guard let current = best else {
                best = id
                continue
            }
            if streams[id].time > streams[current].time { best = id }
        }
        return best
    }

    /// Writes a series; `shown` is its stream as the function of that name tells it.
    @inline(__always)
    func write(_ shown: UInt32, _ index: Int, into writer: inout ExpositionWriter) {
        let entry = series.all[index]
        let stream = streams[shown]
        let isSingle = settled.isEmpty && series.others.isEmpty
        series.withText(entry) { labels in
            switch stream.kind {
            case .cumulativeCounter, .deltaCounter:
                let (value, start) =
                    isSingle ? (stream.value, stream.start) : total(UInt32(index), stream)
                writer.counter(
                    labels: labels, value: value, createdUnixNano: start,
                    exemplar: stream.payload == Stream.none ? nil : exemplars[stream.payload])
            case .gauge: writer.gauge(labels: labels, value: stream.value)
            case .upDown:
                writer.gauge(
                    labels: labels, value: isSingle ? stream.value : total(UInt32(index), stream).0)
            default: writeDistribution(stream, UInt32(index), labels, &writer)
            }
        }
    }

    private func writeDistribution(
        _ stream: Stream, _ series: UInt32, _ labels: Span<UInt8>,
        _ writer: inout ExpositionWriter
    ) {
        guard stream.payload != Stream.none else { return }
        switch stream.kind {
        case .cumulativeHistogram, .deltaHistogram:
            guard isJoined(series) else {
                return histograms[stream.payload].write(
                    labels, created: stream.start, into: &writer)
            }
            joinedHistogram(series, stream).write(
                labels, created: total(series, stream).1, into: &writer)
        case .cumulativeExponential, .deltaExponential:
            guard isJoined(series) else {
                return exponentials[stream.payload].write(
                    labels, created: stream.start, into: &writer)
            }
            joinedExponential(series, stream).write(
                labels, created: total(series, stream).1, into: &writer)
        default:
            summaries[stream.payload].write(labels, created: stream.start, into: &writer)
        }
    }

    // MARK: several streams in one series

    private func isJoined(_ series: UInt32) -> Bool {
        self.series.isShared(series) || settled[series] != nil
    }

    private func members(_ series: UInt32) -> [UInt32] {
        [self.series.all[Int(series)].first] + (self.series.others[series] ?? [])
    }

    /// The sum over the streams of a series of numbers, and when the first of them began.
    private func total(_ series: UInt32, _ stream: Stream) -> (Double, UInt64) {
        guard isJoined(series) else { return (stream.value, stream.start) }
        var value = settled[series]?.value ?? CompensatedSum()
        var start = settled[series]?.start ?? 0
        for id in members(series) where streams[id].kind.isAdditive {
            value.add(streams[id].value)
            start = earlierStart(start, streams[id].start)
        }
        return (value.rounded, start)
    }

    private func joinedHistogram(_ series: UInt32, _ stream: Stream) -> HistogramState {
        let settled = settled[series]
        // The bounds of the stream that spoke last win, so it comes last.
        var result = settled?.histogram ?? HistogramState()
        var sum = settled?.histogramSum ?? CompensatedSum()
        for id in members(series) where streams[id].isHistogram {
            let payload = streams[id].payload
            sum.add(histograms[payload].sum)
            if payload != stream.payload { result.add(histograms[payload]) }
        }
        result.add(histograms[stream.payload])
        result = settled?.withoutBase(result) ?? result
        result.sum = sum.rounded
        return result
    }

    private func joinedExponential(_ series: UInt32, _ stream: Stream) -> ExponentialState {
        let settled = settled[series]
        var result = exponentials[stream.payload]
        var sum = settled?.exponentialSum ?? CompensatedSum()
        if let exponential = settled?.exponential { result.add(exponential) }
        for id in members(series) where streams[id].isExponential {
            let payload = streams[id].payload
            sum.add(exponentials[payload].sum)
            if payload != stream.payload { result.add(exponentials[payload]) }
        }
        result = settled?.withoutBase(result) ?? result
        result.sum = sum.rounded
        return result
    }
}

extension Stream {
    fileprivate var speaks: Bool { !isHidden && !isAsleep }
    fileprivate var isHistogram: Bool {
        payload != Stream.none && (kind == .cumulativeHistogram || kind == .deltaHistogram)
    }
    fileprivate var isExponential: Bool {
        payload != Stream.none && (kind == .cumulativeExponential || kind == .deltaExponential)
    }
}

extension HistogramState {
    func write(_ labels: Span<UInt8>, created: UInt64, into writer: inout ExpositionWriter) {
        writer.histogram(
            labels: labels, bounds: bounds.span, bucketCounts: counts.span,
            sum: hasSum ? sum : nil, count: count, createdUnixNano: created,
            exemplars: exemplars.values)
    }
}

extension ExponentialState {
    func write(_ labels: Span<UInt8>, created: UInt64, into writer: inout ExpositionWriter) {
        writer.exponentialHistogram(
            labels: labels, scale: scale, zeroCount: zeroCount, zeroThreshold: zeroThreshold,
            positiveOffset: positive.offset, positiveCounts: positive.counts.span,
            negativeOffset: negative.offset, negativeCounts: negative.counts.span,
            sum: hasSum ? sum : nil, createdUnixNano: created, exemplars: exemplars.values)
    }
}

extension SummaryState {
    func write(_ labels: Span<UInt8>, created: UInt64, into writer: inout ExpositionWriter) {
        writer.summary(
            labels: labels, quantiles: quantiles.span, values: values.span, sum: sum,
            count: count, createdUnixNano: created)
    }
}
