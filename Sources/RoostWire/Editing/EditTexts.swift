/// Decides what becomes of the texts of a request.
public protocol TextEditor {
    /// Whether anything in these bytes of the request may change. Ranges come in ascending order,
    /// inner ones after those around them.
    mutating func concerns(_ range: Range<Int>) -> Bool

    /// What becomes of the value that has this key, of an attribute or of an entry in a map. Of a
    /// string or bytes `value` is what they say, of anything else how it is encoded.
    mutating func keyed(_ key: WireBytes, _ value: WireBytes) -> TextVerdict

    /// What becomes of the body of a log record with this event name, which may be empty; asked
    /// only with `looksAtBodies`.
    mutating func body(event: WireBytes, _ value: WireBytes) -> TextVerdict

    var looksAtBodies: Bool { get }

    /// What becomes of the message in the status of a span.
    mutating func statusMessage(_ message: WireBytes) -> TextVerdict

    /// What becomes of a text: a name, a description, a string or bytes anywhere in a value.
    mutating func text(_ text: WireBytes) -> TextVerdict

    /// What takes the place of the last text or value that `.replace` was said of.
    var replacement: [UInt8] { get }
}

public enum TextVerdict {
    /// It stays; of a value, its texts are asked for in turn.
    case keep
    /// `replacement` takes its place, as text.
    case replace
    /// It is left out: an attribute or an entry of a map as a whole, with everything in it.
    case drop
}

/// Asks `editor` about every text in a validated request and adds what it wants changed to `edits`.
///
/// Texts are names of spans and events, status messages, descriptions of metrics, log bodies, and
/// the attributes of everything that has some. Unknown fields are not looked into.
public func editTexts<Editor: TextEditor>(
    _ body: UnsafeRawBufferPointer, signal: Signal, editor: inout Editor, edits: EditList
) {
    var walk = TextWalk(editor: editor, edits: edits)
    unsafe walk.fields(of: .request(signal), WireCursor(body))
    editor = walk.editor
}

/// A message of OTLP as far as it leads to texts. `Protos/` has their field numbers.
private enum TextHolder {
    case resourceEntry(Signal), scopeEntry(Signal), resource, scope
    case span, event, link, status
    case metric, points, histogramPoints, exponentialPoints, numberPoint, histogramPoint
    case exponentialPoint, summaryPoints, summaryPoint, exemplar
    case logRecord
    case request(Signal)

    enum Part {
        case holder(TextHolder)
        case attribute, text, statusMessage, body
    }

    /// What field `number` of this message is; nil for what holds no text.
    func part(_ number: UInt32) -> Part? {
        switch (self, number) {
        case (.request(let signal), 1): .holder(.resourceEntry(signal))
        case (.resourceEntry, 1): .holder(.resource)
        case (.resourceEntry(let signal), 2): .holder(.scopeEntry(signal))
        case (.scopeEntry, 1): .holder(.scope)
        case (.scopeEntry(.traces), 2): .holder(.span)
        case (.scopeEntry(.metrics), 2): .holder(.metric)
        case (.scopeEntry(.logs), 2): .holder(.logRecord)
        case (.resource, 1), (.scope, 3): .attribute
        case (.span, 5), (.event, 2), (.metric, 2): .text
        case (.status, 2): .statusMessage
        case (.span, 9), (.event, 3), (.link, 4): .attribute
        case (.span, 11): .holder(.event)
        case (.span, 13): .holder(.link)
        case (.span, 15): .holder(.status)
        case (.metric, 5), (.metric, 7): .holder(.points)
        case (.metric, 9): .holder(.histogramPoints)
        case (.metric, 10): .holder(.exponentialPoints)
        case (.metric, 11): .holder(.summaryPoints)
        case (.metric, 12): .attribute
        case (.points, 1): .holder(.numberPoint)
        case (.histogramPoints, 1): .holder(.histogramPoint)
        case (.exponentialPoints, 1): .holder(.exponentialPoint)
        case (.summaryPoints, 1): .holder(.summaryPoint)
        case (.numberPoint, 7), (.histogramPoint, 9), (.exponentialPoint, 1), (.summaryPoint, 7),
            (.exemplar, 7):
            .attribute
        case (.numberPoint, 5), (.histogramPoint, 8), (.exponentialPoint, 11): .holder(.exemplar)
        case (.logRecord, 5): .body
        case (.logRecord, 6): .attribute
        case (.logRecord, 12): .text
        default: nil
        }
    }
}

private struct TextWalk<Editor: TextEditor> {
    var editor: Editor
    let edits: EditList

