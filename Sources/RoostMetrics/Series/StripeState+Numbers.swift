/// Counters and gauges.
extension StripeState {
    /// Takes a point of a known stream; a counter's `value` is finite and not negative.
    @inline(__always)
    mutating func take(
        number value: Double, _ at: PointTime, exemplar: ExemplarValue?, into id: UInt32,
        _ counts: inout SeriesCounts
    ) {
        if at.hasNoValue { return hide(id, at) }
        if streams[id].kind == .deltaCounter {
            guard placeDelta(id, at, &counts) else { return }
            streams[id].value += value
        } else {
            guard takeTotal(value, at, into: id, &counts) else { return }
        }
        if let exemplar { keep(exemplar, id) }
    }

    /// Takes a point for which only the overflow has room.
    mutating func overflow(
        number value: Double, _ at: PointTime, kind: StreamKind, exemplar: ExemplarValue?
    ) {
        if at.hasNoValue { return }
        overflow.heardAt = at.heardAt
        overflow.isUsed = true
        if kind == .gauge {
            guard at.time >= overflow.time else { return }
            overflow.gauge = value
        } else {
            overflow.settled.value.add(value)
        }
        overflow.time = max(overflow.time, at.time)
        if let exemplar { overflow.exemplar = exemplar }
    }

    @inline(__always)
    private mutating func takeTotal(
        _ value: Double, _ at: PointTime, into id: UInt32, _ counts: inout SeriesCounts
    ) -> Bool {
        let stream = streams[id]
        let fell = stream.kind.isMonotonic && value < stream.value
        if isLate(id, at, fell: fell) {
            counts.add(.outOfOrder)
            return false
        }
        let reset = isReset(id, at, fell: fell)
        if reset { counts.add(.reset) }
        if stream.series == Stream.overflow {
            if !reset { overflow.settled.value.subtract(stream.value) }
            overflow.settled.value.add(value)
            overflow.heardAt = at.heardAt
            counts.add(.overflow)
        } else if reset, keepsTotal(stream.series) {
            keepTotal(of: stream)
        }
        streams[id].value = value
        note(id, at)
        return true
    }

    private mutating func keep(_ exemplar: ExemplarValue, _ id: UInt32) {
        let stream = streams[id]
        if stream.series == Stream.overflow {
            overflow.exemplar = exemplar
        } else if stream.payload == Stream.none {
            streams[id].payload = exemplars.insert(exemplar)
        } else if exemplars[stream.payload].unixNano <= exemplar.unixNano {
            exemplars[stream.payload] = exemplar
        }
    }
}
