/// What messages show of a text that may hold a secret by mistake.

/// A key, as far as it is one word: behind a colon, an equals sign or a space may stand a value, as
/// in `Authorization: Bearer …` where a name was wanted.
func shownKey(_ key: some StringProtocol) -> String {
    let word = key.prefix { !":=@,;\"{}".contains($0) && !$0.isWhitespace }
    return word.endIndex == key.endIndex ? String(key) : word + "…"
}

/// The name of a header that a text is, or with `isCut` that stands before a colon or a space in it,
/// with a space before it and in parentheses; empty when there is none.
func shownHeaderName(_ text: String, isCut: Bool) -> String {
    let name = text.prefix { $0 != ":" && !$0.isWhitespace }
    guard isHeaderName(name), !isCut || name.endIndex < text.endIndex else { return "" }
    return " (\(name))"
}

/// An address without the name and password before its host and the values of its query, where it
/// may lack its scheme.
package func shownAddress(_ text: String) -> String {
    let end = text.firstIndex { $0 == "?" || $0 == "#" } ?? text.endIndex
    let shown = withoutUserInfo(String(text[..<end]), needsScheme: false)
    guard end < text.endIndex else { return shown }
    // The question mark may belong to the password.
    if text[end...].contains("@") {
        return text[..<(text[..<end].firstRange(of: "://")?.upperBound ?? text.startIndex)] + "***"
    }
    let query = text[text.index(after: end)...].split(separator: "&").map { pair in
        pair.firstIndex(of: "=").map { pair[..<$0] + "=***" } ?? "***"
    }
    return shown + String(text[end]) + query.joined(separator: "&")
}

/// A text without the name and password in it, should it be an address.
func withoutUserInfo(_ text: String, needsScheme: Bool = true) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let scheme = text[..<at].firstRange(of: "://")
    guard scheme != nil || !needsScheme else { return text }
    return text[..<(scheme?.upperBound ?? text.startIndex)] + "***" + text[at...]
}
