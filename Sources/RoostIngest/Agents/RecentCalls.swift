import CScan

/// The latest reports of calls, about as many as a limit says; what came first is forgotten first.
///
/// Kept in rows of eight, of which a look-up looks at one, as in `RecentSet`: 24 bytes for each and as
/// many again for room, but little before there are many.
package struct RecentCalls: Sendable {
    private var reports: [CallReport]
    private let limit: Int

    /// More reports with one id push out the oldest of it, and none of others.
    package static let mostOfOne = 4

    /// `limit` is at least 8.
    init(limit: Int) {
        self.limit = limit
        reports = [CallReport](repeating: .free, count: min(128, Self.places(limit)))
    }

    /// Has the memory at hand brought near that `take` will look at.
    func prepare(_ id: UInt64) {
        let first = place(of: id) &* MemoryLayout<CallReport>.stride
        unsafe reports.withUnsafeBufferPointer { reports in
            // A row may lie in four lines.
            for offset in stride(from: 0, to: 192, by: 64) {
                unsafe roost_prefetch(reports.baseAddress, first &+ offset)
            }
            unsafe roost_prefetch(reports.baseAddress, first &+ 184)
        }
    }

    /// Remembers a report. Answers with what was known of its call, the one report that knows most
    /// of its usage; nil when the call is new.
    mutating func take(_ report: CallReport) -> CallReport? {
        let first = place(of: report.id)
        guard holds(report.id, at: first) else {
            insert(report, pushingOut: 7)
            return nil
        }
        var known: CallReport?
        var beside: Int?
        for place in first..<first + 8 where reports[place].tellsSame(as: report) {
            let other = reports[place]
            if other.isBeside(report) { beside = beside ?? place }
            if other.usage < known?.usage ?? .missing || known == nil { known = other }
            reports[place].usage = min(other.usage, report.usage)
        }
        if let beside {
            reports[beside].join(report)
            return known
        }
        var told = report
        told.usage = min(report.usage, known?.usage ?? .missing)
        insert(told, pushingOut: slot(for: report.id, at: first))
        return known
    }

    private func holds(_ id: UInt64, at first: Int) -> Bool {
        unsafe reports.withUnsafeBufferPointer { reports in
            let row = unsafe reports.baseAddress.unsafelyUnwrapped + first
            var isThere = false
            for slot in 0..<8 { unsafe isThere = isThere || row[slot].id == id }
            return isThere
        }
    }

    /// Which one of a row makes room for another with an id that is there.
    private func slot(for id: UInt64, at first: Int) -> Int {
        var alike = 0
        for slot in 0..<7 where reports[first + slot].id == id {
            alike += 1
            if alike == Self.mostOfOne { return slot }
        }
        return 7
    }

    /// The newest of a row stands first; the report in the slot, of 0 to 7, makes room.
    private mutating func insert(_ report: CallReport, pushingOut slot: Int) {
        let first = place(of: report.id)
        let pushedOut = unsafe reports.withUnsafeMutableBufferPointer { reports in
            let row = unsafe reports.baseAddress.unsafelyUnwrapped + first
            let pushedOut = unsafe row[slot]
            unsafe (row + 1).update(from: row, count: slot)
            unsafe row[0] = report
            return pushedOut
        }
        // What a full row would forget too early gets more room.
        if pushedOut.id != 0, pushedOut.id != report.id, reports.count < Self.places(limit) {
            grow()
            insert(pushedOut, pushingOut: 7)
        }
    }

    private static func places(_ limit: Int) -> Int {
        var places = 8
        while places < 2 * limit { places *= 2 }
        return places
    }

    /// Of the first of its row.
    @inline(__always)
    private func place(of id: UInt64) -> Int {
        Int(truncatingIfNeeded: (id &* 0x9E37_79B9_7F4A_7C15) &>> 24) & (reports.count &- 8)
    }

    private mutating func grow() {
        let old = reports
        reports = [CallReport](
            repeating: .free, count: min(old.count * 4, Self.places(limit)))
        // The oldest of each row first.
        for report in old.reversed() where report.id != 0 {
            insert(report, pushingOut: 7)
        }
    }
}
