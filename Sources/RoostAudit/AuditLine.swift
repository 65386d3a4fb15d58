import RoostCore

/// The form of one line, in the trail and in the manifest:
///
///     {"seq":7,"time":"…", … ,"prev":"<64 digits>","hash":"<64 digits>"}
///
/// `hash` is the SHA-256 of the line without its last member, that is of every byte before
/// `,"hash":` and a closing brace behind them. `prev` is the `hash` of the line before; of the very
/// first one 64 zeros. docs/audit.md, "The chain".
enum AuditLine {
    static let noHash = [UInt8](repeating: UInt8(ascii: "0"), count: SHA256.hexBytes)

    private static let begin = Array("{\"seq\":".utf8)
    private static let prev = Array(",\"prev\":\"".utf8)
    private static let hash = Array("\",\"hash\":\"".utf8)
    private static let end = Array("\"}".utf8)
    private static let brace = UInt8(ascii: "}")

    /// From `,"prev":` to the end of the line, without its newline.
    private static let tailBytes =
        prev.count + SHA256.hexBytes + hash.count + SHA256.hexBytes + end.count
    /// From `,"hash":` to the end.
    private static let sealBytes = hash.count - 1 + SHA256.hexBytes + end.count

    /// Appends a line with its newline; answers its hash.
    ///
    /// `body` begins with a comma.
    static func write(
        sequence: UInt64, body: [UInt8], previous: [UInt8], into bytes: inout [UInt8],
        _ sha: SHA256
    ) -> [UInt8] {
        let start = bytes.count
        bytes.append(contentsOf: begin)
        bytes.append(contentsOf: String(sequence).utf8)
        bytes.append(contentsOf: body)
        bytes.append(contentsOf: prev)
        bytes.append(contentsOf: previous)
        bytes.append(UInt8(ascii: "\""))
        let sum = sha.hex(
            of: bytes.span.extracting(start..<bytes.count), followedBy: brace)
        bytes.append(contentsOf: hash.dropFirst())
        bytes.append(contentsOf: sum)
        bytes.append(contentsOf: end)
        bytes.append(0x0A)
        return sum
    }

    /// What a line says of its place in the chain.
    struct Link {
        let sequence: UInt64
        let previous: [UInt8]
        let hash: [UInt8]
    }

    /// Reads a line without its newline; nil when it has not the form.
    static func link(_ line: Span<UInt8>) -> Link? {
        guard line.count > begin.count + tailBytes, let sequence = sequence(line) else {
            return nil
        }
        let tail = line.count - tailBytes
        let second = tail + prev.count + SHA256.hexBytes
        guard has(prev, line, at: tail), has(hash, line, at: second),
            has(end, line, at: line.count - end.count)
        else { return nil }
        return Link(
            sequence: sequence,
            previous: copy(line, from: tail + prev.count, SHA256.hexBytes),
            hash: copy(line, from: second + hash.count, SHA256.hexBytes))
    }

    /// The hash that a line should have, by what stands in it.
    static func sum(_ line: Span<UInt8>, _ sha: SHA256) -> [UInt8] {
        guard line.count > sealBytes else { return [] }
        return sha.hex(of: line.extracting(0..<line.count - sealBytes), followedBy: brace)
    }

    /// The number at the beginning, and nothing else.
    static func sequence(_ line: Span<UInt8>) -> UInt64? {
        guard has(begin, line, at: 0) else { return nil }
        var number: UInt64 = 0
        var place = begin.count
        while place < line.count, (0x30...0x39).contains(line[place]) {
            guard place - begin.count < 19 else { return nil }
            number = number * 10 + UInt64(line[place] - 0x30)
            place += 1
        }
        guard place > begin.count, place < line.count, line[place] == UInt8(ascii: ",") else {
            return nil
        }
        return number
    }

    static func has(_ text: [UInt8], _ line: Span<UInt8>, at place: Int) -> Bool {
        guard place >= 0, place + text.count <= line.count else { return false }
        for index in text.indices where line[place + index] != text[index] { return false }
        return true
    }

    static func copy(_ line: Span<UInt8>, from place: Int, _ count: Int) -> [UInt8] {
        let bytes = line.extracting(place..<place + count)
        return unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
