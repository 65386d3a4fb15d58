import RoostCore

extension AuditTrail {
    /// The newest records that fit, newest first. Reads from the disk when those in memory do not
    /// reach back far enough.
    public func query(_ query: AuditQuery) throws(AuditQueryError) -> AuditPage {
        var scan = AuditScan(query, SHA256())
        try fill(&scan, query)
        if scan.isFull { scan.leaveCursor() }
        return scan.page
    }

    /// The records that fit, added up; `slots` is how many equal parts the time is cut into. The
    /// query's limit and cursor mean nothing here.
    public func summary(
        _ query: AuditQuery, since: UInt64, until: UInt64, slots: Int
    ) throws(AuditQueryError) -> AuditSummary {
        var query = query
        query.since = since
        query.until = until
        query.cursor = nil
        var scan = AuditScan(query, SHA256())
        scan.tallies = AuditTallies(since: since, until: until, slots: slots)
        let isComplete = try fill(&scan, query)
        return scan.tallies?.finished(isComplete: isComplete)
            ?? AuditSummary(since: since, until: until, slots: [])
    }

    /// Answers whether everything was read that may fit.
    @discardableResult
    private func fill(
        _ scan: inout AuditScan, _ query: AuditQuery
    ) throws(AuditQueryError) -> Bool {
        let (groups, first, files) = shared.book.withLock { book in
            (Array(book.recent.newestFirst), book.recent.first, book.files)
        }
        for group in groups {
            if scan.isFull { break }
            if let since = query.since, group.latest < since { break }
            scan.take(group.bytes, stopsAtOlder: false)
        }
        guard !scan.isFull else { return true }
        if let first { scan.passOver(from: first) }
        return try read(files, query, before: min(first ?? .max, query.cursor ?? .max), &scan)
    }

    private func read(
        _ files: [FileSummary], _ query: AuditQuery, before: UInt64, _ scan: inout AuditScan
    ) throws(AuditQueryError) -> Bool {
        var left = settings.bytesPerQuery
        for file in files.reversed() where file.records > 0 {
            if file.first >= before { continue }
            if let since = query.since, file.latest < since { continue }
            if let until = query.until, file.earliest > until { continue }
            scan.forgetOlder()
            do throws(FileFault) {
                try read(file, &left, &scan)
            } catch {
                // Retention may have taken it in the meantime.
                if error.isMissing { continue }
                throw .unreadable(error.description)
            }
            if scan.isFull { return true }
            if left <= 0 {
                if scan.tallies == nil { try giveUp(&scan) }
                return false
            }
        }
        return true
    }

    private static let chunkBytes = 1 << 20

    /// Walks back through a file, a chunk at a time.
    private func read(
        _ file: FileSummary, _ left: inout Int, _ scan: inout AuditScan
    ) throws(FileFault) {
        let open = try AuditFile(settings.path + "/" + file.name, .read)
        // What is known of it may be wrong.
        var end = min(file.bytes, try open.size())
        // The beginning of a line whose rest was in the chunk behind.
        var rest: [UInt8] = []
        while end > 0, left > 0, !scan.isFull {
            let start = max(0, end - Self.chunkBytes)
            var bytes = try open.read(from: start, end - start)
            guard bytes.count == end - start else { return }
            left -= bytes.count
            bytes.append(contentsOf: rest)
            var cut = 0
            if start > 0 {
                cut = (bytes.firstIndex(of: 0x0A) ?? bytes.count - 1) + 1
                // No line of ours: it is left out.
                rest = cut <= AuditFile.longestLine ? Array(bytes[..<cut]) : []
            }
            scan.take(Array(bytes[cut...]), stopsAtOlder: file.isOrdered)
            if file.isOrdered && scan.hasMetOlder { return }
            end = start
        }
    }

    /// A page that has something leads on by its cursor; an empty one would have to be asked for
    /// again and again.
    private func giveUp(_ scan: inout AuditScan) throws(AuditQueryError) {
        guard scan.page.records.isEmpty else { return scan.leaveCursor() }
        throw .tooMuch(
            "no record fits in the newest \(settings.bytesPerQuery >> 20) MiB that were read; say "
                + "until and since to look at another time"
                + (scan.sequence.map { ", or cursor=\($0) to look further back" } ?? ""))
    }

    /// How the trail stands.
    public var status: AuditStatus {
        let waiting = queue.withLock { $0.waiting.count }
        let now = unixNanoseconds()
        return shared.book.withLock { book in
            let files = book.files
            return AuditStatus(
                counts: book.counts, records: files.reduce(0) { $0 + $1.records },
                files: files.count, bytes: files.reduce(0) { $0 + $1.bytes },
                oldest: files.first { $0.records > 0 }?.earliest,
                lastSequence: book.lastSequence, activeUsers: book.recentUsers.count(now),
                activeAgents: book.recentAgents.count(now), waiting: waiting,
                lastVerification: book.lastVerification, lastFailure: book.lastFailure)
        }
    }

    /// Reads the whole trail, see `verifyAudit`, and keeps the result for `status`.
    @discardableResult
    public func verify() -> AuditVerification {
        // Before the files are looked at: what is appended meanwhile is then no surprise.
        let known = shared.book.withLock { $0.lastSequence }
        let result = verifyAudit(folder: settings.path, holding: known)
        shared.book.withLock { $0.lastVerification = result }
        return result
    }
}
