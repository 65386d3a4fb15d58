import RoostAnalytics
import RoostCore
import RoostStore

/// Stored traces in which service calls are counted, read one at a time with memory for it.
struct ServiceCallsSource {
    let store: TraceStore
    private let reader: TraceReader
    private let lease: AnswerRoom.Lease
    private let mostSpanBytes: Int

    /// What came of reading a trace.
    enum Reading {
        /// Of one that `isCut` only the beginning was counted, which is the same when it goes on.
        case calls(ServiceCalls, isCut: Bool)
        /// The trace is no longer there.
        case gone
        /// There is no memory for it now.
        case noRoom
    }

    /// Summaries of the latest traces, which are held meanwhile.
    static let ownBytes = 2 << 20
    /// Of each trace, those that came first.
    private static let mostSpanBytes = 4 << 20
    private static let mostSteps = 2_000

    /// `lease` is of `room`, and grows with the largest trace that is read.
    init(
        _ store: TraceStore, _ reader: TraceReader, _ lease: AnswerRoom.Lease, of room: AnswerRoom
    ) {
        self.store = store
        self.reader = reader
        self.lease = lease
        let fitting = max(room.mostBytes - Self.ownBytes, 0) / TraceEndpoints.bytesByByte
        mostSpanBytes = min(Self.mostSpanBytes, fitting)
    }

    func read(_ id: TraceID) throws(APIError) -> Reading {
        let stored: StoredTrace?
        do throws(APIError) {
            stored = try TraceEndpoints.told(lease, or: .tooLarge("trace", id.text)) {
                room throws(StoreQueryError) in
                try store.trace(
                    high: id.high, low: id.low, isStored: true, withLogs: false,
                    mostSpanBytes: mostSpanBytes
                ) { room(Self.ownBytes + $0 * TraceEndpoints.bytesByByte) }
            }
        } catch {
            guard error.isAboutMemory else { throw error }
            // What never fits is looked at again when it has changed.
            return error == .noMemory ? .noRoom : .calls(ServiceCalls(), isCut: false)
        }
        guard let stored else { return .gone }
        let weight = TraceWeight(stored.spans)
        let needed = Self.ownBytes + weight.stored + weight.making(most: Self.mostSteps)
        guard lease.grow(to: needed) else {
            return lease.mayComeTrue ? .noRoom : .calls(ServiceCalls(), isCut: false)
        }
        let steps = reader.document(
            chunks: stored.spans, activities: nil, traceIDHigh: id.high, traceIDLow: id.low,
            most: Self.mostSteps
        ).steps
        return .calls(ServiceCalls(between: steps), isCut: stored.omitted > 0)
    }
}
