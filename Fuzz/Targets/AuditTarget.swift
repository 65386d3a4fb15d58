import RoostCore

@testable import RoostAudit

/// An audit trail that somebody has changed: whatever was done to its records is noticed, and the
/// trail opens and goes on.
///
/// The input is a list of edits, six bytes each, to the files of a trail in several files.
final class AuditTarget: FuzzTarget {
    private let folder = ScratchFolder("audit")
    private let whole: [(name: String, bytes: [UInt8])]

    init() {
        var settings = AuditSettings(path: folder.path)
        settings.fileBytes = 1_500
        guard let trail = try? AuditTrail.open(settings) else { fatalError("no trail") }
        for number in 0..<14 {
            let latch = Latch(1)
            trail.append(
                AuditRecord(
                    action: "tool.execute", result: "success", source: .api, agent: "writer",
                    details: .object([("n", .number(Double(number)))]))
            ) { _ in latch.countDown() }
            latch.wait(untilMonotonic: .max)
        }
        _ = trail.close(deadline: monotonicNanoseconds() + 20_000_000_000)
        whole = folder.files()
        promise(verifyAudit(folder: folder.path).isIntact, "a new trail is not intact")
    }

    func take(_ input: UnsafeRawBufferPointer) {
        var files = whole.map(\.bytes)
        edit(&files, unsafe InputReader(input))
        folder.clear()
        for (file, bytes) in zip(whole, files) { folder.write(file.name, bytes) }
        let verification = verifyAudit(folder: folder.path)
        let hasChanged = zip(whole, files).contains { file, bytes in
            file.name.hasPrefix("audit-") && file.bytes != bytes
        }
        let hasGuards = zip(whole, files).allSatisfy { file, bytes in
            file.name.hasPrefix("audit-") || file.name == "reserve" || file.bytes == bytes
        }
        // A line that is not finished is what a crash leaves behind.
        let newest = whole.lastIndex { $0.name.hasPrefix("audit-") }
        let isOnlyAppended = whole.indices.allSatisfy { index in
            let (before, after) = (whole[index].bytes, files[index])
            return index == newest && after.starts(with: before)
                ? !after.dropFirst(before.count).contains(0x0A)
                : !whole[index].name.hasPrefix("audit-") || after == before
        }
        if hasChanged, hasGuards, !isOnlyAppended {
            promise(!verification.isIntact, "a changed trail is said to be intact")
        }
        if files == whole.map(\.bytes) {
            promise(verification.isIntact, "\(verification.firstBreak as Any)")
        }
        var writer = JSONWriter()
        verification.write(into: &writer)
        promise((try? JSONValue(parsing: writer.bytes)) != nil, "an answer that is no JSON")
        reopen()
    }

    private func reopen() {
        var settings = AuditSettings(path: folder.path)
        settings.fileBytes = 1_500
        guard let trail = try? AuditTrail.open(settings) else { return }
        let latch = Latch(1)
        trail.append(AuditRecord(action: "config.reload", result: "success", source: .roost)) { _ in
            latch.countDown()
        }
        latch.wait(untilMonotonic: .max)
        var query = AuditQuery()
        query.agent = "writer"
        _ = try? trail.query(query)
        _ = trail.status
        _ = trail.close(deadline: monotonicNanoseconds() + 20_000_000_000)
    }

    private func edit(_ files: inout [[UInt8]], _ input: InputReader) {
        var reader = input
        var count = 0
        while !reader.isAtEnd, count < 20 {
            count += 1
            let kind = reader.byte() % 6
            let file = Int(reader.byte()) % files.count
            let (place, value) = (reader.number(), reader.number())
            guard !files[file].isEmpty else { continue }
            let start = place % files[file].count
            let end = min(files[file].count, start + 1 + value % 300)
            switch kind {
            case 0: files[file][start] = UInt8(truncatingIfNeeded: value)
            case 1: files[file].removeLast(files[file].count - start)
            case 2: files[file].removeSubrange(start..<end)
            case 3: files[file].insert(contentsOf: files[file][start..<end], at: start)
            case 4: files[file].append(contentsOf: reader.some(value % 64))
            default: files[file].swapAt(start, end - 1)
            }
        }
    }
}
