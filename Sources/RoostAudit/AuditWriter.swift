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
    /// See `AuditTrail.open`.
    let onFault: @Sendable (String?) -> Void

    init(_ settings: AuditSettings, onFault: @escaping @Sendable (String?) -> Void) {
        self.onFault = onFault
        book = Mutex(AuditBook(settings))
        retention = Mutex(settings.retention)
    }
}

/// Writes groups of records, seals files and removes old ones.
///
/// Confined to one thread.
final class AuditWriter {
    let settings: AuditSettings
    let shared: AuditShared
    let sha: SHA256
    let reserve: AuditReserve
    /// Holds the lock of the folder; nil once the writer is closed.
    private var headFile: AuditFile?
    var manifest: AuditManifest
    private var file: AuditFile?
    private(set) var active: FileSummary?
    /// The day of UTC that the file belongs to.
    private var day: UInt64 = 0
    private var sequence: UInt64
    private var hash: [UInt8]
    /// Behind the last record there is something that is none.
    private var isDirty = false
    private var needsNewline: Bool
    /// Acts of the trail itself, to go before the next group.
    private var own: [AuditRecord] = []
    /// Removals of which records are in the file that is written to: the files go.
    var leaving: [AuditRemoval] = []
    var nextTidying: UInt64 = 0
    /// The last group was.
    private var isRefused = false
    /// What was told of sealing and removing since either was done.
    var lastNoted = ""

    private static let dayNanoseconds: UInt64 = 86_400_000_000_000

    /// Takes the lock of the folder, and mends what a sudden end has left.
    init(_ settings: AuditSettings, _ shared: AuditShared) throws(AuditOpenError) {
        self.settings = settings
        self.shared = shared
        sha = SHA256()
        reserve = AuditReserve(folder: settings.path)
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
        reserve.fill()
        if !recovery.findings.isEmpty { tell(recovery.findings) }
        publish { book in
            book.counts.tornTails = UInt64(recovery.tornTails)
            if let recent = recovery.recent { book.begin(with: recent.first, recent.lines) }
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
    ///
    /// Where the disk does not take it, what retention wants removed goes first.
    func commit(_ group: [PendingRecord]) {
        let now = unixNanoseconds()
        let bodies = group.map(\.body)
        do throws(FileFault) {
            do throws(FileFault) {
                finish(group, first: try write(bodies, at: now))
            } catch {
                guard makeRoom(now) else { throw error }
                finish(group, first: try write(bodies, at: now))
            }
        } catch {
            refuse(group, error)
        }
    }

    /// Appends records behind those of the trail itself that wait; answers the number of the first.
    func write(_ bodies: [[UInt8]], at now: UInt64) throws(FileFault) -> UInt64 {
        try prepare(now)
        let before = own.compactMap { try? $0.body() }
        let first = try append(before + bodies, at: now)
        own = []
        return first + UInt64(before.count)
    }

    /// Answers the number of the first.
    private func append(_ bodies: [[UInt8]], at now: UInt64) throws(FileFault) -> UInt64 {
        guard var active else { return 0 }
        let time = Array(",\"time\":\"\(rfc3339(unixNanoseconds: now))\"".utf8)
        var bytes: [UInt8] = needsNewline ? [0x0A] : []
        let extra = bytes.count
        var link = (sequence: sequence, hash: hash)
        for body in bodies {
            link.sequence += 1
            link.hash = AuditLine.write(
                sequence: link.sequence, body: time + body, previous: link.hash, into: &bytes, sha)
        }
        try write(bytes, at: active.bytes)
        let first = sequence + 1
        active.add(records: bodies.count, bytes: bytes.count, at: now)
        active.last = link.sequence
        active.lastHash = link.hash
        (sequence, hash, self.active, needsNewline) = (link.sequence, link.hash, active, false)
        writeHead(active)
        let lines = Array(bytes.dropFirst(extra))
        publish { book in
            book.recent.add(lines, from: first, at: now)
            book.counts.groups += 1
            book.lastFailure = nil
        }
        return first
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
        if isRefused {
            isRefused = false
            shared.onFault(nil)
            // What could not be removed may go now.
            nextTidying = 0
        }
        let now = monotonicNanoseconds()
        shared.book.withLock { book in
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
        if !isRefused { shared.onFault(fault.description) }
        isRefused = true
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
        lastNoted = ""
        publish { $0.counts.sealedFiles += 1 }
        nextTidying = 0
    }

    /// Of what is tried again. The same is told once.
    func note(_ fault: FileFault) {
        if fault.description != lastNoted { shared.onFault(fault.description) }
        lastNoted = fault.description
        shared.book.withLock { $0.lastFailure = fault.description }
    }

    func publish(_ change: (inout AuditBook) -> Void) {
        shared.book.withLock { book in
            book.sealed = manifest.files
            book.active = active
            book.lastSequence = sequence
            change(&book)
        }
    }
}
