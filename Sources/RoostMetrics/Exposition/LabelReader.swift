/// Walks the labels of a text made by `LabelBuilder`.
struct LabelReader {
    private var offset = 0

    /// Where the next label's name and escaped value stand; nil at the end, or where the text is
    /// not one.
    mutating func next(in text: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>)? {
        let start = offset
        guard start < text.count else { return nil }
        let equals = place(of: 0x3D, in: text, from: start, before: text.count)
        guard equals + 1 < text.count, text[equals + 1] == 0x22 else { return nil }
        let name = start..<equals
        let valueStart = equals + 2
        var quote = valueStart
        var escape = valueStart
        while true {
            quote = place(of: 0x22, in: text, from: quote, before: text.count)
            guard quote < text.count else { return nil }
            // An escape reaches over the byte behind it, which may be this quote.
            while escape < quote {
                escape = place(of: 0x5C, in: text, from: escape, before: quote)
                if escape < quote { escape += 2 }
            }
            if escape <= quote { break }
            quote += 1
        }
        // Behind the quote comes a comma or nothing.
        offset = quote + 2
        return (name, valueStart..<quote)
    }
}
