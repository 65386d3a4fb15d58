import Glibc
import RoostWire

/// E-mail addresses.
enum EmailDetector {
    /// The first `@` at or after `start`.
    static func nextSign(in text: WireBytes, from start: Int) -> Int? {
        guard start < text.count,
            let found = unsafe memchr(text.base + start, 0x40, text.count - start)
        else { return nil }
        return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(text.base)
    }

    /// The first address that begins at or after `start`. Each `@` costs at most a look at the 64
    /// bytes before and the 253 behind it. RFC 5321, section 4.5.3.1.
    static func next(in text: WireBytes, from start: Int) -> Range<Int>? {
        var from = start
        while let sign = nextSign(in: text, from: from) {
            if let range = address(text, around: sign, notBefore: start) { return range }
            from = sign + 1
        }
        return nil
    }

    private static let local = ByteSet.token.union(ByteSet(".%+"))
    private static let domain = ByteSet.alphanumerics.union(ByteSet(".-"))

    private static func address(_ text: WireBytes, around sign: Int, notBefore start: Int)
        -> Range<Int>?
    {
        var first = sign
        let least = max(start, sign - 64)
        while first > least {
            if local.contains(text.byte(first - 1)) {
                first -= 1
            } else if text.byte(first - 1) == 0x5C, first < sign,
                local.contains(text.character(first - 1).meant)
            {
                // `\u002B` is a plus sign.
                first -= 1
                while first > least, text.byte(first - 1) == 0x5C { first -= 1 }
            } else {
                break
            }
        }
        first = behindEscape(text, first, sign)
        while first < sign, text.byte(first) == 0x2E { first += 1 }
        guard first < sign else { return nil }
        guard let end = endOfDomain(text, sign + 1) else { return nil }
        return first..<end
    }

    /// Where the last label ends that may be the last one of a domain and has one before it; what
    /// is written behind that (`-2024`) is no part of it.
    private static func endOfDomain(_ text: WireBytes, _ start: Int) -> Int? {
        var end = text.endOfRun(start, of: domain, atMost: 253)
        while end > start {
            var dot = end - 1
            while dot >= start, text.byte(dot) != 0x2E { dot -= 1 }
            guard dot > start else { return nil }
            if let stop = endOfTopLabel(text, dot + 1, end) { return stop }
            end = dot
        }
        return nil
    }

    /// Letters, or the ASCII form of others. RFC 5890, section 2.3.2.1.
    private static func endOfTopLabel(_ text: WireBytes, _ start: Int, _ end: Int) -> Int? {
        if text.hasPrefixIgnoringCase("xn--", at: start) {
            var stop = end
            while text.byte(stop - 1) == 0x2D { stop -= 1 }
            return stop > start + 4 ? stop : nil
        }
        let stop = text.endOfRun(start, of: .letters, atMost: end - start)
        return (2...24).contains(stop - start) && (stop == end || text.byte(stop) == 0x2D)
            ? stop : nil
    }

    /// The letters of an escape (`\n`, `\u003c`) before an address are no part of it.
    private static func behindEscape(_ text: WireBytes, _ first: Int, _ sign: Int) -> Int {
        guard text.byte(first - 1) == 0x5C else { return first }
        if text.byte(first) == 0x75, sign - first > 5 { return first + 5 }
        return ByteSet("bfnrt").contains(text.byte(first)) ? first + 1 : first
    }
}

/// Numbers of payment cards: 13 to 19 digits that pass Luhn's check, in one run or in groups with
/// one space or dash between. ISO/IEC 7812-1.
enum CardDetector {
    /// The first number that begins at or after `start`.
    static func next(in text: WireBytes, from start: Int) -> Range<Int>? {
        var index = start
        while index < text.count {
            guard ByteSet.digits.contains(text.byte(index)) else {
                index += 1
                continue
            }
            if isStart(text, index), let end = number(text, index) { return index..<end }
            index = text.endOfRun(index, of: .digits)
        }
        return nil
    }

    /// Part of a longer word or of a decimal fraction it is none; nor does any card begin with 0, 1,
    /// 7, 8 or 9, as times do.
    private static func isStart(_ text: WireBytes, _ index: Int) -> Bool {
        guard (0x32...0x36).contains(text.byte(index)) else { return false }
        if text.byte(index - 1) == 0x2E, ByteSet.digits.contains(text.byte(index - 2)) {
            return false
        }
        return !ByteSet.alphanumerics.contains(text.byte(index - 1)) || text.isEscape(before: index)
    }

    private static func number(_ text: WireBytes, _ start: Int) -> Int? {
        let run = text.endOfRun(start, of: .digits, atMost: 20)
        if (13...19).contains(run - start) {
            return endsHere(text, run) && passes(text, start, run) ? run : nil
        }
        guard (4...6).contains(run - start) else { return nil }
        let joint = text.byte(run)
        guard joint == 0x20 || joint == 0x2D else { return nil }
        var digits = run - start
        var end = run
        var found: Int?
        while digits < 19, text.byte(end) == joint {
            let stop = text.endOfRun(end + 1, of: .digits, atMost: 7)
            guard (3...6).contains(stop - end - 1) else { break }
            digits += stop - end - 1
            end = stop
            if (13...19).contains(digits), endsHere(text, end), passes(text, start, end) {
                found = end
            }
        }
        return found
    }

    private static func endsHere(_ text: WireBytes, _ end: Int) -> Bool {
        if text.byte(end) == 0x2E, ByteSet.digits.contains(text.byte(end + 1)) { return false }
        return !ByteSet.alphanumerics.contains(text.byte(end))
    }

    /// Luhn's check over the digits of a range, and not all of them the same.
    private static func passes(_ text: WireBytes, _ start: Int, _ end: Int) -> Bool {
        var sum = 0
        var doubles = false
        var isMixed = false
        let first = text.byte(start)
        for index in (start..<end).reversed() where ByteSet.digits.contains(text.byte(index)) {
            if text.byte(index) != first { isMixed = true }
            let digit = Int(text.byte(index) & 15)
            sum += doubles ? digit * 2 - (digit > 4 ? 9 : 0) : digit
            doubles.toggle()
        }
        return isMixed && sum % 10 == 0
    }
}
