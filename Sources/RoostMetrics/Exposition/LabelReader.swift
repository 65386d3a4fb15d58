/// Walks the labels of a text made by `LabelBuilder`.
struct LabelReader {
    private var offset = 0

    /// Where the next label's name and escaped value stand; nil at the end, or where the text is
    /// not one.
    mutating func next(in text: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>)? {
        let start = offset
        var place = start
        while place < text.count, text[place] != 0x3D { place += 1 }
        guard place + 1 < text.count, text[place + 1] == 0x22 else { return nil }
        let name = start..<place
        let valueStart = place + 2
        place = valueStart
        while place < text.count, text[place] != 0x22 {
            place += text[place] == 0x5C ? 2 : 1
        }
        guard place < text.count else { return nil }
        // Behind the quote comes a comma or nothing.
        offset = place + 2
        return (name, valueStart..<place)
    }
}
