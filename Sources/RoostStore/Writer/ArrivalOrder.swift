/// Open traces by their latest arrival, whole ones first.
///
///     whole   traces whose root has come     oldest ●●●●○●○●●●●● latest
///     parts   the others                     oldest ●○○●●●● latest
///
/// Each arrival is one entry, in memory that is read from one end to the other. A trace of which
/// more comes gets another one, and one that was stored leaves its own (○): they are found out when
/// their turn comes. The traces themselves, which have been in no cache for long, are not touched.
struct ArrivalOrder {
    private struct Entry {
        let key: TraceKey
        let arrival: UInt64
    }

    private struct Queue {
        var entries: [Entry] = []
        var first = 0

        var count: Int { entries.count - first }

        mutating func removeFirst() {
            first += 1
            guard first > 1024, first > entries.count / 2 else { return }
            entries.removeFirst(first)
            first = 0
        }

        /// The earliest that is still true.
        mutating func next(of traces: [TraceKey: OpenTrace]) -> TraceKey? {
            while first < entries.count {
                let entry = entries[first]
                if traces[entry.key]?.arrival == entry.arrival { return entry.key }
                removeFirst()
            }
            return nil
        }

        mutating func tidy(_ traces: [TraceKey: OpenTrace]) {
            entries.removeFirst(first)
            first = 0
            entries.removeAll { traces[$0.key]?.arrival != $0.arrival }
        }
    }

    private var whole = Queue()
    private var parts = Queue()
    private var arrivals: UInt64 = 0

    /// Entries, true or not.
    var count: Int { whole.count + parts.count }

    /// Something of the trace has come.
    mutating func note(_ trace: OpenTrace) {
        arrivals += 1
        trace.arrival = arrivals
        let entry = Entry(key: trace.key, arrival: arrivals)
        if trace.hasRoot { whole.entries.append(entry) } else { parts.entries.append(entry) }
    }

    /// The trace that is to be stored first.
    mutating func next(of traces: [TraceKey: OpenTrace]) -> TraceKey? {
        whole.next(of: traces) ?? parts.next(of: traces)
    }

    /// Forgets what is not true any more when that is most.
    mutating func tidy(_ traces: [TraceKey: OpenTrace]) {
        guard count > 4 * traces.count + 4096 else { return }
        whole.tidy(traces)
        parts.tidy(traces)
    }
}
