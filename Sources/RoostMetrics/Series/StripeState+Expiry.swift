/// The end of streams and series.
extension StripeState {
    /// Ends what has heard nothing for more than `limit` tenths of a second; answers how many
    /// streams that were.
    ///
    /// A stream that tells totals only falls asleep while its series goes on: what it counted stays
    /// in the total, and when it comes back it must not be counted again. The overflow does not
    /// end while the family keeps it: see `Family.keepsOverflow`.
    mutating func expire(
        now: UInt32, limit: UInt32, keepsOverflow: Bool, room: SeriesRoom
    ) -> Int {
        var ended = 0
        let before = streams.count
        // Streams that share a series leave it together: one by one each would copy the others.
        var sharing: [UInt32: [UInt32]] = [:]
        for index in streams.all.indices {
            let stream = streams.all[index]
            guard !stream.isFree, isPast(stream.heardAt, now, limit) else { continue }
            let id = UInt32(truncatingIfNeeded: index)
            if !stream.isAsleep { ended += 1 }
            if stream.series == Stream.overflow || series.isShared(stream.series) {
                sharing[stream.series, default: []].append(id)
            } else {
                end(series: stream.series, room)
                forget(id)
            }
        }
        let endsOverflow = !keepsOverflow && isOverflowPast(now: now, limit: limit)
        let inOverflow = sharing.removeValue(forKey: Stream.overflow) ?? []
        var asleep = endInOverflow(inOverflow, isLast: endsOverflow)
        for (shared, ids) in sharing { asleep += end(ids, sharing: shared, room) }
        forgetOldest(of: asleep, now: now)
        if streams.count < before {
            streams.rebuild()
            series.tidy()
        }
        return ended
    }

    /// Whether the overflow has heard nothing for more than `limit` tenths of a second, nor has any
    /// stream in it.
    func isOverflowPast(now: UInt32, limit: UInt32) -> Bool {
        guard overflow.isUsed else { return true }
        return isPast(overflow.heardAt, now, limit)
            && streams.all.indices.allSatisfy { index in
                let stream = streams.all[index]
                return stream.series != Stream.overflow || isPast(stream.heardAt, now, limit)
            }
    }

    /// Brings the reservation in line with what is held.
    mutating func settleAccount(_ room: SeriesRoom) {
        if isEmpty {
            let reserved = reservedBytes
            self = StripeState()
            reservedBytes = reserved
        }
        let held = isEmpty ? 0 : heapBytes
        if held <= reservedBytes {
            room.giveBack(reservedBytes - held, &reservedBytes)
        } else if !room.reserve(held - reservedBytes, &reservedBytes) {
            // They came without asking for room.
            dropExemplars()
            room.force(heapBytes - reservedBytes, &reservedBytes)
        }
    }

    private mutating func dropExemplars() {
        for index in streams.all.indices {
            let stream = streams.all[index]
            guard !stream.isFree, stream.payload != Stream.none else { continue }
            switch stream.kind {
            case .cumulativeHistogram, .deltaHistogram:
                histograms[stream.payload].exemplars = ExemplarSet()
            case .cumulativeExponential, .deltaExponential:
                exponentials[stream.payload].exemplars = ExemplarSet()
            case .summary: break
            default: exemplars[stream.payload].extra = nil
            }
        }
    }

    var isEmpty: Bool { streams.count == 0 && !overflow.isUsed }

    /// Bytes on the heap.
    var heapBytes: Int {
        var bytes = streams.heapBytes + series.heapBytes
        bytes += histograms.heapBytes + exponentials.heapBytes + summaries.heapBytes
        bytes += exemplars.heapBytes + gaps.count * 320
        bytes += settled.values.reduce(overflow.heapBytes) { $0 + $1.heapBytes }
        for index in streams.all.indices where !streams.all[index].isFree {
            bytes += payloadBytes(of: streams.all[index])
        }
        return bytes
    }

    private func payloadBytes(of stream: Stream) -> Int {
        guard stream.payload != Stream.none else { return 0 }
        switch stream.kind {
        case .cumulativeHistogram, .deltaHistogram: return histograms[stream.payload].heapBytes
        case .cumulativeExponential, .deltaExponential:
            return exponentials[stream.payload].heapBytes
        case .summary: return summaries[stream.payload].heapBytes
        default: return exemplars[stream.payload].heapBytes
        }
    }

    /// A clock that jumped back makes nothing old.
    private func isPast(_ heardAt: UInt32, _ now: UInt32, _ limit: UInt32) -> Bool {
        let age = now &- heardAt
        return age < 1 << 31 && age > limit
    }

    /// Ends streams of one series that are silent; answers those that only fall asleep.
    private mutating func end(
        _ ids: [UInt32], sharing shared: UInt32, _ room: SeriesRoom
    ) -> [UInt32] {
        guard ids.count < series.streamCount(shared) else {
            end(series: shared, room)
            for id in ids { forget(id) }
            return []
        }
        let asleep = ids.filter { streams[$0].kind.tellsTotal }
        for id in asleep { streams[id].isAsleep = true }
        leave(ids.filter { !streams[$0].kind.tellsTotal }, shared)
        return asleep
    }

