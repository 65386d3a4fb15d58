/// The end of streams and series.
extension StripeState {
    /// Ends what has heard nothing for more than `limit` tenths of a second; answers how many
    /// streams that were.
    mutating func expire(now: UInt32, limit: UInt32, room: SeriesRoom) -> Int {
        var ended = 0
        // Streams that share a series leave it together: one by one each would copy the others.
        var leaving: [UInt32: [UInt32]] = [:]
        for index in streams.all.indices {
            let stream = streams.all[index]
            guard !stream.isFree, isPast(stream.heardAt, now, limit) else { continue }
            let id = UInt32(truncatingIfNeeded: index)
            if stream.series != Stream.overflow, series.isShared(stream.series) {
                leaving[stream.series, default: []].append(id)
            } else {
                end(id, room)
            }
            ended += 1
        }
        for (shared, ids) in leaving { end(ids, sharing: shared, room) }
        if ended > 0 {
            streams.rebuild()
            series.tidy()
        }
        if overflow.isUsed, overflow.streams == 0, isPast(overflow.heardAt, now, limit) {
            overflow = Overflow()
        }
        return ended
    }

    /// Brings the reservation in line with what is held.
    mutating func settleAccount(_ room: SeriesRoom) {
        if isEmpty {
            let reserved = reservedBytes
            self = StripeState()
            reservedBytes = reserved
        }
        let held = isEmpty ? 0 : heapBytes
        if held > reservedBytes {
            room.force(held - reservedBytes, &reservedBytes)
        } else {
            room.giveBack(reservedBytes - held, &reservedBytes)
        }
    }

    var isEmpty: Bool { streams.count == 0 && !overflow.isUsed }

    /// Bytes on the heap.
    var heapBytes: Int {
        var bytes = streams.heapBytes + series.heapBytes
        bytes += histograms.heapBytes + exponentials.heapBytes + summaries.heapBytes
        bytes += exemplars.heapBytes + gaps.count * 320 + settled.count * 96
        for index in streams.all.indices {
            let stream = streams.all[index]
            guard !stream.isFree, stream.payload != Stream.none else { continue }
            switch stream.kind {
            case .cumulativeHistogram, .deltaHistogram:
                bytes += histograms[stream.payload].heapBytes
            case .cumulativeExponential, .deltaExponential:
                bytes += exponentials[stream.payload].heapBytes
            case .summary: bytes += summaries[stream.payload].heapBytes
            default: bytes += exemplars[stream.payload].extra?.bytes.count ?? 0
            }
        }
        return bytes
    }

    /// A clock that jumped back makes nothing old.
    private func isPast(_ heardAt: UInt32, _ now: UInt32, _ limit: UInt32) -> Bool {
        let age = now &- heardAt
        return age < 1 << 31 && age > limit
    }

    /// Ends a stream that is alone in its series, or in the overflow.
    private mutating func end(_ id: UInt32, _ room: SeriesRoom) {
        let stream = streams[id]
        if stream.series == Stream.overflow {
            overflow.streams -= 1
        } else {
            end(series: stream.series, room)
        }
        forget(id)
    }

    /// Ends streams of one series; what they counted stays in it as long as it has others.
    private mutating func end(_ ids: [UInt32], sharing shared: UInt32, _ room: SeriesRoom) {
        if series.leave(Set(ids), from: shared) == 0 {
            end(series: shared, room)
        } else {
            for id in ids where streams[id].kind.isMonotonic { keepTotal(of: streams[id]) }
        }
        for id in ids { forget(id) }
    }

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

    private mutating func keepTotal(of stream: Stream) {
        let start = settled[stream.series]?.start ?? 0
        settled[stream.series, default: Settled()].start =
            start == 0 ? stream.start : min(start, max(stream.start, 1))
        switch stream.kind {
        case .cumulativeHistogram, .deltaHistogram:
            if stream.payload != Stream.none {
                settle(histograms[stream.payload], in: stream.series)
            }
        case .cumulativeExponential, .deltaExponential:
            if stream.payload != Stream.none {
                settle(exponentials[stream.payload], in: stream.series)
            }
        default: settled[stream.series, default: Settled()].value += stream.value
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
