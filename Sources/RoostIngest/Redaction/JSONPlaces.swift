import RoostWire

/// Where a text is JSON, whether what stands at a place is a number or a word of its own, which has
/// to become a text in quotes when something else takes its place; also within JSON in a string of
/// it.
///
/// Asked in ascending order of places; every byte is looked at a few times at most, however many
/// places there are.
struct JSONPlaces {
    /// JSON in the text, or in a string of the one before.
    private struct Level {
        /// Just behind where the string opens.
        let start: Int
        /// It begins like a map or a list.
        let isJSON: Bool
        var position: Int
        var isInString = false
        /// Where the latest string opens.
        var opening = 0
        /// Backslashes right before `position`.
        var slashes = 0
    }

    /// Strings within strings are followed so far.
    private static let deepest = 4

    private var levels: [Level] = []

    /// The word around `range`, and the quotes that a text in its place needs, if it is one. What
    /// stands before `position` is gone already: a word that something was taken out of is none.
    mutating func word(around range: Range<Int>, in text: WireBytes, from position: Int) -> (
        range: Range<Int>, quote: [UInt8]
    )? {
        guard let depth = level(of: range.lowerBound, in: text) else { return nil }
        let least = max(levels[depth].start, position)
        var (first, end) = (range.lowerBound, range.upperBound)
        for index in range where !Self.isWord(text.byte(index)) { return nil }
        while first > least, Self.isWord(text.byte(first - 1)),
            !(depth > 0 && Self.isEscapedSpace(first - 2, in: text))
        {
            first -= 1
        }
        var before = first - 1
        while before >= least {
            if Self.isSpace(text.byte(before)) {
                before -= 1
            } else if depth > 0, Self.isEscapedSpace(before - 1, in: text) {
                before -= 1
                while before >= least, text.byte(before) == 0x5C { before -= 1 }
            } else {
                break
            }
        }
        guard before >= least, [0x3A, 0x5B, 0x2C].contains(text.byte(before)) else { return nil }
        // Only the first place in a word gets here: its end is looked for once.
        while end < text.count, Self.isWord(text.byte(end)) { end += 1 }
        let behind = Self.endOfSpace(end, depth, in: text)
        guard behind < text.count, [0x2C, 0x5D, 0x7D].contains(text.byte(behind)) else {
            return nil
        }
        let slashes = (1 << depth) - 1
        return (first..<end, [UInt8](repeating: 0x5C, count: slashes) + [0x22])
    }

    /// In how many strings around it the place is outside of all others; nil where it is inside one,
    /// or the text is no JSON.
    private mutating func level(of place: Int, in text: WireBytes) -> Int? {
        var depth = 0
        while depth < Self.deepest {
            if depth == levels.count {
                let start = depth == 0 ? 0 : levels[depth - 1].opening + 1
                levels.append(
                    Level(
                        start: start, isJSON: Self.begins(at: start, depth, in: text),
                        position: start))
            }
            guard levels[depth].isJSON else { return nil }
            advance(depth, to: place, in: text)
            if !levels[depth].isInString { return depth }
            depth += 1
        }
        return nil
    }

    private mutating func advance(_ depth: Int, to place: Int, in text: WireBytes) {
        var level = levels[depth]
        let opening = level.opening
        while level.position < place {
            let byte = text.byte(level.position)
            if byte == 0x22, Self.isQuote(behind: level.slashes, depth) {
                level.isInString.toggle()
                if level.isInString { level.opening = level.position }
            }
            level.slashes = byte == 0x5C ? level.slashes + 1 : 0
            level.position += 1
        }
        levels[depth] = level
        // Another string than before.
        if level.opening != opening { levels.removeSubrange((depth + 1)...) }
    }

    /// Whether a quote behind so many backslashes is one of this level: each string around it has
    /// put one before the quote and doubled those that were there.
    private static func isQuote(behind slashes: Int, _ depth: Int) -> Bool {
        var rest = slashes
        for _ in 0..<depth {
            if rest & 1 == 0 { return false }
            rest /= 2
        }
        return rest & 1 == 0
    }

    private static func begins(at start: Int, _ depth: Int, in text: WireBytes) -> Bool {
        let place = endOfSpace(start, depth, in: text)
        return text.byte(place) == 0x7B || text.byte(place) == 0x5B
    }

    /// Within a string spaces may be escapes.
    private static func endOfSpace(_ start: Int, _ depth: Int, in text: WireBytes) -> Int {
        var place = start
        while place < text.count {
            if isSpace(text.byte(place)) {
                place += 1
                continue
            }
            var letter = place
            while depth > 0, text.byte(letter) == 0x5C { letter += 1 }
            guard letter > place, isEscapedSpace(letter - 1, in: text) else { break }
            place = letter + 1
        }
        return place
    }

    /// Whether a backslash stands at a place and behind it the letter of a space.
    private static func isEscapedSpace(_ place: Int, in text: WireBytes) -> Bool {
        text.byte(place) == 0x5C && [0x6E, 0x72, 0x74].contains(text.byte(place + 1))
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    /// Of numbers, `true`, `false` and `null`.
    private static func isWord(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || (byte | 0x20) &- 0x61 < 26 || byte == 0x2E || byte == 0x2D
            || byte == 0x2B
    }
}
