import RoostAnalytics
import RoostCore
import RoostIngest
import RoostStore

/// Writes whole traces into an answer of Jaeger's query API, each when there is memory for it.
struct JaegerTraces {
    let store: TraceStore
    let names: NameTable
    let lease: AnswerRoom.Lease
    /// Only what is stored is shown; what has come and is not yet is stored first otherwise.
    var isStored = false

    /// Traces are added to an answer until it is so long.
    private static let mostBytes = 32 << 20

    /// Writes one trace after another until the answer is long enough or has no memory for the next
    /// one; says how many were written, and which were not come to. Those that are not known are
    /// passed over. Throws where there is no memory for the first.
    func write(
        _ ids: [TraceID], into writer: inout JSONWriter
    ) throws(APIError) -> (written: Int, left: ArraySlice<TraceID>) {
        var left = ids[...]
        var written = 0
        while let id = left.first, writer.count < Self.mostBytes {
            do throws(APIError) {
                if try write(id, into: &writer) { written += 1 }
            } catch {
                guard written > 0, error.isAboutMemory else { throw error }
                break
            }
            left.removeFirst()
        }
        return (written, left)
    }

    /// How many of these are known.
    func count(_ ids: some Sequence<TraceID>) throws(APIError) -> Int {
        var known = 0
        for id in ids {
            let summary = try TraceEndpoints.told { () throws(StoreQueryError) in
                try store.summary(high: id.high, low: id.low)
            }
            if summary != nil { known += 1 }
        }
        return known
    }

    /// Nothing, and false, when the trace is not known.
    func write(_ id: TraceID, into writer: inout JSONWriter) throws(APIError) -> Bool {
        let used = lease.usedBytes
        let trace = try TraceEndpoints.told(lease, or: .tooLarge("trace", id.text)) {
            room throws(StoreQueryError) in
            try store.trace(high: id.high, low: id.low, isStored: isStored, withLogs: false) {
                room(used + $0 * TraceEndpoints.bytesByByte)
            }
        }
        guard let trace else { return false }
        let weight = TraceWeight(trace.spans)
        let held = weight.stored + weight.writing
        guard lease.use(held) else { throw lease.refusal(of: id) }
        defer { lease.giveBack(held) }
        let shifts = try shifts(trace, id, weight)
        let mark = writer.mark
        TraceExport.writeJaegerTrace(
            chunks: trace.spans, traceIDHigh: id.high, traceIDLow: id.low, shifts: shifts,
            into: &writer)
        guard !writer.isCut else {
            writer.goBack(to: mark)
            throw lease.refusal(of: id)
        }
        return true
    }

    /// By how much the spans of services are moved whose clocks differ.
    private func shifts(
        _ trace: StoredTrace, _ id: TraceID, _ weight: TraceWeight
    ) throws(APIError) -> [UInt64: Int] {
        guard trace.summary.clockSkew > 0 else { return [:] }
        let making = weight.making(most: .max)
        guard lease.use(making) else { throw lease.refusal(of: id) }
        defer { lease.giveBack(making) }
        return TraceReader(names: names, prices: nil).document(
            chunks: trace.spans, traceIDHigh: id.high, traceIDLow: id.low
        ).clockShifts
    }
}
