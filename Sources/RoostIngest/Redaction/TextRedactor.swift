public import RoostCore
import RoostWire

/// Takes out of single texts what a redactor takes out of requests: for what is told without OTLP.
public struct TextRedactor {
    private var editor: RedactionEditor
    private let redactor: Redactor
    private let looksAtKeys: Bool

    /// `memory` pays for the copies of texts that are large.
    public init(_ redactor: Redactor, memory: MemoryBudget.Share) {
        self.redactor = redactor
        editor = RedactionEditor(redactor, memory: memory)
        looksAtKeys = !redactor.keys.isEmpty || !redactor.contentKeys.isEmpty
    }

    /// What was found so far.
    public var tally: Redactor.Tally { editor.tally }

    /// Something could not be looked at, and nothing of all may be used.
    public var isOutOfMemory: Bool { editor.isOutOfMemory }

    /// `keys` are the names that the text may be known by; empty is left of one that is dropped.
    mutating func redact(_ text: inout String, keys: [StaticString]) {
        guard !text.isEmpty, redactor.isOn else { return }
        let bytes = Array(text.utf8)
        let verdict = unsafe bytes.withUnsafeBufferPointer { buffer -> TextVerdict in
            guard let base = buffer.baseAddress else { return .keep }
            let value = unsafe WireBytes(base: base, count: buffer.count)
            for key in keys where looksAtKeys {
                let name = unsafe WireBytes(base: key.utf8Start, count: key.utf8CodeUnitCount)
                let verdict = editor.keyed(name, value)
                if verdict != .keep { return verdict }
            }
            return editor.text(value)
        }
        switch verdict {
        case .keep: break
        case .drop: text = ""
        case .replace: text = String(decoding: editor.replacement, as: UTF8.self)
        }
    }
}
