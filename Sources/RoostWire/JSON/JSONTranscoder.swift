import RoostCore

/// Reads OTLP/JSON front to back and writes protobuf as it goes; holds nothing but its output.
///
/// One function per message level; the depth is bounded, and so is the stack. The rules are those
/// of the OTLP specification, "JSON Protobuf Encoding", and of proto3 JSON below it.
@safe struct JSONTranscoder: ~Copyable {
    private var cursor: JSONCursor
    private var output: ProtobufOutput
    private let fields: UnsafeBufferPointer<JSONField>
    private let starts: UnsafeBufferPointer<Int>
    /// The first value that makes the item around it malformed, in a form that the reader of the
    /// result rejects.
    var flaw: JSONFault? { firstFlaw?.fault }
    private var firstFlaw: Flaw?

    /// A class, because a larger transcoder is copied at every key.
    private final class Flaw {
        let fault: JSONFault
        init(_ fault: JSONFault) { self.fault = fault }
    }

    /// Messages below the request, as in the protobuf reader.
    static let maxDepth = WireError.maxDepth

    /// All three buffers must outlive the transcoder.
    init(
        _ json: UnsafeBufferPointer<UInt8>, fields: UnsafeBufferPointer<JSONField>,
        starts: UnsafeBufferPointer<Int>, maxBytes: Int
    ) {
        // An empty buffer may have no address; its cursor never reads.
        cursor = unsafe JSONCursor(
            json.baseAddress ?? WireBytes.empty.base, count: json.count)
        // JSON is two to four times as long as the same in protobuf.
        output = ProtobufOutput(capacity: json.count / 2 + 64, limit: maxBytes)
        unsafe self.fields = fields
        unsafe self.starts = starts
    }

    /// The whole text: one object, and nothing but white space around it.
    mutating func request(
        _ message: OTLPMessage, reservation: MemoryReservation?
    ) throws(JSONFault) -> ByteBlock {
        // A byte order mark is against RFC 8259, and yet it happens.
        _ = cursor.take("\u{FEFF}")
        try cursor.expect(UInt8(ascii: "{"))
        try object(message, depth: 0)
        cursor.skipSpace()
        guard cursor.peek() == nil else { throw cursor.unexpected(wanted: "the end") }
        return try output.finish(reservation: reservation)
    }

    /// The members of an object, from behind its brace and the space there to behind its end.
    private mutating func object(_ message: OTLPMessage, depth: Int) throws(JSONFault) {
        if cursor.take(UInt8(ascii: "}")) { return }
        let first = unsafe starts[Int(message.rawValue)]
        let end = unsafe starts[Int(message.rawValue) + 1]
        var seen: UInt32 = 0
        var oneofs: UInt8 = 0
        // Most senders write fields in one order, so the search begins behind the last hit.
        var next = first
        repeat {
            let keyStart = cursor.offset
            let key = try cursor.key()
            guard let index = find(key, first: first, end: end, from: next) else {
                try cursor.skipValue()
                continue
            }
            next = index + 1
            let field = unsafe fields[index]
            let bit: UInt32 = 1 << UInt32(index - first)
            guard seen & bit == 0 else {
                throw JSONFault("the key occurs twice", at: keyStart).inField(field.name)
            }
            seen |= bit
            do throws(JSONFault) {
                if cursor.take("null") { continue }
                if field.oneof != 0 {
                    guard oneofs & field.oneof == 0 else {
                        throw JSONFault("another value stands beside this one", at: keyStart)
                    }
                    oneofs |= field.oneof
                }
                if field.isRepeated {
                    try array(field, depth: depth)
                } else if field.kind == .message {
                    try child(field, depth: depth)
                } else {
                    try scalar(field, isElement: false)
                }
            } catch {
                throw error.inField(field.name)
            }
        } while try cursor.another(until: UInt8(ascii: "}"))
    }

