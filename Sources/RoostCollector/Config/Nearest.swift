/// The candidate that a misspelt word most likely meant: the one that the fewest changed, missing,
/// added or swapped letters lead to. nil when none is near.
public func nearest(_ word: String, among candidates: some Sequence<String>) -> String? {
    let word = Array(word.lowercased().unicodeScalars.prefix(64))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
        let distance = editDistance(word, Array(candidate.lowercased().unicodeScalars))
        if distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    guard let best, best.distance <= max(1, max(word.count, best.name.unicodeScalars.count) / 2)
    else { return nil }
    return best.name
}

/// Optimal string alignment: the Levenshtein distance with swapped neighbours counted as one.
private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
        var row = [i + 1]
        for j in right.indices {
            var least = min(last[j + 1], row[j]) + 1
            least = min(least, last[j] + (left[i] == right[j] ? 0 : 1))
            if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                least = min(least, beforeLast[j - 1] + 1)
            }
            row.append(least)
        }
        beforeLast = last
        last = row
    }
    return last[right.count]
}
