import RoostCore

/// Gets rid of the files of segments that nobody needs: small ones at once, large ones by a thread of
/// its own, which may keep some for new segments. Those with a place that the disk does not give go
/// to quarantine.
///
/// Confined to the commit thread.
struct SegmentDisposal {
    private let shared: LogShared
    /// Removals that the system refused, tried again later.
    private var leftover: [UInt64] = []
    /// Files that could not be moved to quarantine: left as they are until they can.
    private var stranded: [UnreadableFile] = []
    /// When these are tried again.
    private var nextMove: UInt64 = 0
    /// Made when there is something large to delete.
    private var remover: FileRemover?

    /// Below it, a file is deleted at once.
    private static let largeSegment = 1 << 20
    private static let moveNanoseconds: UInt64 = 1_000_000_000

    init(_ shared: LogShared) { self.shared = shared }

    /// Disposes of what was drained and of what could not be removed before. Files are kept for new
    /// segments only where these are `isDirect`.
    mutating func dispose(
        of drained: DrainedSegments, _ settings: SegmentLogSettings, isDirect: Bool
    ) {
        setAside(drained.unreadable, settings)
        for id in drained.emptied {
            do throws(QueueFault) {
                try cutDown(id, settings)
            } catch {
                shared.note(error)
            }
        }
        let stubs = drained.removals.filter { !isStranded($0) }
        let removals = leftover + (remover?.takeRefused() ?? []) + stubs
        leftover = []
        guard !leave(removals, drained.reusable, settings, isDirect: isDirect) else { return }
        for id in removals + drained.reusable { remove(id, settings) }
    }

    /// Whether the file is one that is to be moved before its stub may be there: that need not be any
    /// more.
    private mutating func isStranded(_ id: UInt64) -> Bool {
        guard let index = stranded.firstIndex(where: { $0.id == id }) else { return false }
        stranded[index].leavesStub = false
        return true
    }

    /// Moves files to quarantine, with those that are left of earlier times.
    private mutating func setAside(_ files: [UnreadableFile], _ settings: SegmentLogSettings) {
        let now = monotonicNanoseconds()
        guard !files.isEmpty || !stranded.isEmpty && now >= nextMove else { return }
        nextMove = now &+ Self.moveNanoseconds
        stranded = (stranded + files).filter { !move($0, settings) }
        let bytes = stranded.reduce(0) { $0 + $1.bytes }
        shared.state.withLock { $0.strandedBytes = bytes }
    }

    /// Whether it is where it should be, or gone.
    private func move(_ file: UnreadableFile, _ settings: SegmentLogSettings) -> Bool {
        do throws(QueueFault) {
            try shared.quarantine.take(SegmentFormat.fileName(file.id), from: settings.path)
        } catch {
            shared.note(error)
            guard error.isMissing else { return false }
        }
        do throws(QueueFault) {
            if file.leavesStub { try cutDown(file.id, settings) }
        } catch {
            shared.note(error)
        }
        return true
    }

    /// Leaves nothing but the header of a segment. One whose file is gone gets one that says no more
    /// than that there was a segment.
    private func cutDown(_ id: UInt64, _ settings: SegmentLogSettings) throws(QueueFault) {
        let file = try QueueFile(path(id, settings), .write)
        guard try file.size() ?? 0 < SegmentFormat.start else {
            return try file.truncate(to: SegmentFormat.start)
        }
        let header = SegmentHeader(
            id: id, createdUnixNano: unixNanoseconds(), salt: UInt64.random(in: .min ... .max))
        try file.write(header.begin, at: 0)
    }

    /// Removes the file of a segment, later if the system refuses now; whether it is gone.
    @discardableResult
    mutating func remove(_ id: UInt64, _ settings: SegmentLogSettings) -> Bool {
        do throws(QueueFault) {
            try QueueFolder.remove(path(id, settings))
            return true
        } catch {
            shared.note(error)
            leftover.append(id)
            return false
        }
    }

    /// Leaves segments to the other thread, unless they are small, or their room is needed. It may
    /// keep one that is `reusable`.
    private mutating func leave(
        _ removals: [UInt64], _ reusable: [UInt64], _ settings: SegmentLogSettings, isDirect: Bool
    ) -> Bool {
        let each = settings.effectiveSegmentBytes
        let count = removals.count + reusable.count
        guard each >= Self.largeSegment, count + (remover?.spareCount ?? 0) > 0 else {
            return false
        }
        let takenBytes = shared.state.withLock { $0.takenBytes }
        let undeleted = count + (remover?.count ?? 0) + (remover?.spareCount ?? 0)
        guard takenBytes + (undeleted + 1) * each <= settings.limitBytes else {
            remover?.dropSpares()
            return false
        }
        remover = remover ?? FileRemover(folder: settings.path)
        remover?.remove(isDirect ? removals : removals + reusable)
        if isDirect { remover?.reuse(reusable, leastBytes: each / 2) }
        return remover != nil
    }

    /// A segment made by `make` of a file that was kept, of which it gets the path; nil when there is
    /// no such file, or none can be made of it.
    func takeSpare(
        _ make: (String) throws(QueueFault) -> ActiveSegment
    ) -> ActiveSegment? {
        guard let remover, let spare = remover.takeSpare() else { return nil }
        do throws(QueueFault) {
            return try make(spare)
        } catch {
            // Not every file system gives a file another name like this.
            shared.note(error)
            remover.drop(spare)
            return nil
        }
    }

    /// Has everything deleted that is not needed; says whether there was something.
    func finish() -> Bool {
        remover?.dropSpares()
        return remover?.finish() == true
    }

    /// Ends the thread, after a last try to move what is left.
    mutating func stop() {
        nextMove = 0
        setAside([], shared.settings)
        remover?.stop()
    }

    private func path(_ id: UInt64, _ settings: SegmentLogSettings) -> String {
        settings.path + "/" + SegmentFormat.fileName(id)
    }
}