    /// The index of the field that `key` names, nil if there is none.
    @inline(__always)
    private func find(_ key: JSONString, first: Int, end: Int, from next: Int) -> Int? {
        if key.hasEscapes { return findEscaped(key, first: first, end: end) }
        let name = unsafe cursor.bytes + key.start
        let length = key.decodedCount
        for index in next..<end where unsafe isNamed(index, name, length) { return index }
        for index in first..<next where unsafe isNamed(index, name, length) { return index }
        return nil
    }

    @inline(__always)
    private func isNamed(_ index: Int, _ name: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        unsafe WireBytes(base: name, count: length).equals(fields[index].name)
    }

    private func findEscaped(_ key: JSONString, first: Int, end: Int) -> Int? {
        guard key.decodedCount < 64 else { return nil }
        return unsafe withText(key) { name, length in
            for index in first..<end where unsafe isNamed(index, name, length) { return index }
            return nil
        }
    }

    /// One message, object or element of an array.
    private mutating func child(_ field: JSONField, depth: Int) throws(JSONFault) {
        guard depth < JSONTranscoder.maxDepth else {
            throw JSONFault(
                "nested more than \(JSONTranscoder.maxDepth) messages deep", at: cursor.offset)
        }
        guard cursor.take(UInt8(ascii: "{")) else { throw cursor.unexpected(wanted: "an object") }
        cursor.skipSpace()
        let open = try output.open(
            tag: field.tag, usualLengthBytes: field.message.usualLengthBytes)
        try object(field.message, depth: depth + 1)
        try output.close(open)
    }

    private mutating func array(_ field: JSONField, depth: Int) throws(JSONFault) {
        guard cursor.take(UInt8(ascii: "[")) else { throw cursor.unexpected(wanted: "an array") }
        cursor.skipSpace()
        if cursor.take(UInt8(ascii: "]")) { return }
        let isPacked = field.kind != .message && field.kind != .string
        let open = isPacked ? try output.open(tag: field.tag, usualLengthBytes: 1) : nil
        var index = 0
        repeat {
            do throws(JSONFault) {
                if field.kind == .message {
                    try child(field, depth: depth)
                } else {
                    try scalar(field, isElement: true)
                }
            } catch {
                throw error.inElement(index)
            }
            index += 1
        } while try cursor.another(until: UInt8(ascii: "]"))
        if let open { try output.close(open) }
    }

    /// One value that is no message. A field that has its default value is left out, an element of
    /// an array never is.
    private mutating func scalar(_ field: JSONField, isElement: Bool) throws(JSONFault) {
        let isWritten = field.hasPresence || isElement
        switch field.kind {
        case .string: try string(field, isWritten: isWritten)
        case .hex, .base64: try bytes(field, isWritten: isWritten)
        case .bool:
            let value = cursor.take("true")
            guard value || cursor.take("false") else {
                throw cursor.unexpected(wanted: "true or false")
            }
            try put(varint: value ? 1 : 0, field, isWritten: isWritten, isElement: isElement)
        case .double:
            let value = try double()
            if value.bitPattern == 0 && !isWritten { return }
            if !isElement { try output.append(varint: UInt64(field.tag)) }
            try output.append(fixed64: value.bitPattern)
        case .int32, .int64, .sint32, .sfixed64, .enumeration:
            try integer(field, try signed(field), isWritten: isWritten, isElement: isElement)
        case .uint32, .uint64, .fixed32, .fixed64:
            try integer(field, try unsigned(field), isWritten: isWritten, isElement: isElement)
        case .message: break
        }
    }

    private mutating func integer(
        _ field: JSONField, _ value: UInt64, isWritten: Bool, isElement: Bool
    ) throws(JSONFault) {
        switch field.kind {
        case .fixed64, .sfixed64:
            if value == 0 && !isWritten { return }
            if !isElement { try output.append(varint: UInt64(field.tag)) }
            try output.append(fixed64: value)
        case .fixed32:
            if value == 0 && !isWritten { return }
            if !isElement { try output.append(varint: UInt64(field.tag)) }
            try output.append(fixed32: UInt32(truncatingIfNeeded: value))
        default: try put(varint: value, field, isWritten: isWritten, isElement: isElement)
        }
    }

