import RoostCore

/// What may be unknown is null.
extension JSONWriter {
    mutating func field(_ name: String, known number: Double?) {
        key(name)
        if let number { value(number) } else { null() }
    }

    /// A text; null when it is unknown or empty.
    mutating func field(_ name: String, told text: String?) {
        key(name)
        if let text, !text.isEmpty { value(text) } else { null() }
    }

    /// Unix nanoseconds as RFC 3339; 0 is null.
    mutating func field(_ name: String, at time: UInt64) {
        key(name)
        if time == 0 { null() } else { value(rfc3339(unixNanoseconds: time)) }
    }

    /// A span id; 0 is null.
    mutating func field(_ name: String, span id: UInt64) {
        key(name)
        if id == 0 { null() } else { value(FleetID.text(id)) }
    }

    /// Where the next list goes on.
    mutating func field(_ name: String, next cursor: UInt64?) {
        key(name)
        if let cursor { value(String(cursor)) } else { null() }
    }
}
