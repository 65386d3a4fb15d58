import RoostWire

/// PEM blocks with PRIVATE KEY in their label, however their lines are set: escaped, indented,
/// numbered, quoted, coloured, sent with a form. RFC 7468.
enum PrivateKeys {
    /// From `-----BEGIN `, three bytes before `place`, to the end of the block, whatever lies
    /// between if it holds what looks like a key; else, and of one that was cut off, as far as
    /// there are lines of one. The time of all in a text grows with its length: none looks beyond
    /// where the next one begins.
    static func block(_ text: WireBytes, _ place: Int) -> Range<Int>? {
        let start = place - 3
        guard let label = endOfMark("-----BEGIN", text, start), let body = endOfLabel(text, label)
        else { return nil }
        let border = nextBorder(text, body)
        let end = endOfMark("-----END", text, border).flatMap { endOfLabel(text, $0) }
        if let end, border - body <= longestMixed, holdsKey(text, body..<border) {
            return start..<end
        }
        guard let stop = endOfLines(text, body..<border) else { return nil }
        return start..<(stop == border ? end ?? stop : stop)
    }

    /// Between its two borders a block of so many bytes may hold anything beside a key.
    private static let longestMixed = 64 << 10
    /// Fewer characters of base64 are no line of a key.
    private static let leastLine = 16
    /// So many in one run that look random are one, whatever stands around them.
    private static let leastKey = 40
    /// So many pieces of one length, one after the other, are lines.
    private static let leastAlike = 3

    /// Behind `-----BEGIN` or `-----END` and a space.
    private static func endOfMark(_ mark: StaticString, _ text: WireBytes, _ start: Int) -> Int? {
        text.hasPrefix(mark, at: start) ? endOfSpace(text, start + mark.utf8CodeUnitCount) : nil
    }

    /// Behind a space, which forms write as a plus sign or `%20`.
    private static func endOfSpace(_ text: WireBytes, _ start: Int) -> Int? {
        if text.byte(start) == 0x20 || text.byte(start) == 0x2B { return start + 1 }
        return text.hasPrefix("%20", at: start) ? start + 3 : nil
    }

    /// Behind the dashes that follow a label, whatever colours are in it; nil for those of anything
    /// but private keys.
    private static func endOfLabel(_ text: WireBytes, _ start: Int) -> Int? {
        var label: [UInt8] = []
        var index = text.endOfColours(start)
        while label.count < 64 {
            if let next = endOfSpace(text, index) {
                label.append(0x20)
                index = next
            } else if labelCharacters.contains(text.byte(index)) {
                label.append(text.byte(index))
                index += 1
            } else {
                break
            }
            index = text.endOfColours(index)
        }
        guard text.hasPrefix("-----", at: index) else { return nil }
        let isKey = ["PRIVATE KEY", "PRIVATE KEY BLOCK"].contains { name in
            label.suffix(name.utf8.count).elementsEqual(name.utf8)
        }
        return isKey ? index + 5 : nil
    }

    private static let labelCharacters = ByteSet("A-Z0-9")

    /// Where the next block begins or this one ends; the end of the text where neither does.
    private static func nextBorder(_ text: WireBytes, _ start: Int) -> Int {
        for index in start..<max(start, text.count)
        where text.byte(index) == 0x2D
            && (endOfMark("-----END", text, index) ?? endOfMark("-----BEGIN", text, index)) != nil
        {
            return index
        }
        return text.count
    }

    /// Whether there is one long line of a key, or little but pieces of lines, or some that are alike
    /// in length, as folded lines are.
    private static func holdsKey(_ text: WireBytes, _ range: Range<Int>) -> Bool {
        var index = range.lowerBound
        var inPieces = 0
        var (length, alike) = (0, 0)
        while index < range.upperBound {
            let piece = index..<min(endOfLine(text, index), range.upperBound)
            if piece.count >= leastLine, looksLikeKey(text, piece) {
                alike = piece.count == length ? alike + 1 : 1
                length = piece.count
                if length >= leastKey || alike == leastAlike { return true }
                inPieces += length
            }
            index = max(piece.upperBound, index + 1)
        }
        return inPieces * 2 > range.count
    }

