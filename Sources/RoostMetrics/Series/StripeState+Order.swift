/// Where a point stands in its stream.
extension StripeState {
    /// Marks that the stream has no value now, unless the word comes late.
    mutating func hide(_ id: UInt32, _ at: PointTime) {
        if at.time != 0, at.time < streams[id].time { return }
        streams[id].isHidden = true
        streams[id].isAsleep = false
        streams[id].heardAt = at.heardAt
        if at.time != 0 { streams[id].time = at.time }
    }

    /// Whether a cumulative point or a gauge comes too late to count: it is older than the last
    /// one, or of a process that another has replaced. So a value never flaps when one stream
    /// comes over several connections. `fell` says that its total is lower than the last.
    func isLate(_ id: UInt32, _ at: PointTime, fell: Bool) -> Bool {
        let stream = streams[id]
        if at.time != 0, at.time < stream.time { return true }
        guard stream.kind.isAdditive, at.start != 0, stream.start != 0 else {
            return fell && at.time != 0 && at.time == stream.time
        }
        if at.start < stream.start { return true }
        return fell && at.start == stream.start && at.time != 0 && at.time == stream.time
    }

    /// Whether a cumulative point begins a new count: its total fell, or it says that it started
    /// after the last point. Metrics data model, "Cumulative streams: resets".
    func isReset(_ id: UInt32, _ at: PointTime, fell: Bool) -> Bool {
        let stream = streams[id]
        guard stream.kind.isMonotonic else { return false }
        return fell
            || (at.start != 0 && stream.start != 0 && at.start > stream.start
                && at.start >= stream.time)
    }

    /// Notes that a point has been taken.
    mutating func note(_ id: UInt32, _ at: PointTime) {
        if at.start != 0 { streams[id].start = at.start }
        if at.time != 0 { streams[id].time = at.time }
        streams[id].heardAt = at.heardAt
        streams[id].isHidden = false
        streams[id].isAsleep = false
    }

    /// Whether what a stream counted before a reset must stay in the total of its series: it does
    /// when others count there too. Alone, the series follows the application.
    func keepsTotal(_ series: UInt32) -> Bool {
        self.series.isShared(series) || settled[series] != nil
    }

    /// Finds the place of a delta in its stream; answers whether it counts.
    ///
    /// A late one counts when it lies in a stretch of time that none has covered: deltas of one
    /// stream may overtake each other on several connections. One that lies in a covered stretch
    /// is a repeat. One that reaches past the last end counts, whatever it overlaps, so that a
    /// total is never too low because two processes are called the same.
    mutating func placeDelta(_ id: UInt32, _ at: PointTime, _ counts: inout SeriesCounts) -> Bool {
        let stream = streams[id]
        streams[id].heardAt = at.heardAt
        streams[id].isHidden = false
        guard at.time != 0 else { return true }
        guard stream.time != 0 else {
            streams[id].start = at.start
            streams[id].time = at.time
            return true
        }
        if at.time <= stream.time { return placeLateDelta(id, at, &counts) }
        streams[id].time = at.time
        if at.start > stream.time {
            counts.add(.gap)
            gaps[id, default: DeltaGaps()].add(stream.time, at.start)
        } else if at.start != 0, at.start < stream.time {
            counts.add(.overlap)
        }
        return true
    }

    private mutating func placeLateDelta(
        _ id: UInt32, _ at: PointTime, _ counts: inout SeriesCounts
    ) -> Bool {
        let first = streams[id].start
        if at.start != 0, first != 0, at.time <= first {
            if at.time < first { gaps[id, default: DeltaGaps()].add(at.time, first) }
            streams[id].start = at.start
            return true
        }
        if at.start != 0, gaps[id]?.cover(at.start, at.time) == true { return true }
        counts.add(.outOfOrder)
        return false
    }
}
