/// How a request came, and therefore how it is answered.
public enum Encoding: Sendable {
    case protobuf, json
}

/// At most 4 KiB of text, cut between characters, and without NUL, which ends a C string.
///
/// OTLP lets a server shorten its message; a client may refuse an answer above 4 MiB.
func answerText(_ text: String) -> String {
    let limit = 4_096
    var short = text
    if text.utf8.count > limit {
        short = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            bytes += UTF8.width(scalar)
            if bytes > limit { break }
            short.unicodeScalars.append(scalar)
        }
    }
    guard short.utf8.contains(0) else { return short }
    var clean = ""
    for scalar in short.unicodeScalars {
        clean.unicodeScalars.append(scalar.value == 0 ? "\u{FFFD}" : scalar)
    }
    return clean
}
