public import RoostCore

extension SegmentLog {
    /// The next records for `cursor`: of about `maxBytes` of payload, at least one when there is
    /// one. Empty when there is none now; `onCommit` tells when there is.
    ///
    /// Reads the disk on the calling thread, unless the records are still in memory. What is read
    /// is reserved in `share`. One call at a time for each cursor; others wait.
    public func next(
        _ cursor: QueueCursor, maxBytes: Int, share: MemoryBudget.Share? = nil
    ) throws(QueueReadError) -> QueueBatch {
        try cursor.reader.withLock { place throws(QueueReadError) in
            var batch = QueueBatch()
            while true {
                let plan = shared.state.withLock { $0.plan(cursor, &place, maxBytes: maxBytes) }
                switch plan {
                case .nothing:
                    // An open file that is deleted would still take its room.
                    place.file = nil
                    return batch
                case .recent(let records):
                    // What was withdrawn is passed over.
                    if records.isEmpty { continue }
                    batch.records = records
                    return batch
                case .moved(let lost):
                    place.file = nil
                    place.failures.moveOn()
                    batch.lost += lost
                    if !lost.isEmpty, let text = place.unsaved { batch.quarantineFailure = text }
                    place.unsaved = nil
                case .read(let segment):
                    let isHeld: Bool
                    do throws(QueueReadError) {
                        isHeld = try read(cursor, &place, segment, maxBytes, share, &batch)
                    } catch {
                        // What is lost was taken off the account, and must be told.
                        if !batch.lost.isEmpty { return batch }
                        throw error
                    }
                    if isHeld || !batch.records.isEmpty { return batch }
                }
            }
        }
    }

    /// The next records for `cursor` as far as they are in memory, of about `maxBytes`; and whether
    /// there may be more, on the disk.
    ///
    /// Never waits for the disk. With `waits` it waits for another reader of the cursor; otherwise
    /// the answer is nil when there is one.
    public func nextInMemory(
        _ cursor: QueueCursor, maxBytes: Int, waits: Bool
    ) -> (records: [StoredRecord], hasMore: Bool)? {
        let read = { (place: inout ReaderPlace) -> (records: [StoredRecord], hasMore: Bool) in
            self.shared.state.withLock { state in
                guard let index = state.index(of: cursor) else { return ([], false) }
                let records = state.takeRecent(index, &place, maxBytes: maxBytes) ?? []
                let hasMore = state.hasMore(index)
                // Nobody may ask again for long, and an open file that is deleted takes its room.
                if !hasMore { place.file = nil }
                return (records, hasMore)
            }
        }
        if waits { return cursor.reader.withLock { read(&$0) } }
        return cursor.reader.withLockIfAvailable { read(&$0) }
    }

    /// Whether `next` may find something for `cursor`.
    public func hasMore(_ cursor: QueueCursor) -> Bool {
        shared.state.withLock { state in state.index(of: cursor).map(state.hasMore) ?? false }
    }

    /// Hands out again what was handed out and not released, for a reader that forgot it; answers
    /// what is no longer there, because it was evicted.
    public func rewind(_ cursor: QueueCursor) -> QueueCounts {
        cursor.reader.withLock { place in
            place.file = nil
            place.failures.moveOn()
            place.unsaved = nil
            return shared.state.withLock { $0.rewind(cursor, &place) }
        }
    }

