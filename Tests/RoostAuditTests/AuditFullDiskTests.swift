import Foundation
import Glibc
import RoostCore
import Synchronization
import Testing

@testable import RoostAudit

/// One after the other, for the limit is that of the whole process.
@Suite(.serialized) struct AuditFullDiskTests {
    @Test func `a full disk refuses, takes nothing half, and is no trouble afterwards`() throws {
        let folder = try TrailFolder()
        let told = Told()
        let trail = try AuditTrail.open(folder.settings, onFault: told.take)
        trail.appendAll(acts(10))
        let answers = withFileSizeLimit {
            trail.appendAll([AuditRecord](repeating: filling(16_000), count: 200), together: false)
        }
        let refused = answers.count {
            if case .failure(.storage) = $0 { true } else { false }
        }
        #expect(refused > 100 && refused < 200)
        #expect(trail.status.lastFailure?.contains("too large") == true)
        #expect(trail.status.counts.completeness < 1)
        #expect(verifyAudit(folder: folder.path).isIntact)
        let numbers = trail.appendAll(acts(2)).compactMap { try? $0.get() }
        trail.end()
        #expect(numbers == [UInt64(211 - refused), UInt64(212 - refused)])
        let result = verifyAudit(folder: folder.path)
        #expect(result.isIntact && result.records == 212 - refused)
        #expect(trail.status.lastFailure == nil)
        // Once each, however much was refused.
        #expect(told.all.count == 2 && told.all[0]?.contains("too large") == true)
        #expect(told.all.last == .some(nil))
    }

    @Test func `what retention wanted on a full disk is forgotten with it`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let before = folder.files
        let trail = try AuditTrail.open(folder.settings)
        withFileSizeLimit {
            // Not even one record of a removal fits.
            fillUp(trail, folder, leaving: 100)
            var small = folder.settings
            small.totalBytes = 1
            trail.use(small)
            // The turn after this one comes when the one before is over.
            for _ in 0..<2 { #expect(throws: (any Error).self) { try append(trail) } }
            #expect(folder.files == before)
            trail.use(folder.settings)
        }
        #expect(throws: Never.self) { try append(trail) }
        trail.end()
        #expect(folder.files == before)
        #expect(try trail.query(AuditQuery(action: "audit.remove")).records.isEmpty)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test func `removals have a record each on a full disk, the oldest file first`() throws {
        let folder = try TrailFolder()
        try sealedTrail(folder)
        let before = folder.files
        let trail = try AuditTrail.open(folder.settings)
        withFileSizeLimit {
            // One record of a removal fits.
            fillUp(trail, folder, leaving: 800)
            var small = folder.settings
            small.totalBytes = 1
            trail.use(small)
            for _ in 0..<2 { #expect(throws: (any Error).self) { try append(trail, 2_000) } }
            #expect(folder.files == Array(before.dropFirst()))
            #expect(verifyAudit(folder: folder.path).isIntact)
        }
        #expect(throws: Never.self) { try append(trail) }
        trail.end()
        #expect(folder.files == [before.last])
        let removals = try trail.query(AuditQuery(action: "audit.remove", limit: 100))
        #expect(removals.records.count == before.count - 1)
        #expect(verifyAudit(folder: folder.path).isIntact)
    }

    @Test(.enabled(if: SmallDisk.canBeMade))
    func `retention makes room on a full disk`() throws {
        let disk = try SmallDisk(bytes: 1 << 20)
        var settings = AuditSettings(path: disk.folder.path)
        settings.fileBytes = 64 << 10
        let trail = try AuditTrail.open(settings)
        while trail.appendAll([filling(15_000)]).contains(where: { (try? $0.get()) != nil }) {}
        // Down to the last byte of every block that is left.
        while trail.appendAll([filling(0)]).contains(where: { (try? $0.get()) != nil }) {}
        let before = disk.folder.files.count
        #expect(before > 10)
        settings.totalBytes = 300 << 10
        trail.use(settings)
        #expect(trail.appendAll([filling(15_000)]).allSatisfy { (try? $0.get()) != nil })
        trail.end()
        #expect(disk.folder.files.count < 6)
        let result = verifyAudit(folder: disk.folder.path)
        #expect(result.isIntact && result.removedFiles > before - 6, "\(result)")
        #expect(disk.folder.files.first != "audit-000000000001.jsonl")
        #expect(try disk.folder.bytes(AuditReserve.name).count == 64 << 10)
    }
}

/// A record with so many bytes in its details.
private func filling(_ bytes: Int) -> AuditRecord {
    act(details: .object([("x", .string(String(repeating: "y", count: bytes)))]))
}

private func append(_ trail: AuditTrail, _ bytes: Int = 0) throws {
    for result in trail.appendAll([filling(bytes)]) { _ = try result.get() }
}

/// Appends until the file is so much smaller than the limit of `withFileSizeLimit`.
private func fillUp(_ trail: AuditTrail, _ folder: TrailFolder, leaving: Int) {
    let name = folder.files.last ?? ""
    while let size = try? folder.bytes(name).count {
        let missing = fileSizeLimit - leaving - size
        let line = 500
        guard missing > line else { return }
        trail.appendAll([filling(missing > 16_000 ? 10_000 : missing - line)])
    }
}

private let fileSizeLimit = 1 << 20

/// No file of this process grows larger than 1 MiB meanwhile.
private func withFileSizeLimit<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
    var before = rlimit()
    let resource = __rlimit_resource_t(1)
    #expect(unsafe getrlimit(resource, &before) == 0)
    var limit = before
    limit.rlim_cur = rlim_t(fileSizeLimit)
    #expect(unsafe setrlimit(resource, &limit) == 0)
    defer { #expect(unsafe setrlimit(resource, &before) == 0) }
    return try body()
}

/// What the trail said of the disk.
private final class Told: Sendable {
    private let list = Mutex([String?]())

    var all: [String?] { list.withLock { $0 } }

    @Sendable func take(_ fault: String?) { list.withLock { $0.append(fault) } }
}

/// A disk of its own for one test; only root can make one.
private final class SmallDisk {
    let folder: TrailFolder

    static var canBeMade: Bool { (try? SmallDisk(bytes: 1 << 20)) != nil }

    init(bytes: Int) throws {
        folder = try TrailFolder()
        let made = unsafe mount("tmpfs", folder.path, "tmpfs", 0, "size=\(bytes)")
        guard made == 0 else { throw Unmade() }
    }

    deinit { _ = unsafe umount2(folder.path, Int32(MNT_DETACH)) }

    private struct Unmade: Error {}
}
