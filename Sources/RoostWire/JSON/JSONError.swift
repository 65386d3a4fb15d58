/// Why an OTLP/JSON request could not be read.
public struct JSONError: Error, Equatable {
    /// The two things that can be wrong.
    public enum Kind: Sendable {
        /// Not JSON, or not OTLP.
        case malformed
        /// As protobuf the request would be larger than the receiver takes.
        case tooLarge
    }

    /// What the sender should make of it.
    public let kind: Kind
    /// What is wrong, without the place.
    public let reason: String
    /// In bytes from the start of the request.
    public let offset: Int
    /// The field, `resourceSpans[0].scopeSpans[0].spans[2].kind`; empty for the request itself.
    public let field: String
}

extension JSONError: CustomStringConvertible {
    /// Field, reason and place in one line.
    public var description: String {
        (field.isEmpty ? "" : field + ": ") + reason + " (at byte \(offset))"
    }
}

/// An error on its way up; each level of nesting puts its name in front of the path.
struct JSONFault: Error {
    var kind = JSONError.Kind.malformed
    var reason: String
    var offset: Int
    var path = ""

    init(_ reason: String, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    static func tooLarge(limit: Int) -> JSONFault {
        var fault = JSONFault("the request is larger than \(limit) bytes as protobuf", at: 0)
        fault.kind = .tooLarge
        return fault
    }

    func inElement(_ index: Int) -> JSONFault {
        var fault = self
        fault.path = "[\(index)]" + (path.isEmpty ? "" : "." + path)
        return fault
    }

    func inField(_ name: StaticString) -> JSONFault {
        var fault = self
        let joint = path.isEmpty || path.hasPrefix("[") ? "" : "."
        fault.path = "\(name)" + joint + path
        return fault
    }
}
