import RoostCore

@testable import RoostAudit

/// The lines of a manifest, as somebody would write them who knows how hashes are made.
struct ManifestLines {
    var entries: [ManifestEntry]

    init(_ folder: TrailFolder) throws {
        entries = try folder.lines("manifest.jsonl").compactMap { ManifestEntry($0.span) }
    }

    func write(_ folder: TrailFolder) throws {
        var bytes: [UInt8] = []
        var hash = AuditLine.noHash
        for (place, entry) in entries.enumerated() {
            hash = AuditLine.write(
                sequence: UInt64(place + 1), body: entry.body(time: unixNanoseconds()),
                previous: hash, into: &bytes, SHA256())
        }
        try folder.put(bytes, "manifest.jsonl")
    }
}
