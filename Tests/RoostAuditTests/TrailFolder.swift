import Foundation
import RoostAudit
import RoostCore
import Synchronization

/// A folder for one test, removed with the object.
final class TrailFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "roost-audit-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var settings: AuditSettings { AuditSettings(path: path) }

    /// The files with records, oldest first.
    var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasPrefix("audit-") }.sorted()
    }

    func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
    }

    /// Sealed files are read-only, which does not keep a tamperer away.
    func put(_ bytes: [UInt8], _ name: String) throws { try Self.put(bytes, path + "/" + name) }

    static func put(_ bytes: [UInt8], _ path: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    func lines(_ name: String) throws -> [[UInt8]] {
        try bytes(name).split(separator: 0x0A).map { Array($0) }
    }

    func putLines(_ lines: [[UInt8]], _ name: String) throws {
        try put(lines.flatMap { $0 + [0x0A] }, name)
    }

    func copy() throws -> TrailFolder {
        let other = try TrailFolder()
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try other.put(try bytes(name), name)
        }
        return other
    }
}

extension AuditTrail {
    /// Appends one after the other or together, and waits for the disk.
    @discardableResult
    func appendAll(_ records: [AuditRecord], together: Bool = true) -> [Result<
        UInt64, AuditRefusal
    >] {
        let results = Mutex([Result<UInt64, AuditRefusal>?](repeating: nil, count: records.count))
        let all = Latch(records.count)
        for (index, record) in records.enumerated() {
            let one = Latch(1)
            append(record) { result in
                results.withLock { $0[index] = result }
                one.countDown()
                all.countDown()
            }
            if !together { one.wait(untilMonotonic: .max) }
        }
        all.wait(untilMonotonic: .max)
        return results.withLock { $0.compactMap { $0 } }
    }

    func end() { close(deadline: monotonicNanoseconds() + 20_000_000_000) }
}

/// A record like many others.
func act(
    _ action: String = "tool.execute", _ result: String = "success", agent: String? = "writer",
    user: String? = "ada", details: JSONValue? = nil
) -> AuditRecord {
    AuditRecord(
        action: action, result: result, source: .api, agent: agent, user: user, session: "s-1",
        traceID: "0af7651916cd43dd8448eb211c80319c", details: details)
}

func acts(_ count: Int) -> [AuditRecord] {
    (0..<count).map { act(details: .object([("index", .number(Double($0)))])) }
}

/// A small trail in several sealed files and an open one.
func sealedTrail(_ folder: TrailFolder, records: Int = 40, fileBytes: Int = 3000) throws {
    var settings = folder.settings
    settings.fileBytes = fileBytes
    let trail = try AuditTrail.open(settings)
    trail.appendAll(acts(records), together: false)
    trail.end()
}
