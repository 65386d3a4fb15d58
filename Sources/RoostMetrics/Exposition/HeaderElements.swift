/// One element of a list header: `gzip;q=0.5`, `text/plain; version="0.0.4"; q=0.3`.
struct HeaderElement {
    /// In lower case.
    var name: String
    /// Names in lower case, values as they came without quotes; the weight is not among them.
    var parameters: [(name: String, value: String)] = []
    /// Thousandths, 0 to 1000; 1000 when absent or illegible.
    var weight = 1000

    func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}

/// The elements of a list header, leniently: what cannot be read is passed over, at most 64 are
/// read. RFC 9110 §5.6.1, §12.4.2.
func headerElements(_ header: String) -> [HeaderElement] {
    var elements: [HeaderElement] = []
    for part in splitOutsideQuotes(header.utf8, at: 0x2C) {
        guard elements.count < 64 else { break }
        let pieces = splitOutsideQuotes(part, at: 0x3B)
        let name = trimmed(pieces[0]).lowercased()
        guard !name.isEmpty else { continue }
        var element = HeaderElement(name: name)
        for piece in pieces.dropFirst().prefix(16) {
            guard let equals = piece.firstIndex(of: 0x3D) else { continue }
            let name = trimmed(piece[..<equals]).lowercased()
            let value = unquoted(trimmed(piece[piece.index(after: equals)...]))
            if name == "q" {
                element.weight = weight(value)
            } else {
                element.parameters.append((name, value))
            }
        }
        elements.append(element)
    }
    return elements
}

private func splitOutsideQuotes(
    _ text: some Collection<UInt8>, at separator: UInt8
) -> [[UInt8]] {
    var parts: [[UInt8]] = [[]]
    var isQuoted = false
    for byte in text {
        if byte == 0x22 { isQuoted.toggle() }
        if byte == separator, !isQuoted {
            parts.append([])
        } else {
            parts[parts.count - 1].append(byte)
        }
    }
    return parts
}

private func trimmed(_ bytes: some BidirectionalCollection<UInt8>) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    let left = bytes.drop(while: isBlank)
    let right = left.reversed().drop(while: isBlank)
    return String(decoding: right.reversed(), as: UTF8.self)
}

private func unquoted(_ text: String) -> String {
    guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
    return String(text.dropFirst().dropLast())
}

/// `0.25` as 250. Digits past the third are cut off; more than 1 is 1.
private func weight(_ text: String) -> Int {
    var thousandths = 0
    var unit = 1000
    var isFraction = false
    var digits = 0
    for byte in text.utf8 {
        switch byte {
        case 0x2E where !isFraction:
            isFraction = true
        case 0x30...0x39:
            let digit = Int(byte - 0x30)
            digits += 1
            if isFraction {
                unit /= 10
                thousandths += digit * unit
            } else {
                thousandths = min(1000, thousandths * 10 + digit * 1000)
            }
        default:
            return 1000
        }
    }
    return digits == 0 ? 1000 : min(thousandths, 1000)
}
