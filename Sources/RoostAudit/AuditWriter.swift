import RoostCore
import Synchronization

/// A record on its way to the disk.
struct PendingRecord: Sendable {
    /// Its members, as `AuditRecord.body` makes them.
    let body: [UInt8]
    let pair: AuditCounts.Pair
    let agent: String?
    let user: String?
    /// When it was handed over, by the monotonic clock.
    let offered: UInt64
    let then: @Sendable (Result<UInt64, AuditRefusal>) -> Void
}

/// What writer and askers share.
final class AuditShared: Sendable {
    let book: Mutex<AuditBook>
    let retention: Mutex<AuditSettings.Retention>
    /// Another retention than at the last tidying.
    let mustTidy = Atomic<Bool>(false)

    init(_ settings: AuditSettings) {
        book = Mutex(AuditBook(settings))
        retention = Mutex(settings.retention)
    }
}

/// Writes groups of records, seals files and removes old ones.
///
/// Confined to one thread.
final class AuditWriter {
    private let settings: AuditSettings
    private let shared: AuditShared
    private let sha: SHA256
    /// Holds the lock of the folder; nil once the writer is closed.
    private var headFile: AuditFile?
    private var manifest: AuditManifest
    private var file: AuditFile?
    private var active: FileSummary?
    /// The day of UTC that the file belongs to.
    private var day: UInt64 = 0
    private var sequence: UInt64
    private var hash: [UInt8]
    /// Behind the last record there is something that is none.
    private var isDirty = false
    private var needsNewline: Bool
    /// Acts of the trail itself, to go before the next group.
    private var own: [AuditRecord] = []
    /// Removals of which records are in `own`.
    private var announced: [AuditRemoval] = []
    /// Removals of which records are in the file that is written to: the files go.
    private var leaving: [AuditRemoval] = []
    private var nextTidying: UInt64 = 0

    private static let dayNanoseconds: UInt64 = 86_400_000_000_000
    private static let tidyingNanoseconds: UInt64 = 3_600_000_000_000
    /// Removals that are told at once.
    private static let mostOwn = 64

    /// Takes the lock of the folder, and mends what a sudden end has left.
    init(_ settings: AuditSettings, _ shared: AuditShared) throws(AuditOpenError) {
        self.settings = settings
        self.shared = shared
        sha = SHA256()
        let recovery: AuditRecovery
        do throws(FileFault) {
            try AuditFolder.make(settings.path)
            let head = AuditHead(folder: settings.path)
            let headFile = try AuditFile(settings.path + "/" + AuditFolder.head, .overwrite)
            guard headFile.lock() else {
                throw FileFault(description: "another process appends to \(settings.path)")
            }
            recovery = try AuditRecovery(
                folder: settings.path, head: head, recentBytes: settings.recentBytes, sha)
            if let active = recovery.active {
                file = try AuditFile(settings.path + "/" + active.name, .append)
            }
            if head == nil { try headFile.write(recovery.head.encoded(), at: 0) }
            self.headFile = consume headFile
        } catch {
            throw AuditOpenError(error.description)
        }
        manifest = recovery.manifest
        active = recovery.active
        sequence = recovery.sequence
        hash = recovery.hash
        needsNewline = recovery.needsNewline
        day = (recovery.active?.latest ?? 0) / Self.dayNanoseconds
        leaving = recovery.leaving
        if !recovery.findings.isEmpty { tell(recovery.findings) }
        publish { book in
            book.counts.tornTails = UInt64(recovery.tornTails)
            if let recent = recovery.recent { book.begin(with: recent) }
        }
    }

    private func tell(_ findings: [String]) {
        own.append(
            AuditRecord(
                action: "audit.recover", result: "failure", source: .roost,
                details: .object([("found", .array(findings.map { .string($0) }))])))
    }

    var hasOwnRecords: Bool { !own.isEmpty }

    /// Lets go of the folder.
    func close() {
        file = nil
        headFile = nil
    }

    // MARK: a group

    /// Makes a group durable or refuses it as a whole, and tells everybody.
    func commit(_ group: [PendingRecord]) {
        let now = unixNanoseconds()
        do throws(FileFault) {
            try prepare(now)
            let first = try append(group, at: now)
            own = []
            leaving += announced
            announced = []
            finish(group, first: first)
        } catch {
            refuse(group, error)
        }
    }

    /// Answers the number of the first record of the group.
    private func append(
        _ group: [PendingRecord], at now: UInt64
    ) throws(FileFault) -> UInt64 {
        guard var active else { return 0 }
        let time = Array(",\"time\":\"\(rfc3339(unixNanoseconds: now))\"".utf8)
        var bytes: [UInt8] = needsNewline ? [0x0A] : []
        let extra = bytes.count
        var link = (sequence: sequence, hash: hash)
        for body in own.compactMap({ try? $0.body() }) + group.map(\.body) {
            link.sequence += 1
            link.hash = AuditLine.write(
                sequence: link.sequence, body: time + body, previous: link.hash, into: &bytes, sha)
        }
        try write(bytes, at: active.bytes)
        let first = sequence + 1
        active.add(records: Int(link.sequence - sequence), bytes: bytes.count, at: now)
        active.last = link.sequence
        active.lastHash = link.hash
        (sequence, hash, self.active, needsNewline) = (link.sequence, link.hash, active, false)
        writeHead(active)
        let lines = RecentLines.Group(first: first, bytes: Array(bytes.dropFirst(extra)))
        publish { $0.recent.add(lines) }
        return link.sequence + 1 - UInt64(group.count)
    }

