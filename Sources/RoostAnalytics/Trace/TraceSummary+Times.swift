import RoostCore
import RoostIngest

/// Times by one clock, as the analysis of a trace has them.
extension TraceSummary {
    /// Whether what a call between two services tells proves that their clocks differ; see
    /// `ClockSkewFinder`. Times are Unix nanoseconds.
    @inline(__always)
    static func provesSkew(
        parent: (start: UInt64, end: UInt64), child: (start: UInt64, end: UInt64),
        isAnswered: Bool
    ) -> Bool {
        child.start < parent.start || isAnswered && child.end > parent.end
    }

    /// Takes start and end from `times`.
    mutating func use(_ times: TraceTimes) {
        start = times.base
        end = times.time(times.end)
        clockSkew = times.skews.map { $0.ahead.magnitude }.max().map(UInt64.init) ?? 0
    }

    /// Whether times as they were told are not those of the analysis.
    static func needsTimes(_ document: TraceDocument, start: UInt64, end: UInt64) -> Bool {
        if end > start, end - start > Activity.longest { return true }
        return document.steps.indices.contains { place in
            guard let above = document.steps[place].parent,
                document.steps.indices.contains(above),
                !document.steps[place].service.isExactly(document.steps[above].service)
            else { return false }
            let (child, parent) = (document.steps[place], document.steps[above])
            return provesSkew(
                parent: (parent.start, parent.end), child: (child.start, child.end),
                isAnswered: parent.spanKind == 3 && child.spanKind == 2)
        }
    }
}

extension TraceDocument {
    /// By the id of a span, the nanoseconds by which its times are moved so that all are of one
    /// clock; spans that stay are not among them.
    public var clockShifts: [UInt64: Int] {
        let times = TraceTimes(self)
        guard !times.skews.isEmpty else { return [:] }
        var shifts: [UInt64: Int] = [:]
        for place in steps.indices where steps[place].spanID != 0 {
            let moved = Int64(bitPattern: times.time(times.starts[place]) &- steps[place].start)
            if moved != 0 { shifts[steps[place].spanID] = Int(moved) }
        }
        return shifts
    }
}

extension TraceDocumentBuilder {
    /// Whether times as they were told may not be those of the analysis. The kinds of spans are not
    /// known here, so that a call that is over before what it called is one reason.
    func mayNeedTimes(
        _ understood: TraceNodes, _ batch: ActivityBatch, start: UInt64, end: UInt64
    ) -> Bool {
        if end > start, end - start > Activity.longest { return true }
        func times(_ node: TraceNode) -> (start: UInt64, end: UInt64) {
            let activity = batch.activities[Int(node.activity)]
            let start = self.start(activity, earliest: understood.earliest)
            return (start, activity.phase == .pending ? start : max(activity.end, start))
        }
        for place in understood.nodes.indices {
            let above = Int(understood.tree.parents[place])
            guard above >= 0, understood.nodes[place].service != understood.nodes[above].service
            else { continue }
            let (child, parent) = (understood.nodes[place], understood.nodes[above])
            if TraceSummary.provesSkew(
                parent: times(parent), child: times(child), isAnswered: true)
            {
                return true
            }
        }
        return false
    }

    /// Gives a summary whose times may need it those of the analysis. `details` has one for each
    /// activity.
    mutating func putTimesRight(
        _ summary: inout TraceSummary, _ batch: ActivityBatch, _ details: [SpanDetail]
    ) {
        let document = make(
            batch, details, high: summary.traceIDHigh, low: summary.traceIDLow, most: .max)
        if TraceSummary.needsTimes(document, start: summary.start, end: summary.end) {
            summary.use(TraceTimes(document))
        }
    }
}
