import RoostWire

/// How detectors look at a text: every look is checked, and beyond either end stands a zero.
extension WireBytes {
    @inline(__always)
    func byte(_ index: Int) -> UInt8 {
        index >= 0 && index < count ? unsafe base[index] : 0
    }

    /// Where the run of bytes of `set` that begins at `start` ends.
    func endOfRun(_ start: Int, of set: ByteSet, atMost limit: Int = .max) -> Int {
        let end = limit < count - start ? start + limit : count
        var index = start
        while index < end, set.contains(byte(index)) { index += 1 }
        return index
    }

    /// The character that begins at `index` and where the next one does: `\/`, `\u002B` and the same
    /// inside JSON inside JSON stand for one. A backslash that escapes no ASCII character so is itself.
    func character(_ index: Int) -> (meant: UInt8, next: Int) {
        guard byte(index) == 0x5C else { return (byte(index), index + 1) }
        var next = index + 1
        while byte(next) == 0x5C, next - index < 8 { next += 1 }
        if byte(next) == 0x2F { return (0x2F, next + 1) }
        if byte(next) == 0x75, byte(next + 1) == 0x30, byte(next + 2) == 0x30,
            let high = Self.digit(byte(next + 3)), let low = Self.digit(byte(next + 4)), high < 8
        {
            return (high << 4 | low, next + 5)
        }
        return (0x5C, index + 1)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46, 0x61...0x66: (byte & 0x5F) - 0x37
        default: nil
        }
    }

    /// Where the run of characters of `set` ends that begins at `start`, escaped ones too, and how
    /// many there are.
    func endOfEscapedRun(_ start: Int, of set: ByteSet, atMost limit: Int = .max)
        -> (end: Int, count: Int)
    {
        var index = start
        var found = 0
        while index < count, found < limit {
            let (meant, next) = character(index)
            guard set.contains(meant), next <= count else { break }
            index = next
            found += 1
        }
        return (index, found)
    }

    func hasPrefix(_ prefix: StaticString, at start: Int) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard start >= 0, length <= count - start else { return false }
        for index in 0..<length where unsafe byte(start + index) != prefix.utf8Start[index] {
            return false
        }
        return true
    }

    /// `prefix` in small letters, whatever the text has.
    func hasPrefixIgnoringCase(_ prefix: StaticString, at start: Int) -> Bool {
        let length = prefix.utf8CodeUnitCount
        guard start >= 0, length <= count - start else { return false }
        for index in 0..<length {
            let byte = byte(start + index)
            let small = (0x41...0x5A).contains(byte) ? byte | 0x20 : byte
            if unsafe small != prefix.utf8Start[index] { return false }
        }
        return true
    }

    /// Whether a word may begin here: nothing, something that is no part of a word, or an escape of
    /// JSON or of a URL stands before it, but not one that means a part of a word.
    func isWordStart(_ start: Int) -> Bool {
        !ByteSet.token.contains(byte(start - 1)) || isEscape(before: start)
    }

    /// Whether `\n`, `\u0022`, `%3D`, a terminal's colour or the like ends right before `end`. Not
    /// `\u0041`: runs go on over letters so written, and would be looked at from each of them.
    func isEscape(before end: Int) -> Bool {
        if endsColour(before: end) { return true }
        if byte(end - 2) == 0x5C { return ByteSet("bfnrt").contains(byte(end - 1)) }
        guard ByteSet.hexDigits.contains(byte(end - 1)), ByteSet.hexDigits.contains(byte(end - 2))
        else { return false }
        if byte(end - 3) == 0x25 { return true }
        return byte(end - 6) == 0x5C && byte(end - 5) == 0x75
            && ByteSet.hexDigits.contains(byte(end - 3))
            && ByteSet.hexDigits.contains(byte(end - 4))
            && !ByteSet.token.contains(character(end - 6).meant)
    }

    /// Whether `ESC[01;31m`, `ESC[K` or the like ends right before `end`, the escape as it is or as
    /// programs write it. ECMA-48, section 5.4.
    private func endsColour(before end: Int) -> Bool {
        guard ByteSet.letters.contains(byte(end - 1)) else { return false }
        var index = end - 1
        while index > end - 18, Self.colourNumbers.contains(byte(index - 1)) { index -= 1 }
        guard byte(index - 1) == 0x5B else { return false }
        if byte(index - 2) == 0x1B { return true }
        return Self.writtenEscapes.contains { escape in
            let start = index - 1 - escape.utf8CodeUnitCount
            return byte(start - 1) == 0x5C && hasPrefixIgnoringCase(escape, at: start)
        }
    }

    /// Where the colours of a terminal that begin at `start` end; `start` where there are none.
    func endOfColours(_ start: Int) -> Int {
        var end = start
        while byte(end) == 0x1B || byte(end) == 0x5C, let next = endOfColour(end) { end = next }
        return end
    }

    private func endOfColour(_ start: Int) -> Int? {
        var index = start + 1
        if byte(start) == 0x5C {
            index = endOfRun(start, of: ByteSet("\\"), atMost: 8)
            guard
                let escape = Self.writtenEscapes.first(where: {
                    hasPrefixIgnoringCase($0, at: index)
                })
            else { return nil }
            index += escape.utf8CodeUnitCount
        }
        guard byte(index) == 0x5B else { return nil }
        index = endOfRun(index + 1, of: Self.colourNumbers, atMost: 16)
        return ByteSet.letters.contains(byte(index)) ? index + 1 : nil
    }

    private static let colourNumbers = ByteSet("0-9;")
    private static let writtenEscapes: [StaticString] = ["u001b", "x1b", "033", "e"]

    /// As `endOfEscapedRun`; colours within are no characters, and there are a few at most: what
    /// has more is no key, and would be looked at from each of them.
    func endOfColouredRun(_ start: Int, of set: ByteSet) -> (end: Int, count: Int) {
        var (end, found) = endOfEscapedRun(start, of: set)
        for _ in 0..<4 {
            let next = endOfColours(end)
            guard next > end else { break }
            let more = endOfEscapedRun(next, of: set)
            guard more.count > 0 else { break }
            end = more.end
            found += more.count
        }
        return (end, found)
    }

    /// Whether these bytes of the text hold both a letter and a digit, as random text does.
    func looksRandom(_ range: Range<Int>) -> Bool {
        var hasLetter = false
        var hasDigit = false
        for index in range {
            if ByteSet.digits.contains(byte(index)) { hasDigit = true }
            if ByteSet.letters.contains(byte(index)) { hasLetter = true }
            if hasLetter && hasDigit { return true }
        }
        return false
    }

    /// Whether these bytes hold capitals and small letters, and not as words written together have
    /// them (`AutoModelForCausalGuess`): there each capital has two small letters behind it.
    func mixesCase(_ range: Range<Int>) -> Bool {
        func isSmall(_ index: Int) -> Bool {
            index < range.upperBound && (0x61...0x7A).contains(byte(index))
        }
        guard range.contains(where: isSmall) else { return false }
        return range.contains { index in
            (0x41...0x5A).contains(byte(index)) && !(isSmall(index + 1) && isSmall(index + 2))
        }
    }

    /// The range, widened so that it cuts no character in two.
    func wholeCharacters(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start > 0, byte(start) & 0xC0 == 0x80 { start -= 1 }
        while end < count, byte(end) & 0xC0 == 0x80 { end += 1 }
        return start..<end
    }
}