    private mutating func put(
        varint value: UInt64, _ field: JSONField, isWritten: Bool, isElement: Bool
    ) throws(JSONFault) {
        if value == 0 && !isWritten { return }
        if !isElement { try output.append(varint: UInt64(field.tag)) }
        try output.append(varint: value)
    }

    private mutating func string(_ field: JSONField, isWritten: Bool) throws(JSONFault) {
        guard cursor.take(UInt8(ascii: "\"")) else { throw cursor.unexpected(wanted: "a string") }
        let string = try cursor.string()
        if string.decodedCount == 0 && !isWritten { return }
        if cursor.flawedString == string.start {
            note("a string is not UTF-8", field, at: string.start - 1)
        }
        let cursor = cursor
        unsafe try output.append(tag: field.tag, length: string.decodedCount) { target in
            if string.hasEscapes {
                unsafe cursor.decode(string, into: target)
            } else {
                unsafe target.update(
                    from: cursor.bytes + string.start, count: string.decodedCount)
            }
        }
    }

    private mutating func bytes(_ field: JSONField, isWritten: Bool) throws(JSONFault) {
        let start = cursor.offset
        guard cursor.take(UInt8(ascii: "\"")) else { throw cursor.unexpected(wanted: "a string") }
        let string = try cursor.string()
        if string.decodedCount == 0 && !isWritten { return }
        let isHex = field.kind == .hex
        guard !string.hasEscapes else {
            return try escapedBytes(field, string, start: start)
        }
        let text = unsafe UnsafeBufferPointer(
            start: cursor.bytes + string.start, count: string.decodedCount)
        try unsafe put(text, isHex: isHex, field, start: start)
    }

    private mutating func escapedBytes(
        _ field: JSONField, _ string: JSONString, start: Int
    ) throws(JSONFault) {
        let text = unsafe withText(string) { text, count in
            unsafe [UInt8](UnsafeBufferPointer(start: text, count: count))
        }
        try unsafe text.withUnsafeBufferPointer { text throws(JSONFault) in
            try unsafe put(text, isHex: field.kind == .hex, field, start: start)
        }
    }

    private mutating func put(
        _ text: UnsafeBufferPointer<UInt8>, isHex: Bool, _ field: JSONField, start: Int
    ) throws(JSONFault) {
        if isHex {
            guard text.count % 2 == 0 else {
                return try putUnfitID(field, "an odd number of hexadecimal digits", at: start)
            }
            var isRight = true
            let before = output.count
            unsafe try output.append(tag: field.tag, length: text.count / 2) { target in
                isRight = unsafe decodeHex(text, into: target)
            }
            guard !isRight else { return }
            output.takeBack(to: before)
            try putUnfitID(field, "a byte that is no hexadecimal digit", at: start)
        } else {
            guard let length = unsafe base64Length(text) else {
                throw JSONFault("base64 of impossible length", at: start)
            }
            var isRight = true
            unsafe try output.append(tag: field.tag, length: length) { target in
                isRight = unsafe decodeBase64(text, into: target)
            }
            if !isRight { throw JSONFault("a byte that is not base64", at: start) }
        }
    }

    /// An id of one byte, which no field takes.
    @inline(never)
    private mutating func putUnfitID(
        _ field: JSONField, _ reason: String, at offset: Int
    ) throws(JSONFault) {
        note(reason, field, at: offset)
        unsafe try output.append(tag: field.tag, length: 1) { unsafe $0[0] = 0xFF }
    }

    @inline(never)
    private mutating func note(_ reason: String, _ field: JSONField, at offset: Int) {
        guard firstFlaw == nil else { return }
        firstFlaw = Flaw(JSONFault(reason, at: offset).inField(field.name))
    }

    // MARK: - Numbers, plain or in quotes

    private mutating func double() throws(JSONFault) -> Double {
        let start = cursor.offset
        let value: Double
        if cursor.take(UInt8(ascii: "\"")) {
            let string = try cursor.string()
            let parsed: Double? = unsafe withText(string) { text, count in
                var inner = unsafe JSONCursor(text, count: count)
                if let special = inner.specialDouble() { return special }
                guard let number = inner.wholeNumber() else { return nil }
                let value = inner.double(number)
                return value.isFinite ? value : nil
            }
            guard let parsed else { throw JSONFault("a string that is no double", at: start) }
            value = parsed
        } else {
            value = cursor.double(try cursor.number())
            guard value.isFinite else {
                throw JSONFault("a number beyond the range of a double", at: start)
            }
        }
        return value
    }