    /// Ends streams of a series that has others; what they counted stays in it.
    private mutating func leave(_ ids: [UInt32], _ shared: UInt32) {
        if ids.isEmpty { return }
        series.leave(Set(ids), from: shared)
        for id in ids {
            if streams[id].kind.isMonotonic { keepTotal(of: streams[id]) }
            forget(id)
        }
    }

    /// The same for streams in the overflow, which ends with them if they are the last.
    private mutating func endInOverflow(_ ids: [UInt32], isLast: Bool) -> [UInt32] {
        if overflow.isUsed, isLast {
            for id in ids { forget(id) }
            overflow = Overflow()
            return []
        }
        var asleep: [UInt32] = []
        for id in ids {
            if streams[id].kind.tellsTotal {
                streams[id].isAsleep = true
                asleep.append(id)
            } else {
                overflow.settled.value.subtract(streams[id].value)
                overflow.streams -= 1
                forget(id)
            }
        }
        overflow.asleep = asleep.count
        return asleep
    }

    /// Forgets those that have slept longest when they are too many, or too large, to be kept.
    private mutating func forgetOldest(of asleep: [UInt32], now: UInt32) {
        var bytes = asleep.reduce(0) { $0 + Self.streamBytes + payloadBytes(of: streams[$1]) }
        guard asleep.count > Self.maxSleepers || bytes > Self.maxSleeperBytes else { return }
        let oldestFirst = asleep.sorted { now &- streams[$0].heardAt > now &- streams[$1].heardAt }
        var leaving: [UInt32: [UInt32]] = [:]
        var left = asleep.count
        for id in oldestFirst where left > Self.maxSleepers || bytes > Self.maxSleeperBytes {
            left -= 1
            bytes -= Self.streamBytes + payloadBytes(of: streams[id])
            leaving[streams[id].series, default: []].append(id)
        }
        for (shared, ids) in leaving {
            if shared == Stream.overflow {
                forgetInOverflow(ids)
            } else {
                for id in ids {
                    settled[shared, default: Settled()].forgotten.add(start: streams[id].start)
                }
                leave(ids, shared)
            }
        }
    }

    private mutating func forgetInOverflow(_ ids: [UInt32]) {
        for id in ids {
            overflow.settled.forgotten.add(start: streams[id].start)
            forget(id)
        }
        overflow.streams -= ids.count
        overflow.asleep -= ids.count
    }

    /// A page adds up all that sleep in a series, so they are few enough for that.
    static let maxSleepers = 1_000
    static let maxSleeperBytes = 1 << 20

    private mutating func end(series ended: UInt32, _ room: SeriesRoom) {
        series.remove(ended)
        settled[ended] = nil
        room.giveSeriesBack()
    }

    private mutating func forget(_ id: UInt32) {
        removePayload(of: streams[id])
        gaps[id] = nil
        streams.remove(id)
    }

    /// Keeps what a stream counted in the total of its series, and when it began.
    mutating func keepTotal(of stream: Stream) {
        let start = settled[stream.series]?.start ?? 0
        settled[stream.series, default: Settled()].start = earlierStart(start, stream.start)
        switch stream.kind {
        case .cumulativeHistogram, .deltaHistogram:
            if stream.payload != Stream.none {
                settle(histograms[stream.payload], in: stream.series)
            }
        case .cumulativeExponential, .deltaExponential:
            if stream.payload != Stream.none {
                settle(exponentials[stream.payload], in: stream.series)
            }
        default: settled[stream.series, default: Settled()].value.add(stream.value)
        }
    }

    /// Takes what a stream had counted by its first point off the total of its series, since that
    /// may have it already.
    mutating func takeBase(of id: UInt32) {
        let stream = streams[id]
        if stream.series == Stream.overflow {
            addBase(of: stream, to: &overflow.settled)
        } else {
            var total = settled[stream.series] ?? Settled()
            addBase(of: stream, to: &total)
            settled[stream.series] = total
        }
    }

    private func addBase(of stream: Stream, to total: inout Settled) {
        switch stream.kind {
        case .cumulativeHistogram:
            total.histogramBase = sum(total.histogramBase, histograms[stream.payload])
            total.histogramSum.subtract(histograms[stream.payload].sum)
        case .cumulativeExponential:
            total.exponentialBase = sum(total.exponentialBase, exponentials[stream.payload])
            total.exponentialSum.subtract(exponentials[stream.payload].sum)
        default: total.value.subtract(stream.value)
        }
    }

    private mutating func removePayload(of stream: Stream) {
        guard stream.payload != Stream.none else { return }
        switch stream.kind {
        case .cumulativeHistogram, .deltaHistogram:
            histograms.remove(stream.payload, leaving: HistogramState())
        case .cumulativeExponential, .deltaExponential:
            exponentials.remove(stream.payload, leaving: ExponentialState())
        case .summary: summaries.remove(stream.payload, leaving: SummaryState())
        default:
            exemplars.remove(
                stream.payload,
                leaving: ExemplarValue(
                    traceIDHigh: 0, traceIDLow: 0, spanID: 0, value: 0, unixNano: 0))
        }
    }
}