    /// Reads from the disk at `place`, and moves it. True when what comes next is held.
    private func read(
        _ cursor: QueueCursor, _ place: inout ReaderPlace, _ segment: SegmentInfo,
        _ maxBytes: Int, _ share: MemoryBudget.Share?, _ batch: inout QueueBatch
    ) throws(QueueReadError) -> Bool {
        let reading: SegmentReading
        do throws(QueueFault) {
            if place.file == nil {
                place.file = try QueueFile(
                    settings.path + "/" + SegmentFormat.fileName(segment.id), .read)
            }
            guard let file = place.file else { return false }
            reading = try SegmentReading.read(
                file, segment, from: place.offset, after: place.last, maxBytes: maxBytes,
                share: share)
        } catch {
            shared.state.withLock {
                $0.lastFailure = error.description
                $0.readFailures += 1
            }
            place.file = nil
            guard giveUp(segment, &place, error) else {
                throw .failed(error.description)
            }
            // Nothing more will come of this segment for this cursor.
            place.offset = segment.end
            return false
        }
        switch reading {
        case .noMemory:
            // The disk may not have been asked: that says nothing of it.
            shared.state.withLock {
                $0.lastFailure = "read \(SegmentFormat.fileName(segment.id)): no memory left for it"
            }
            throw .noMemory
        case .records(let found):
            place.failures.end()
            let records = shared.state.withLock { state -> [StoredRecord]? in
                let records = state.handOut(cursor, &place, segment.id, found)
                // What comes next is in another file, or in memory.
                if place.offset >= segment.end { place.file = nil }
                return records
            }
            batch.records = records ?? []
            return records == nil
        case .damage(let range, let head):
            place.failures.end()
            setAside(cursor, place, segment, range, head, &batch)
            place.offset = range.upperBound
            if let head { place.last = head.sequence }
        }
        return false
    }

    /// Gives up what comes next in a segment, once the disk has refused to give it for long enough;
    /// false when it is too early for that. The file stays, as others may wait for what can be read of
    /// it, and goes to quarantine later.
    private func giveUp(
        _ segment: SegmentInfo, _ place: inout ReaderPlace, _ fault: QueueFault
    ) -> Bool {
        // Evicted, its file deleted. One that is gone though it is needed may come back: with its folder,
        // when that was moved or its disk was taken off.
        if fault.isMissing, shared.state.withLock({ $0.index(ofSegment: segment.id) == nil }) {
            place.unsaved = nil
            return true
        }
        guard !fault.isPassing else { return false }
        let now = monotonicNanoseconds()
        place.failures.note(at: now)
        let patience = settings.readPatience.nanoseconds
        guard place.failures.areEnough(at: now, patience: patience) else { return false }
        let bytes = segment.end - place.offset
        switch shared.state.withLock({ $0.giveUp(segment.id, bytes: bytes) }) {
        case .inUse:
            // It is ended first, as what comes must go elsewhere.
            shared.wake.signal()
            return false
        case .gone: return true
        case .given: break
        }
        place.failures.giveUp()
        guard !fault.isMissing else {
            place.unsaved = fault.description
            return true
        }
        let refusal = shared.quarantine.refusal(of: SegmentFormat.fileName(segment.id))
        if let refusal { shared.note(refusal) }
        place.unsaved = refusal?.description
        return true
    }

    private func setAside(
        _ cursor: QueueCursor, _ place: ReaderPlace, _ segment: SegmentInfo, _ range: Range<Int>,
        _ head: RecordHead?, _ batch: inout QueueBatch
    ) {
        var isNew = false
        if let file = place.file {
            let outcome = shared.quarantine.add(range, of: file, segment: segment.id)
            isNew = outcome.isNew
            // Counted all the same; there is no copy of it.
            if let fault = outcome.fault { shared.note(fault) }
            if let text = outcome.left { batch.quarantineFailure = text }
        }
        let isKnown =
            segment.damaged.contains(range.lowerBound) || range.lowerBound >= segment.damagedFrom
        let lost = shared.state.withLock { state in
            if isNew {
                state.damagedPlaces += 1
                state.damagedBytes += range.count
            }
            return isKnown ? nil : head.flatMap { state.lose(cursor, segment.id, $0) }
        }
        if let lost { batch.lost += lost }
    }
}

extension LogState {
    enum ReadPlan {
        case nothing
        /// Already handed out.
        case recent([StoredRecord])
        /// At the end of a segment; what it owed is lost.
        case moved(lost: QueueCounts)
        case read(SegmentInfo)
    }