    /// All or nothing: what was written of a group that did not fit is taken back.
    private func write(_ bytes: [UInt8], at offset: Int) throws(FileFault) {
        do throws(FileFault) {
            try file?.write(bytes, at: offset)
            try file?.sync()
        } catch {
            isDirty = true
            try? clean()
            throw error
        }
    }

    private func clean() throws(FileFault) {
        guard isDirty, let active else { return }
        try file?.truncate(to: active.bytes)
        isDirty = false
    }

    private func writeHead(_ active: FileSummary) {
        let head = AuditHead(
            sequence: sequence, hash: hash, file: active.name, offset: active.bytes)
        // The next group writes it again; without it a missing end is noticed later.
        try? headFile?.write(head.encoded(), at: 0)
    }

    private func finish(_ group: [PendingRecord], first: UInt64) {
        let now = monotonicNanoseconds()
        shared.book.withLock { book in
            book.lastFailure = nil
            book.counts.groups += 1
            let time = unixNanoseconds()
            for record in group {
                book.counts.add(
                    record.pair, agent: record.agent, tookNanoseconds: now &- record.offered)
                book.recentAgents.see(record.agent, at: time)
                book.recentUsers.see(record.user, at: time)
            }
        }
        var number = first
        for record in group {
            record.then(.success(number))
            number += 1
        }
    }

    private func refuse(_ group: [PendingRecord], _ fault: FileFault) {
        shared.book.withLock { book in
            book.lastFailure = fault.description
            book.counts.fail(.storage, group.count)
        }
        for record in group { record.then(.failure(.storage(fault.description))) }
    }

    // MARK: files

    private func prepare(_ now: UInt64) throws(FileFault) {
        try clean()
        if let active, active.records > 0,
            active.bytes >= shared.retention.withLock({ $0.fileBytes })
                || now / Self.dayNanoseconds > day
        {
            // As long as the seal cannot be written the file goes on growing.
            do throws(FileFault) { try seal(active, now) } catch { note(error) }
        }
        if file == nil { try begin(now) }
    }

    private func begin(_ now: UInt64) throws(FileFault) {
        let name = AuditFolder.fileName(first: sequence + 1)
        file = try AuditFile(settings.path + "/" + name, .append)
        AuditFolder.sync(settings.path)
        active = FileSummary(name: name, first: sequence + 1)
        day = now / Self.dayNanoseconds
    }

    /// Ends the file. The next one begins with a record that says so.
    private func seal(_ sealed: FileSummary, _ now: UInt64) throws(FileFault) {
        try manifest.append(.sealed(sealed), in: settings.path, at: now, sha)
        file?.makeReadOnly()
        file = nil
        active = nil
        // What could not be removed so far is said again, in the next file.
        leaving = []
        own.append(
            AuditRecord(
                action: "audit.seal", result: "success", source: .roost,
                details: .object([
                    ("file", .string(sealed.name)), ("first", .number(Double(sealed.first))),
                    ("last", .number(Double(sealed.last))),
                    ("bytes", .number(Double(sealed.bytes))),
                ])))
        publish { $0.counts.sealedFiles += 1 }
        nextTidying = 0
    }

    // MARK: retention

    /// Once an hour, and after a file was sealed: removes what is too old or too much. Answers whether
    /// records are to be written first, which say what goes.
    ///
    /// A file goes after its record is on the disk, so that what is gone without one was taken by
    /// somebody else.
    func tidy(_ now: UInt64) -> Bool {
        removeWhatLeaves(now)
        guard leaving.isEmpty, announced.isEmpty else { return false }
        let isNew = shared.mustTidy.exchange(false, ordering: .acquiring)
        guard isNew || monotonicNanoseconds() >= nextTidying else { return false }
        nextTidying = monotonicNanoseconds() &+ Self.tidyingNanoseconds
        let outdated = outdated(now)
        let room = max(0, Self.mostOwn - own.count)
        if outdated.count > room { nextTidying = 0 }
        for (file, reason) in outdated.prefix(room) {
            let removal = AuditRemoval(of: file, reason: reason)
            own.append(removal.record(first: file.first))
            announced.append(removal)
        }
        return !announced.isEmpty
    }

    private func removeWhatLeaves(_ now: UInt64) {
        do throws(FileFault) {
            while let removal = leaving.first {
                try manifest.append(
                    .removed(file: removal.file, reason: removal.reason), in: settings.path,
                    at: now, sha)
                leaving.removeFirst()
                publish { $0.counts.removedFiles += 1 }
                try AuditFolder.remove(settings.path + "/" + removal.file)
            }
        } catch {
            note(error)
        }
    }

    /// Oldest first.
    private func outdated(_ now: UInt64) -> [(FileSummary, String)] {
        let retention = shared.retention.withLock { $0 }
        var bytes = manifest.files.reduce(active?.bytes ?? 0) { $0 + $1.bytes }
        var found: [(FileSummary, String)] = []
        for file in manifest.files {
            let isOld = retention.keep.map { file.latest < now &- min(now, $0.nanoseconds) }
            guard isOld == true || bytes > retention.totalBytes else { break }
            found.append((file, isOld == true ? "age" : "size"))
            bytes -= file.bytes
        }
        return found
    }

    private func note(_ fault: FileFault) {
        shared.book.withLock { $0.lastFailure = fault.description }
    }

    private func publish(_ change: (inout AuditBook) -> Void) {
        shared.book.withLock { book in
            book.sealed = manifest.files
            book.active = active
            book.lastSequence = sequence
            change(&book)
        }
    }
}
