import RoostWire

/// Texts of a batch, each there once if it is among those met lately, and the providers that some
/// stand for.
extension ActivityReader {
    /// Where a text stands in the batch; there once if it is among those met lately.
    @inline(__always)
    mutating func text(_ bytes: WireBytes) -> TextRef {
        if bytes.isEmpty { return .none }
        guard bytes.count <= TextMemo.longest else { return append(bytes) }
        let entry = unsafe texts.find(bytes, .plain, isInside: isInside(bytes))
        if unsafe entry.pointee.batch == batchNumber { return unsafe entry.pointee.ref }
        let ref = append(bytes)
        unsafe entry.pointee.ref = ref
        unsafe entry.pointee.batch = batchNumber
        return ref
    }

    /// Adds a text, unless `latest` is the same.
    @inline(__always)
    mutating func text(_ bytes: WireBytes, after latest: TextRef) -> TextRef {
        if bytes.isEmpty { return .none }
        return unsafe batch.holds(latest, bytes.base, bytes.count) ? latest : append(bytes)
    }

    /// Adds a text.
    @inline(__always)
    mutating func append(_ bytes: WireBytes) -> TextRef {
        if bytes.count <= 64, isInside(bytes) {
            return unsafe batch.addShort(bytes.base, bytes.count)
        }
        return unsafe batch.add(bytes.base, ActivityReader.textCount(bytes))
    }

    /// Whether a text lies in the request, far enough from its ends to read it in wide steps.
    @inline(__always)
    private func isInside(_ text: WireBytes) -> Bool {
        let base = unsafe UnsafeRawPointer(text.base)
        return unsafe base >= start && end - base >= 64
    }

    /// At most `ActivityBatch.longestText`, ending between two characters.
    @inline(__always)
    static func textCount(_ text: WireBytes) -> Int {
        guard text.count > ActivityBatch.longestText else { return text.count }
        var end = ActivityBatch.longestText
        while end > 0, unsafe text.base[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    mutating func provider(_ model: WireBytes) -> TextRef {
        if slots.has(.provider) {
            let spelling = slots.text(.provider)
            if slots.provider < 0 { return text(spelling) }
            return provider(slots.provider, spelling, .provider)
        }
        if !model.isEmpty {
            let known = provider(ofModel: model)
            if known >= 0 { return provider(known, model, .model) }
        }
        guard slots.has(.server), let index = table.provider(ofHost: slots.text(.server)) else {
            return .none
        }
        return text(ofProvider: Int32(truncatingIfNeeded: index))
    }

    /// The name of provider number `index`, for which `text` stands.
    private mutating func provider(
        _ index: Int32, _ text: WireBytes, _ role: TextMemo.Role
    ) -> TextRef {
        guard text.count <= TextMemo.longest else { return self.text(ofProvider: index) }
        let entry = unsafe texts.find(text, role, isInside: isInside(text))
        if unsafe entry.pointee.batch != batchNumber {
            let ref = self.text(ofProvider: index)
            unsafe entry.pointee.ref = ref
            unsafe entry.pointee.batch = batchNumber
        }
        return unsafe entry.pointee.ref
    }

    /// The index of a provider by what somebody calls it, or why there is none.
    @inline(__always)
    func provider(spelling: WireBytes) -> Int32 {
        guard !spelling.isEmpty, spelling.count <= TextMemo.longest else {
            return askProvider(spelling: spelling)
        }
        let entry = unsafe texts.find(spelling, .provider, isInside: isInside(spelling))
        if unsafe entry.pointee.meaning == TextMemo.Entry.unasked {
            unsafe entry.pointee.meaning = askProvider(spelling: spelling)
        }
        return unsafe entry.pointee.meaning
    }

    @inline(never)
    private func askProvider(spelling: WireBytes) -> Int32 {
        switch table.provider(spelling) {
        case .known(let index): Int32(truncatingIfNeeded: index)
        case .none: TextMemo.Entry.nobody
        case .unknown: TextMemo.Entry.unknown
        }
    }

    private func provider(ofModel model: WireBytes) -> Int32 {
        guard !model.isEmpty, model.count <= TextMemo.longest else {
            return askProvider(ofModel: model)
        }
        let entry = unsafe texts.find(model, .model, isInside: isInside(model))
        if unsafe entry.pointee.meaning == TextMemo.Entry.unasked {
            unsafe entry.pointee.meaning = askProvider(ofModel: model)
        }
        return unsafe entry.pointee.meaning
    }

    @inline(never)
    private func askProvider(ofModel model: WireBytes) -> Int32 {
        table.provider(ofModel: model).map { Int32(truncatingIfNeeded: $0) }
            ?? TextMemo.Entry.unknown
    }

    private mutating func text(ofProvider index: Int32) -> TextRef {
        unsafe table.providerNames[Int(index)].withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return .none }
            return text(unsafe WireBytes(base: base, count: buffer.count))
        }
    }
}
