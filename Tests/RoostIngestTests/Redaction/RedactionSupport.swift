import RoostCore
import RoostIngest
import RoostWire

/// Pays for what tests redact.
let testMemory = MemoryBudget(limitBytes: 256 << 20).share("test")

func redactor(_ change: (inout RedactionSettings) -> Void = { _ in }) -> Redactor {
    var settings = RedactionSettings()
    settings.hashKey = Array("test".utf8)
    change(&settings)
    return Redactor(settings)
}

func namedPattern(
    _ name: String, _ text: String, _ action: RedactionAction = .replace
) throws -> RedactionSettings.Pattern {
    RedactionSettings.Pattern(name: name, expression: try RedactionPattern(text), action: action)
}

/// One span whose attributes `fill` writes as fields 9.
func spanRequest(name: String = "call", _ fill: (inout MessageWriter) -> Void) -> ByteBlock {
    var writer = MessageWriter()
    writer.message(1) { entry in
        entry.message(2) { scope in
            scope.message(2) { span in
                span.bytes(1, [UInt8](repeating: 7, count: 16))
                span.bytes(2, [UInt8](repeating: 9, count: 8))
                span.string(5, name)
                fill(&span)
            }
        }
    }
    return ByteBlock(writer.bytes)
}

extension MessageWriter {
    mutating func attribute(_ number: Int, _ key: String, _ value: String) {
        message(number) {
            $0.string(1, key)
            $0.message(2) { $0.string(1, value) }
        }
    }
}

/// The request after redaction, and how often each rule that found something did.
func redacted(_ body: ByteBlock, _ redactor: Redactor, _ signal: Signal = .traces)
    -> (body: ByteBlock, counts: [String: Int])
{
    guard redactor.concerns(body),
        case .redacted(let new, let tally) = redactor.redact(
            body, signal: signal, memory: testMemory)
    else { return (body, [:]) }
    let counts = zip(redactor.rules, tally).filter { $0.1 > 0 }
    return (new, Dictionary(uniqueKeysWithValues: counts.map { ($0, $1) }))
}

/// What becomes of a text in an attribute; nil when the attribute is left out.
func redactedText(_ text: String, _ redactor: Redactor = redactor()) -> String? {
    let result = redacted(spanRequest { $0.attribute(9, "k", text) }, redactor)
    return texts(result.body)["k"]
}

/// String attributes of all spans, by key.
func texts(_ body: ByteBlock) -> [String: String] {
    var visitor = TextVisitor()
    var rejections = Rejections()
    _ = unsafe try? body.withBytes { bytes throws(WireError) in
        unsafe try readTraces(bytes, visitor: &visitor, rejections: &rejections)
    }
    return visitor.texts
}

private struct TextVisitor: TraceVisitor {
    var texts: [String: String] = [:]

    mutating func span(_ span: SpanView) {
        texts["span name"] = span.name.string
        texts["status"] = span.statusMessage.string
        span.attributes.forEach { key, value in texts[key.string] = value.stringBytes.string }
    }
}