    /// Whether base64 is none of words, as paths and types of media are (`application/json`), which
    /// have more slashes too.
    private static func looksLikeKey(_ text: WireBytes, _ range: Range<Int>) -> Bool {
        var signs = 0
        for index in range where signsOfBase64.contains(text.byte(index)) { signs += 1 }
        return signs * 12 <= range.count && text.mixesCase(range)
    }

    private static let signsOfBase64 = ByteSet("/+")

    /// Where a run of base64 ends that begins at `start`. Forms write its signs as `%2B` and so on.
    private static func endOfLine(_ text: WireBytes, _ start: Int) -> Int {
        var end = text.endOfEscapedRun(start, of: SecretForm.base64).end
        while text.byte(end) == 0x25,
            formSigns.contains(where: { text.hasPrefixIgnoringCase($0, at: end) })
        {
            end = text.endOfEscapedRun(end + 3, of: SecretForm.base64).end
        }
        return end
    }

    private static let formSigns: [StaticString] = ["%2b", "%2f", "%3d"]

    /// Where the lines of base64 end that stand behind a beginning, and behind headers; nil when
    /// there is none.
    private static func endOfLines(_ text: WireBytes, _ range: Range<Int>) -> Int? {
        let limit = range.upperBound
        var index = endOfGap(text, range.lowerBound, limit)
        for _ in 0..<16 {
            guard let end = endOfHeader(text, index, limit) else { break }
            index = endOfGap(text, end, limit)
        }
        var end: Int?
        while index < limit {
            let stop = min(endOfLine(text, index), limit)
            guard stop - index >= leastLine || end != nil && isRest(text, index..<stop) else {
                break
            }
            end = stop
            index = endOfGap(text, stop, limit)
        }
        // Cut off within the escape of a line's end, or where it ends.
        if end != nil, text.endOfRun(end ?? 0, of: ByteSet("\\")) == text.count {
            return text.count
        }
        return index == limit && limit < text.count && end != nil ? limit : end
    }

    /// What is shorter than a line is the rest of one where the text ends, or if it is no word.
    private static func isRest(_ text: WireBytes, _ range: Range<Int>) -> Bool {
        !range.isEmpty
            && (range.upperBound == text.count || text.looksRandom(range) || text.mixesCase(range))
    }

    /// What may stand between two lines, or before one.
    private static func endOfGap(_ text: WireBytes, _ start: Int, _ limit: Int) -> Int {
        let most = min(limit, start + 64)
        var index = start
        while index < most, let next = endOfFiller(text, index) { index = next }
        return index
    }

    /// Behind one thing of those in a gap: ends of lines as they are, as JSON, forms and HTML write
    /// them and as `cat -A` shows them, colours, quotes, numbers, signs of changes.
    private static func endOfFiller(_ text: WireBytes, _ start: Int) -> Int? {
        let coloured = text.endOfColours(start)
        if coloured > start { return coloured }
        let (meant, next) = text.character(start)
        if gap.contains(meant) { return next }
        switch text.byte(start) {
        case 0x6E, 0x72, 0x74:
            return text.byte(start - 1) == 0x5C ? start + 1 : nil
        case 0x25:
            return text.endOfRun(start + 1, of: .hexDigits, atMost: 2) == start + 3
                ? start + 3 : nil
        case 0x3C:
            let end = text.endOfRun(start + 3, of: ByteSet(" /"), atMost: 2)
            return text.hasPrefixIgnoringCase("<br", at: start) && text.byte(end) == 0x3E
                ? end + 1 : nil
        default: return nil
        }
    }

    private static let gap = ByteSet(" 0-9\\\"'`+>|*#,:;$→\u{09}\u{0A}\u{0D}").union(ByteSet("-"))

    /// The end of a line like `Proc-Type: 4,ENCRYPTED`. RFC 1421, section 4.6; RFC 4880, section 6.2.
    private static func endOfHeader(_ text: WireBytes, _ start: Int, _ limit: Int) -> Int? {
        let colon = text.endOfRun(start, of: .token, atMost: 32)
        guard colon > start, text.hasPrefix(": ", at: colon) else { return nil }
        var index = colon + 2
        let most = min(limit, index + 512)
        while index < most, text.byte(index) != 0x0A, text.byte(index) != 0x0D,
            !(text.byte(index) == 0x5C && ByteSet("nr").contains(text.byte(index + 1)))
        {
            index += 1
        }
        return index
    }
}