    mutating func plan(
        _ cursor: QueueCursor, _ place: inout ReaderPlace, maxBytes: Int
    ) -> ReadPlan {
        guard let index = index(of: cursor), cursors[index].hasRoom else { return .nothing }
        if let records = takeRecent(index, &place, maxBytes: maxBytes) { return .recent(records) }
        guard cursors[index].isRewound || cursors[index].readNext < holds.limit else {
            return .nothing
        }
        let next = firstSegment(notBefore: place.segment)
        guard next < segments.count else {
            // Numbers that no file has, or none that can be read.
            if holds.limit > lastSequence { cursors[index].skip(lastSequence) }
            return .nothing
        }
        let segment = segments[next]
        guard segment.id == place.segment else {
            move(&place, to: segment.id)
            return .moved(lost: QueueCounts())
        }
        if place.offset < segment.end { return .read(segment) }
        let isLast = next + 1 == segments.count
        let last = isLast ? lastSequence : segments[next + 1].id - 1
        // What nobody has decided about is not lost.
        guard holds.limit > last else { return .nothing }
        // What is owed at the end of a segment was there once and has not been found.
        var lost = segment.waiting[index]
        lost -= cursors[index].handedOut(of: segment.id)
        let kept = recent(index, through: last)
        if let kept {
            // Only the disk does not give it.
            cursors[index].skip(kept - 1)
            lost -= hot.counts(of: segment.id, without: holds.withdrawn)
        } else {
            // Nothing of it is left to find.
            cursors[index].skip(last)
            if !isLast { move(&place, to: segments[next + 1].id) }
        }
        guard lost.records > 0 else {
            return isLast && kept == nil ? .nothing : .moved(lost: QueueCounts())
        }
        cursors[index].give(up: segment.id)
        segments[next].waiting[index] -= lost
        cursors[index].waiting -= lost
        cursorsChanged = true
        collectDrained()
        return .moved(lost: lost)
    }

    /// The oldest record in memory, if it is one of those up to `last` that the cursor has not got
    /// and there are others before it.
    private func recent(_ index: Int, through last: UInt64) -> UInt64? {
        guard !cursors[index].isRewound, let oldest = hot.oldest,
            oldest > cursors[index].readNext, oldest <= last
        else { return nil }
        return oldest
    }

    /// Hands out what is in memory and may be read; nil when nothing is.
    mutating func takeRecent(
        _ index: Int, _ place: inout ReaderPlace, maxBytes: Int
    ) -> [StoredRecord]? {
        guard cursors[index].hasRoom, !cursors[index].isRewound else { return nil }
        let recent = hot.records(
            from: cursors[index].readNext, before: holds.limit, maxBytes: maxBytes)
        guard let last = recent.last else { return nil }
        var records: [StoredRecord] = []
        records.reserveCapacity(recent.count)
        for record in recent {
            if holds.withdrawn.contains(record.sequence) {
                cursors[index].skip(record.sequence)
                continue
            }
            records.append(record.record)
            _ = cursors[index].handOut(.init(record))
        }
        place.file = nil
        place.segment = last.segment
        place.offset = last.end
        place.last = last.sequence
        forgetReadRecords()
        return records
    }

    /// Whether a reader may find something.
    func hasMore(_ index: Int) -> Bool {
        let cursor = cursors[index]
        return cursor.hasRoom
            && (cursor.isRewound || cursor.readNext < min(holds.limit, lastSequence + 1))
    }

    private func move(_ place: inout ReaderPlace, to segment: UInt64) {
        place.segment = segment
        place.offset = SegmentFormat.start
        place.last = 0
    }

