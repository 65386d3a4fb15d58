import RoostCore

/// What goes and when, also on a full disk.
///
/// A file goes after its record is on the disk, so that what is gone without one was taken by
/// somebody else. What is to go is looked for each time anew: what could not be written is forgotten,
/// and another retention finds nothing that was decided under the one before.
extension AuditWriter {
    private static let tidyingNanoseconds: UInt64 = 3_600_000_000_000
    /// Until it is tried again when nothing could be removed.
    private static let retryNanoseconds: UInt64 = 10_000_000_000
    private static let mostAtOnce = 64

    /// Once an hour, after a file was sealed and under another retention: removes what is too old or
    /// too much. Answers whether there is more of it.
    func tidy(_ now: UInt64) -> Bool {
        let isNew = shared.mustTidy.exchange(false, ordering: .acquiring)
        guard isNew || monotonicNanoseconds() >= nextTidying else { return false }
        nextTidying = monotonicNanoseconds() &+ Self.tidyingNanoseconds
        do throws(FileFault) {
            if leaving.isEmpty { try announce(outdated(now).prefix(Self.mostAtOnce), now) }
            try removeWhatLeaves(now)
            reserve.fill()
        } catch {
            guard makeRoom(now) else {
                note(error)
                nextTidying = monotonicNanoseconds() &+ Self.retryNanoseconds
                return false
            }
        }
        guard !outdated(now).isEmpty else { return false }
        nextTidying = 0
        return true
    }

    /// Removes one file after the other: each makes room for the record of the next, and the first
    /// has the reserve. Answers whether one went.
    func makeRoom(_ now: UInt64) -> Bool {
        guard !leaving.isEmpty || !outdated(now).isEmpty else { return false }
        var gone = 0
        while gone < Self.mostAtOnce, !leaving.isEmpty || !outdated(now).isEmpty {
            do throws(FileFault) {
                if leaving.isEmpty { try announce(outdated(now).prefix(1), now) }
                try removeWhatLeaves(now)
                gone += 1
            } catch {
                guard reserve.release() else { break }
            }
        }
        reserve.fill()
        // What is left goes with the next tidying.
        if gone > 0 { nextTidying = 0 }
        return gone > 0
    }

    private func announce(_ files: some Collection<Outdated>, _ now: UInt64) throws(FileFault) {
        guard !files.isEmpty else { return }
        let removals = files.map { AuditRemoval(of: $0.file, reason: $0.reason) }
        let records = zip(removals, files).map { $0.record(first: $1.file.first) }
        _ = try write(records.compactMap { try? $0.body() }, at: now)
        leaving = removals
    }

    private func removeWhatLeaves(_ now: UInt64) throws(FileFault) {
        while let removal = leaving.first {
            try manifest.append(
                .removed(file: removal.file, reason: removal.reason), in: settings.path, at: now,
                sha)
            leaving.removeFirst()
            lastNoted = ""
            publish { $0.counts.removedFiles += 1 }
            try AuditFolder.remove(settings.path + "/" + removal.file)
        }
    }

    private typealias Outdated = (file: FileSummary, reason: String)

    /// Oldest first.
    private func outdated(_ now: UInt64) -> [Outdated] {
        let retention = shared.retention.withLock { $0 }
        var bytes = manifest.files.reduce(active?.bytes ?? 0) { $0 + $1.bytes }
        var found: [Outdated] = []
        for file in manifest.files {
            let isOld = retention.keep.map { file.latest < now &- min(now, $0.nanoseconds) }
            guard isOld == true || bytes > retention.totalBytes else { break }
            found.append((file, isOld == true ? "age" : "size"))
            bytes -= file.bytes
        }
        return found
    }
}
