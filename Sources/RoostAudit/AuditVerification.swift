public import RoostCore

/// The first place where a trail is not what was written.
public struct AuditBreak: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// A record is not the one that was written.
        case changed
        /// Records or files that were there are not.
        case missing
        /// Records stand in another order, or twice.
        case reordered
        /// The end of a file is gone.
        case truncated
        /// The file cannot be read.
        case unreadable
    }

    /// Its name inside the folder.
    public let file: String
    /// From 1; 0 for the file as a whole.
    public let line: Int
    /// The record's number, if one can be told.
    public let sequence: UInt64?
    public let kind: Kind
    public let message: String
}

/// What reading a whole trail has shown.
public struct AuditVerification: Sendable, Equatable {
    public internal(set) var firstBreak: AuditBreak?
    public internal(set) var files = 0
    /// Files that were removed after they had been sealed, by the manifest.
    public internal(set) var removedFiles = 0
    public internal(set) var records = 0
    public internal(set) var bytes = 0
    /// Of the oldest and of the newest record that is there.
    public internal(set) var firstSequence: UInt64?
    public internal(set) var lastSequence: UInt64?
    /// What is worth knowing and breaks nothing.
    public internal(set) var notes: [String] = []
    /// When the reading ended, in Unix nanoseconds.
    public internal(set) var finished: UInt64 = 0

    public var isIntact: Bool { firstBreak == nil }

    public func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("intact", isIntact)
        writer.field("files", files)
        writer.field("removed_files", removedFiles)
        writer.field("records", records)
        writer.field("bytes", bytes)
        writer.key("first_sequence")
        if let firstSequence { writer.value(firstSequence) } else { writer.null() }
        writer.key("last_sequence")
        if let lastSequence { writer.value(lastSequence) } else { writer.null() }
        writer.field("finished", rfc3339(unixNanoseconds: finished))
        writer.key("first_break")
        if let firstBreak { firstBreak.write(into: &writer) } else { writer.null() }
        writer.array("notes") { writer in
            for note in notes { writer.value(note) }
        }
        writer.endObject()
    }
}

extension AuditBreak {
    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("file", file)
        writer.field("line", line)
        writer.key("sequence")
        if let sequence { writer.value(sequence) } else { writer.null() }
        writer.field("kind", kind.rawValue)
        writer.field("message", message)
        writer.endObject()
    }
}
