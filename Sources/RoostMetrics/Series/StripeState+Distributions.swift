/// Histograms, exponential histograms and summaries.
extension StripeState {
    /// Takes a point of a known stream.
    mutating func take(
        histogram point: HistogramState, _ at: PointTime, into id: UInt32, room: SeriesRoom,
        _ counts: inout SeriesCounts
    ) {
        if at.hasNoValue { return hide(id, at) }
        let stream = streams[id]
        guard stream.payload != Stream.none else {
            note(id, at)
            streams[id].payload = histograms.insert(point.copy)
            if stream.series == Stream.overflow { addToOverflow(point, at, &counts) }
            return
        }
        let growth = histograms[stream.payload].growth(taking: point)
        guard growth <= 0 || room.reserve(growth, &reservedBytes) else {
            return counts.add(.memory)
        }
        if histograms[stream.payload].bounds != point.bounds { counts.add(.boundsChange) }
        if stream.kind.isDelta {
            guard placeDelta(id, at, &counts) else { return }
            return histograms[stream.payload].add(point)
        }
        let fell = point.count < histograms[stream.payload].count
        if isLate(id, at, fell: fell) { return counts.add(.outOfOrder) }
        let reset = isReset(id, at, fell: fell)
        if reset { counts.add(.reset) }
        if stream.series == Stream.overflow {
            addToOverflow(
                reset ? point : point.increase(since: histograms[stream.payload]), at, &counts)
        } else if reset, keepsTotal(stream.series) {
            keepTotal(of: stream)
        }
        histograms[stream.payload].replace(with: point)
        note(id, at)
    }

    /// Takes a point of a known stream.
    mutating func take(
        exponential point: ExponentialState, _ at: PointTime, into id: UInt32, room: SeriesRoom,
        _ counts: inout SeriesCounts
    ) {
        if at.hasNoValue { return hide(id, at) }
        let stream = streams[id]
        guard stream.payload != Stream.none else {
            note(id, at)
            streams[id].payload = exponentials.insert(point.copy)
            if stream.series == Stream.overflow { addToOverflow(point, at, &counts) }
            return
        }
        let growth =
            stream.kind.isDelta
            ? exponentials[stream.payload].growth(adding: point)
            : exponentials[stream.payload].growth(becoming: point)
        guard growth <= 0 || room.reserve(growth, &reservedBytes) else {
            return counts.add(.memory)
        }
        if stream.kind.isDelta {
            guard placeDelta(id, at, &counts) else { return }
            return exponentials[stream.payload].add(point)
        }
        let fell = point.count < exponentials[stream.payload].count
        if isLate(id, at, fell: fell) { return counts.add(.outOfOrder) }
        let reset = isReset(id, at, fell: fell)
        if reset { counts.add(.reset) }
        if stream.series == Stream.overflow {
            addToOverflow(
                reset ? point : point.increase(since: exponentials[stream.payload]), at, &counts)
        } else if reset, keepsTotal(stream.series) {
            keepTotal(of: stream)
        }
        exponentials[stream.payload].replace(with: point)
        note(id, at)
    }

    /// Takes a point of a known stream.
    mutating func take(
        summary point: SummaryState, _ at: PointTime, into id: UInt32, room: SeriesRoom,
        _ counts: inout SeriesCounts
    ) {
        if at.hasNoValue { return hide(id, at) }
        let stream = streams[id]
        guard stream.payload != Stream.none else {
            note(id, at)
            streams[id].payload = summaries.insert(point.copy)
            return
        }
        let growth = summaries[stream.payload].growth(taking: point)
        guard growth <= 0 || room.reserve(growth, &reservedBytes) else {
            return counts.add(.memory)
        }
        if at.time != 0, at.time < stream.time { return counts.add(.outOfOrder) }
        summaries[stream.payload].replace(with: point)
        note(id, at)
    }

    // MARK: overflow

    /// Takes a point for which only the overflow has room.
    mutating func overflow(histogram point: HistogramState, _ at: PointTime) {
        if at.hasNoValue { return }
        touchOverflow(at)
        overflow.settled.histogram = sum(overflow.settled.histogram, point)
        overflow.settled.histogramSum.add(point.sum)
    }

    /// Takes a point for which only the overflow has room.
    mutating func overflow(exponential point: ExponentialState, _ at: PointTime) {
        if at.hasNoValue { return }
        touchOverflow(at)
        overflow.settled.exponential = sum(overflow.settled.exponential, point)
        overflow.settled.exponentialSum.add(point.sum)
    }

    /// Takes a point for which only the overflow has room: the last one shows.
    mutating func overflow(summary point: SummaryState, _ at: PointTime) {
        if at.hasNoValue || at.time < overflow.time { return }
        touchOverflow(at)
        overflow.summary.replace(with: point)
    }

    private mutating func addToOverflow(
        _ point: HistogramState, _ at: PointTime, _ counts: inout SeriesCounts
    ) {
        counts.add(.overflow)
        overflow(histogram: point, at)
    }

    private mutating func addToOverflow(
        _ point: ExponentialState, _ at: PointTime, _ counts: inout SeriesCounts
    ) {
        counts.add(.overflow)
        overflow(exponential: point, at)
    }

    private mutating func touchOverflow(_ at: PointTime) {
        overflow.isUsed = true
        overflow.heardAt = at.heardAt
        overflow.time = max(overflow.time, at.time)
    }

    // MARK: settling

    /// Keeps what a stream counted in the total of its series.
    mutating func settle(_ histogram: HistogramState, in series: UInt32) {
        let before = settled[series]?.histogram
        settled[series, default: Settled()].histogram = sum(before, histogram)
        settled[series, default: Settled()].histogramSum.add(histogram.sum)
    }

    /// Keeps what a stream counted in the total of its series.
    mutating func settle(_ exponential: ExponentialState, in series: UInt32) {
        let before = settled[series]?.exponential
        settled[series, default: Settled()].exponential = sum(before, exponential)
        settled[series, default: Settled()].exponentialSum.add(exponential.sum)
    }

    func sum(_ left: HistogramState?, _ right: HistogramState) -> HistogramState {
        guard var result = left else { return right.copy }
        result.add(right)
        return result
    }

    func sum(_ left: ExponentialState?, _ right: ExponentialState) -> ExponentialState {
        guard var result = left else { return right.copy }
        result.add(right)
        return result
    }
}