    /// Asks about everything in a message. Ends early at damage, which validated requests have not.
    mutating func fields(of holder: TextHolder, _ message: WireCursor) {
        let event = eventName(holder, message)
        var cursor = message
        while cursor.hasMore, !edits.isOutOfMemory {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return }
            guard tag & 7 == 2, let part = holder.part(tag >> 3) else {
                guard (try? cursor.skip(tag)) != nil else { return }
                continue
            }
            guard let payload = try? cursor.message() else { return }
            let field = start..<cursor.position
            guard editor.concerns(field) else { continue }
            switch part {
            case .holder(let inner): fields(of: inner, payload)
            case .text: _ = text(payload, field, tag, isDropped: true)
            case .statusMessage:
                let message = payload.bytes(from: payload.position, to: payload.end)
                _ = apply(editor.statusMessage(message), field, tag, isDropped: true)
            case .attribute: keyValue(payload, field)
            case .body: logBody(payload, field, tag, event: event)
            }
        }
    }

    /// The name of a log record's event, where it matters: its own field, else the attribute that
    /// was used before there was one.
    private func eventName(_ holder: TextHolder, _ message: WireCursor) -> WireBytes {
        guard editor.looksAtBodies, case .logRecord = holder else { return .empty }
        var name = WireBytes.empty
        var cursor = message
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return name }
            if tag == 0x62 {
                guard let payload = try? cursor.payload() else { return name }
                if !payload.isEmpty { return payload }
            } else if tag == 0x32 {
                guard let payload = try? cursor.payload() else { return name }
                withKeyValue(validated: payload) { key, value in
                    if key.equals("event.name") { name = value.stringBytes }
                }
            } else if (try? cursor.skip(tag)) == nil {
                return name
            }
        }
        return name
    }

    // Each of the following answers whether what it looked at wants to be dropped with the nearest
    // thing around it that has a key.

    /// With `isDropped`, a text that is to be dropped is taken out here.
    private mutating func text(
        _ payload: WireCursor, _ field: Range<Int>, _ tag: UInt32, isDropped: Bool
    ) -> Bool {
        let text = payload.bytes(from: payload.position, to: payload.end)
        return apply(editor.text(text), field, tag, isDropped: isDropped)
    }

    private mutating func apply(
        _ verdict: TextVerdict, _ field: Range<Int>, _ tag: UInt32, isDropped: Bool
    ) -> Bool {
        switch verdict {
        case .keep: break
        case .replace: edits.replace(field, with: lengthDelimited(tag, editor.replacement))
        case .drop:
            guard isDropped else { return true }
            edits.replace(field)
        }
        return false
    }

    private mutating func logBody(
        _ payload: WireCursor, _ field: Range<Int>, _ tag: UInt32, event: WireBytes
    ) {
        let value = plain(payload.bytes(from: payload.position, to: payload.end))
        let before = edits.count
        switch editor.looksAtBodies ? editor.body(event: event, value) : .keep {
        case .keep:
            guard anyValue(payload) else { return }
            edits.cut(to: before)
            edits.replace(field)
        case .replace: edits.replace(field, with: textValue(tag, editor.replacement))
        case .drop: edits.replace(field)
        }
    }

    private mutating func keyValue(_ message: WireCursor, _ field: Range<Int>) {
        var key = WireBytes.empty
        var value = WireBytes.empty
        var cursor = message
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return }
            switch tag {
            case 0x0A: key = (try? cursor.payload()) ?? .empty
            case 0x12: value = (try? cursor.payload()) ?? .empty
            default: guard (try? cursor.skip(tag)) != nil else { return }
            }
        }
        let before = edits.count
        switch editor.keyed(key, plain(value)) {
        case .keep:
            guard values(of: message) else { return }
            edits.cut(to: before)
            edits.replace(field)
        case .replace: replaceValues(of: message, textValue(0x12, editor.replacement))
        case .drop: edits.replace(field)
        }
    }

    private func plain(_ value: WireBytes) -> WireBytes {
        let view = AnyValueView(validated: value)
        return view.kind == .string || view.kind == .bytes ? view.stringBytes : value
    }

    private mutating func values(of message: WireCursor) -> Bool {
        var cursor = message
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return false }
            if tag == 0x12 {
                guard let value = try? cursor.message() else { return false }
                if anyValue(value) { return true }
            } else if (try? cursor.skip(tag)) == nil {
                return false
            }
        }
        return false
    }

    /// The value may have come in parts; the first makes room for the new one.
    private mutating func replaceValues(of message: WireCursor, _ field: [UInt8]) {
        var cursor = message
        var field = field
        while cursor.hasMore {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return }
            guard (try? cursor.skip(tag)) != nil else { return }
            guard tag == 0x12 else { continue }
            edits.replace(start..<cursor.position, with: field)
            field = []
        }
    }

    /// The readers let values be nested 64 deep at most.
    private mutating func anyValue(_ message: WireCursor) -> Bool {
        var cursor = message
        while cursor.hasMore {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return false }
            guard tag == 0x0A || tag == 0x2A || tag == 0x32 || tag == 0x3A else {
                guard (try? cursor.skip(tag)) != nil else { return false }
                continue
            }
            guard let payload = try? cursor.message() else { return false }
            let field = start..<cursor.position
            guard editor.concerns(field) else { continue }
            switch tag {
            case 0x2A, 0x32: if elements(payload, areKeyed: tag == 0x32) { return true }
            default: if text(payload, field, tag, isDropped: false) { return true }
            }
        }
        return false
    }

    private mutating func elements(_ message: WireCursor, areKeyed: Bool) -> Bool {
        var cursor = message
        while cursor.hasMore {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return false }
            guard tag == 0x0A else {
                guard (try? cursor.skip(tag)) != nil else { return false }
                continue
            }
            guard let element = try? cursor.message() else { return false }
            let field = start..<cursor.position
            guard editor.concerns(field) else { continue }
            if areKeyed {
                keyValue(element, field)
            } else if anyValue(element) {
                return true
            }
        }
        return false
    }
}

/// A field of text or bytes.
func lengthDelimited(_ tag: UInt32, _ bytes: [UInt8]) -> [UInt8] {
    var field: [UInt8] = []
    field.reserveCapacity(bytes.count + 12)
    appendVarint(Int(tag), to: &field)
    appendVarint(bytes.count, to: &field)
    return field + bytes
}

/// A field that holds an AnyValue with a text.
func textValue(_ tag: UInt32, _ text: [UInt8]) -> [UInt8] {
    lengthDelimited(tag, lengthDelimited(0x0A, text))
}

private func appendVarint(_ value: Int, to bytes: inout [UInt8]) {
    var rest = value
    while rest > 0x7F {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
}
