import RoostCore

/// The members of a record that queries look at, as places in its line, still escaped.
///
/// Reading one takes no memory. The order of the members is that of `AuditRecord.body`, behind the time.
struct AuditHeader {
    /// Of a text between its quotes; nil for null.
    typealias Text = Range<Int>?

    let sequence: UInt64
    let time: Range<Int>
    let agent: Text
    let action: Range<Int>
    let user: Text
    let result: Range<Int>

    /// Nil for a line of another form.
    init?(_ line: Span<UInt8>) {
        guard let sequence = AuditLine.sequence(line) else { return nil }
        self.sequence = sequence
        var place = 0
        while place < line.count, line[place] != UInt8(ascii: ",") { place += 1 }
        guard let time = Self.text("time", line, &place), let time,
            let agent = Self.text("agent", line, &place),
            let action = Self.text("action", line, &place), let action,
            let user = Self.text("user", line, &place),
            let result = Self.text("result", line, &place), let result
        else { return nil }
        self.time = time
        self.agent = agent
        self.action = action
        self.user = user
        self.result = result
    }

    /// Reads `,"name":"text"` or `,"name":null`; the outer nil is for anything else.
    private static func text(
        _ name: StaticString, _ line: Span<UInt8>, _ place: inout Int
    ) -> Text? {
        guard take(",\"", line, &place), take(name, line, &place), take("\":", line, &place) else {
            return nil
        }
        if take("null", line, &place) { return .some(nil) }
        guard take("\"", line, &place) else { return nil }
        let start = place
        while place < line.count {
            switch line[place] {
            case UInt8(ascii: "\\"): place += 2
            case UInt8(ascii: "\""):
                place += 1
                return start..<place - 1
            default: place += 1
            }
        }
        return nil
    }

    private static func take(
        _ text: StaticString, _ line: Span<UInt8>, _ place: inout Int
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard place + count <= line.count else { return false }
        for index in 0..<count where unsafe line[place + index] != text.utf8Start[index] {
            return false
        }
        place += count
        return true
    }

    /// Unix nanoseconds; 0 when the text is no moment.
    func unixNanoseconds(_ line: Span<UInt8>) -> UInt64 {
        RoostCore.unixNanoseconds(rfc3339: line.extracting(time)) ?? 0
    }
}