    /// Notes what was read from a segment; nothing when that was given up in the meantime, nil when
    /// the first of it is held.
    mutating func handOut(
        _ cursor: QueueCursor, _ place: inout ReaderPlace, _ segment: UInt64,
        _ read: [ReadRecord]
    ) -> [StoredRecord]? {
        guard let index = index(of: cursor), self.index(ofSegment: segment) != nil else {
            return []
        }
        let limit = holds.limit
        let found = read.prefix { $0.head.sequence < limit }
        if found.isEmpty, !read.isEmpty { return nil }
        if let last = found.last {
            place.offset = last.offset + last.head.totalBytes
            place.last = last.head.sequence
        }
        return found.compactMap { record in
            if holds.withdrawn.contains(record.head.sequence) {
                cursors[index].skip(record.head.sequence)
                return nil
            }
            let entry = CursorState.HandedOut(
                sequence: record.head.sequence, segment: segment, offset: record.offset,
                timeUnixNano: record.head.timeUnixNano, counts: record.head.counts)
            return cursors[index].handOut(entry) ? StoredRecord(record) : nil
        }
    }

    /// Takes a damaged record off what waits for the cursor.
    mutating func lose(_ cursor: QueueCursor, _ segment: UInt64, _ head: RecordHead) -> QueueCounts?
    {
        guard let index = index(of: cursor), let segment = self.index(ofSegment: segment) else {
            return nil
        }
        let released = cursors[index].release(head.sequence) != nil
        // Before a rewind it could be read, and may have been released.
        guard released || head.sequence >= cursors[index].readNext else { return nil }
        cursors[index].readNext = max(cursors[index].readNext, head.sequence + 1)
        cursors[index].waiting -= head.counts
        segments[segment].waiting[index] -= head.counts
        cursorsChanged = true
        collectDrained()
        return head.counts
    }

    /// What became of a segment that the disk does not give.
    enum GivingUp {
        /// It is written to, which ends soon.
        case inUse
        case given
        /// It was evicted in the meantime.
        case gone
    }

    /// Has the file of a segment go to quarantine when it is drained, and counts the rest of it, of so
    /// many bytes, as damaged, the first time.
    mutating func giveUp(_ id: UInt64, bytes: Int) -> GivingUp {
        guard let index = self.index(ofSegment: id) else { return .gone }
        guard id != activeID else {
            wantsRoll = true
            return .inUse
        }
        guard !segments[index].isUnreadable else { return .given }
        segments[index].isUnreadable = true
        damagedPlaces += 1
        damagedBytes += bytes
        return .given
    }

    mutating func rewind(_ cursor: QueueCursor, _ place: inout ReaderPlace) -> QueueCounts {
        guard let index = index(of: cursor) else { return QueueCounts() }
        var lost = QueueCounts()
        for entry in cursors[index].allHandedOut where self.index(ofSegment: entry.segment) == nil {
            if cursors[index].release(entry.sequence) != nil { lost += entry.counts }
        }
        cursors[index].waiting -= lost
        if let oldest = cursors[index].oldestHandedOut {
            place.segment = oldest.segment
            place.offset = oldest.offset
            place.last = oldest.sequence - 1
            cursors[index].rewind()
        }
        return lost
    }
}

extension StoredRecord {
    init(_ record: WrittenRecord) {
        self.init(
            sequence: record.sequence, timeUnixNano: record.pending.timeUnixNano,
            signal: record.pending.record.signal, items: record.pending.record.items,
            slices: record.pending.record.slices, bytes: record.pending.record.bytes)
    }

    init(_ record: ReadRecord) {
        self.init(
            sequence: record.head.sequence, timeUnixNano: record.head.timeUnixNano,
            signal: record.head.signal, items: Int(record.head.items), slices: [record.payload],
            bytes: record.payload.count)
    }
}

extension CursorState.HandedOut {
    init(_ recent: RecentRecord) {
        self.init(
            sequence: recent.sequence, segment: recent.segment, offset: recent.offset,
            timeUnixNano: recent.record.timeUnixNano, counts: recent.counts)
    }
}