    /// The number here, or in the string here; nil in a string that is not a number.
    @inline(__always)
    private mutating func number() throws(JSONFault) -> JSONNumber? {
        guard cursor.take(UInt8(ascii: "\"")) else { return try cursor.number() }
        let string = try cursor.string()
        return unsafe withText(string) { text, count in
            var inner = unsafe JSONCursor(text, count: count)
            return inner.wholeNumber()
        }
    }

    private mutating func unsigned(_ field: JSONField) throws(JSONFault) -> UInt64 {
        let start = cursor.offset
        guard let number = try number() else {
            throw JSONFault("a string that is no integer", at: start)
        }
        let isWide = field.kind == .uint64 || field.kind == .fixed64
        guard let value = number.unsigned, isWide || value <= UInt32.max else {
            throw JSONFault(
                "no unsigned integer of \(isWide ? 64 : 32) bits", at: start)
        }
        return value
    }

    /// As it stands in a varint or fixed64.
    private mutating func signed(_ field: JSONField) throws(JSONFault) -> UInt64 {
        let start = cursor.offset
        let copy = cursor
        let parsed = try number()
        guard let number = parsed else {
            if field.kind == .enumeration { return try named(field, copy) }
            throw JSONFault("a string that is no integer", at: start)
        }
        let isWide = field.kind == .int64 || field.kind == .sfixed64
        guard let value = number.signed, isWide || Int64(Int32.min)...Int64(Int32.max) ~= value
        else { throw JSONFault("no integer of \(isWide ? 64 : 32) bits", at: start) }
        if field.kind == .sint32 {
            return UInt64(UInt32(truncatingIfNeeded: value << 1 ^ value >> 63))
        }
        return UInt64(bitPattern: value)
    }

    /// The number of an enumeration's name, which stands at `place`.
    private func named(_ field: JSONField, _ place: JSONCursor) throws(JSONFault) -> UInt64 {
        var place = place
        let start = place.offset
        place.advance(1)
        let string = try place.string()
        let number: Int? = unsafe withText(string) { text, count in
            field.names.names.firstIndex { name in
                guard name.utf8CodeUnitCount == count else { return false }
                return unsafe UnsafeBufferPointer(start: name.utf8Start, count: count)
                    .elementsEqual(UnsafeBufferPointer(start: text, count: count))
            }
        }
        guard let number else { throw JSONFault("a name that the enumeration has not", at: start) }
        return UInt64(number)
    }

    /// Lends a string with its escapes undone.
    @inline(__always)
    private func withText<Result>(
        _ string: JSONString, _ body: (UnsafePointer<UInt8>, Int) -> Result
    ) -> Result {
        guard string.hasEscapes else {
            return unsafe body(cursor.bytes + string.start, string.decodedCount)
        }
        return unsafe withUnsafeTemporaryAllocation(
            of: UInt8.self, capacity: string.decodedCount + 1
        ) { scratch in
            guard let base = scratch.baseAddress else {
                return unsafe body(cursor.bytes + string.start, 0)
            }
            unsafe cursor.decode(string, into: base)
            return unsafe body(base, string.decodedCount)
        }
    }
}

extension JSONCursor {
    /// The number that this text is from end to end.
    mutating func wholeNumber() -> JSONNumber? {
        guard let number = try? number(), peek() == nil else { return nil }
        return number
    }

    /// One of the three doubles that have names. proto3 JSON mapping.
    mutating func specialDouble() -> Double? {
        let value: Double
        if take("NaN") {
            value = .nan
        } else if take("Infinity") {
            value = .infinity
        } else if take("-Infinity") {
            value = -.infinity
        } else {
            return nil
        }
        return peek() == nil ? value : nil
    }
}
