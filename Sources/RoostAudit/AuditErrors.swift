import Glibc

/// Why a record was not appended, told as what its sender can do.
public enum AuditRefusal: Error, Equatable, Sendable {
    /// The record itself is wrong; it would be refused again.
    case invalid(String)
    /// Too many records wait for the disk; later is better.
    case busy
    /// The disk did not take it: full, or broken. Nothing of the record is in the trail.
    case storage(String)
    /// The trail is closed.
    case closed

    /// For counters.
    public enum Kind: String, Sendable, CaseIterable {
        case invalid, busy, storage, closed

        /// One sentence for the reference.
        public var explanation: String {
            switch self {
            case .invalid: "the record itself is wrong"
            case .busy: "too many records waited for the disk"
            case .storage: "the disk did not take it: full, or broken"
            case .closed: "the trail was closed, as at the end"
            }
        }
    }

    public var kind: Kind {
        switch self {
        case .invalid: .invalid
        case .busy: .busy
        case .storage: .storage
        case .closed: .closed
        }
    }

    public var message: String {
        switch self {
        case .invalid(let reason): reason
        case .busy: "too many records wait for the disk, try again later"
        case .storage(let reason): "the audit trail cannot be written: \(reason)"
        case .closed: "the audit trail is closed"
        }
    }
}

/// Why a query has no answer, worded for who asked.
public enum AuditQueryError: Error, Equatable, Sendable {
    /// The files hold too much between the newest record asked for and the first one that fits.
    case tooMuch(String)
    case unreadable(String)

    public var message: String {
        switch self {
        case .tooMuch(let text), .unreadable(let text): text
        }
    }
}

/// Why a trail cannot be opened.
public struct AuditOpenError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

/// What the system said to a call on a file.
struct FileFault: Error {
    let description: String
    let isMissing: Bool

    init(description: String) {
        self.description = description
        isMissing = false
    }

    /// Reads `errno`; to be made straight after the call.
    init(_ call: String, _ path: String) {
        let code = errno
        description = unsafe "\(call) \(path): \(String(cString: strerror(code)))"
        isMissing = code == ENOENT
    }
}
