/// Gathers the answer to one request from what libcurl hands over, line by line and piece by piece.
///
/// What a peer sends is held within bounds that are its own, since no memory budget knows of it.
struct AnswerReader {
    /// For all header lines together: of the head, of interim answers before it and of trailers.
    ///
    /// libcurl keeps what it hands over of them until the request ends, and bounds only the head.
    static let maxHeaderBytes = 64 << 10
    /// What a line costs beside its bytes; lines may be short, and as many as a peer likes.
    static let headerOverhead = 128

    var answer = ClientAnswer()
    /// Whether the head of the answer, other than an interim one, has come to its end.
    private(set) var isHeadComplete = false
    private var headerBytes = 0
    private var bodyBytes = 0
    private let maxBodyBytes: Int
    private let maxKeptBytes: Int

    init(_ request: ClientRequest) {
        maxBodyBytes = request.maxAnswerBytes
        maxKeptBytes = request.maxKeptBytes
    }

    /// Rises with every byte that comes.
    var progress: Int { headerBytes + bodyBytes }

    /// Whether the answer may go on; else `answer` says why not.
    mutating func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count + Self.headerOverhead
        guard headerBytes <= Self.maxHeaderBytes else {
            answer.failure = ClientFailure(
                .malformedAnswer,
                "the headers of the answer are longer than \(Self.maxHeaderBytes) bytes")
            return false
        }
        let text = unsafe String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            // Also after an interim answer such as 100, whose headers mean nothing here.
            answer.headers = []
            isHeadComplete = false
            answer.httpStatus = Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
        } else if text.utf8.first == 0x0D || text.utf8.first == 0x0A {
            isHeadComplete = isHeadComplete || answer.httpStatus >= 200
        } else if let colon = text.firstIndex(of: ":") {
            let name = text[..<colon].lowercased()
            answer.headers.append((name, trimmed(text[text.index(after: colon)...])))
        }
        return true
    }

    /// Whether the answer may go on; else `answer` says why not.
    mutating func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bodyBytes += bytes.count
        guard bodyBytes <= maxBodyBytes else {
            answer.failure = ClientFailure(
                .answerTooLarge, "the answer is longer than \(maxBodyBytes) bytes")
            return false
        }
        let kept = min(bytes.count, maxKeptBytes - answer.body.count)
        unsafe answer.body.append(contentsOf: bytes.prefix(kept))
        answer.droppedBytes += bytes.count - kept
        return true
    }

    /// libcurl takes a head that is cut off for a whole one, but what it says may be half of it.
    mutating func dropPartOfHead() {
        guard !isHeadComplete else { return }
        answer.httpStatus = 0
        answer.headers = []
    }
}

/// Without white space at both ends.
func trimmed(_ text: Substring) -> String {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0.isNewline }
    let tail = text.drop(while: isSpace)
    return String(tail.reversed().drop(while: isSpace).reversed())
}
