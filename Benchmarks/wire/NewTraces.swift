import RoostCore
import RoostWire

/// A trace request whose ids can be changed in place, so that every round brings new traces: those
/// of traces and spans, and what ends the ids of conversations, answers and tool calls.
struct NewTraces {
    let block: ByteBlock
    private var ids: [(offset: Int, value: UInt64)] = []
    private var texts: [(offset: Int, value: UInt64)] = []
    private var round: UInt64 = 0

    init(_ block: ByteBlock) throws {
        self.block = block
        try unsafe block.withBytes { bytes in
            var places = unsafe IdPlaces(request: bytes)
            var rejections = Rejections()
            _ = unsafe try readTraces(bytes, visitor: &places, rejections: &rejections)
            ids = places.ids
            texts = places.texts
        }
    }

    mutating func renew() {
        round &+= 1
        let change = round &* 0x9E37_79B9_7F4A_7C15
        let digits = StaticString("0123456789abcdef")
        let (ids, texts) = (ids, texts)
        unsafe block.withBytes { bytes in
            // Nobody else has this block, and nothing reads it meanwhile.
            let bytes = unsafe UnsafeMutableRawBufferPointer(mutating: bytes)
            for id in ids {
                unsafe bytes.storeBytes(
                    of: id.value ^ change, toByteOffset: id.offset, as: UInt64.self)
            }
            for text in texts {
                let value = text.value ^ change
                for place in 0..<16 {
                    unsafe bytes[text.offset + place] =
                        digits.utf8Start[Int(truncatingIfNeeded: value >> UInt64(place * 4)) & 15]
                }
            }
        }
    }
}

@safe private struct IdPlaces: TraceVisitor {
    let request: UnsafeRawBufferPointer
    var ids: [(offset: Int, value: UInt64)] = []
    var texts: [(offset: Int, value: UInt64)] = []

    mutating func span(_ span: SpanView) {
        note(span.traceID, at: 8)
        note(span.spanID, at: 0)
        if !span.parentSpanID.isEmpty { note(span.parentSpanID, at: 0) }
    }

    mutating func spanAttribute(_ key: WireBytes, _ value: AnyValueView) {
        let isID =
            key.equals("gen_ai.conversation.id") || key.equals("gen_ai.response.id")
            || key.equals("gen_ai.tool.call.id")
        let text = value.stringBytes
        guard isID, text.count >= 16 else { return }
        texts.append((offset(text) + text.count - 16, word(text, at: text.count - 16)))
    }

    private mutating func note(_ id: WireBytes, at place: Int) {
        ids.append((offset(id) + place, word(id, at: place)))
    }

    private func offset(_ text: WireBytes) -> Int {
        unsafe UnsafeRawPointer(text.base) - (request.baseAddress ?? UnsafeRawPointer(text.base))
    }

    private func word(_ text: WireBytes, at place: Int) -> UInt64 {
        unsafe UnsafeRawPointer(text.base).loadUnaligned(fromByteOffset: place, as: UInt64.self)
    }
}
