import RoostWire

/// A regular expression, ready to be searched for.
///
/// The search follows all ways through the expression at once, so that its time is at most the
/// length of the text times the size of the expression, whatever both say. `docs/decisions` tells
/// why it is our own.
public struct RedactionPattern: Sendable {
    enum Step: Sendable {
        case byte(ByteSet, next: Int)
        case split(Int, Int)
        case lineStart(next: Int)
        case lineEnd(next: Int)
        case wordEdge(next: Int)
        case match
    }

    let steps: [Step]
    let start: Int
    /// Bytes that a match can begin with; nil when it can begin without looking at one.
    let firstBytes: ByteSet?

    static let maxSteps = 4096

    public init(_ text: String) throws(PatternError) {
        var builder = Builder()
        let node = try PatternParser.parse(text)
        let match = builder.add(.match)
        start = builder.compile(node, then: match)
        guard !builder.isTooLarge else {
            throw PatternError(reason: "is too large; repeat less", column: 1)
        }
        steps = builder.steps
        firstBytes = Self.firstBytes(steps, start)
    }

    /// Builds the steps from the last to the first.
    private struct Builder {
        var steps: [Step] = []
        var isTooLarge = false
        private var work = 0

        mutating func add(_ step: Step) -> Int {
            guard steps.count < RedactionPattern.maxSteps else {
                isTooLarge = true
                return 0
            }
            steps.append(step)
            return steps.count - 1
        }

        mutating func compile(_ node: PatternNode, then next: Int) -> Int {
            // Groups of nothing cost no step, but time.
            work += 1
            if work > 64 * RedactionPattern.maxSteps { isTooLarge = true }
            guard !isTooLarge else { return 0 }
            switch node {
            case .byte(let set): return add(.byte(set, next: next))
            case .lineStart: return add(.lineStart(next: next))
            case .lineEnd: return add(.lineEnd(next: next))
            case .wordEdge: return add(.wordEdge(next: next))
            case .sequence(let parts):
                return parts.reversed().reduce(next) { compile($1, then: $0) }
            case .choice(let branches):
                let entries = branches.map { compile($0, then: next) }
                return entries.dropLast().reversed().reduce(entries.last ?? next) {
                    add(.split($1, $0))
                }
            case .times(let inner, let least, let most):
                return compile(inner, least, most, then: next)
            }
        }

        private mutating func compile(
            _ inner: PatternNode, _ least: Int, _ most: Int?, then next: Int
        ) -> Int {
            var entry = next
            if let most {
                for _ in least..<most where !isTooLarge {
                    entry = add(.split(compile(inner, then: entry), next))
                }
            } else {
                let loop = add(.split(0, next))
                let body = compile(inner, then: loop)
                if !isTooLarge { steps[loop] = .split(body, next) }
                entry = loop
            }
            for _ in 0..<least where !isTooLarge { entry = compile(inner, then: entry) }
            return entry
        }
    }

    private static func firstBytes(_ steps: [Step], _ start: Int) -> ByteSet? {
        var set = ByteSet()
        var seen = [Bool](repeating: false, count: steps.count)
        var waiting = [start]
        while let index = waiting.popLast() {
            guard !seen[index] else { continue }
            seen[index] = true
            switch steps[index] {
            case .byte(let more, _): set = set.union(more)
            case .split(let one, let other): waiting += [one, other]
            case .lineStart(let next), .lineEnd(let next), .wordEdge(let next):
                waiting.append(next)
            case .match: return nil
            }
        }
        return set
    }
}

/// One search after another; the arrays are used again.
struct PatternSearch {
    enum Outcome: Equatable {
        case found(Range<Int>)
        case nothing
        /// More steps would have been needed than one text is given.
        case gaveUp
    }

    /// Steps that a text is given: some ten milliseconds.
    static let stepsPerText = 2_000_000
    /// What is left of them.
    var stepsLeft = PatternSearch.stepsPerText

    /// Ways that end before `index` with the place where they began; earlier beginnings first.
    private var ways: [(step: Int, start: Int)] = []
    private var nextWays: [(step: Int, start: Int)] = []
    private var seenAt: [Int] = []
    private var waiting: [Int] = []

    /// The leftmost match at or after `from`, and of those the longest. Empty ones do not count.
    mutating func next(_ pattern: RedactionPattern, in text: WireBytes, from: Int) -> Outcome {
        var index = from
        if let first = pattern.firstBytes {
            while index < text.count, !first.contains(text.byte(index)) { index += 1 }
            stepsLeft -= (index - from) / 8
            if index == text.count { return .nothing }
        }
        seenAt.removeAll(keepingCapacity: true)
        seenAt.append(contentsOf: repeatElement(-1, count: pattern.steps.count))
        stepsLeft -= pattern.steps.count / 16 + 1
        ways.removeAll(keepingCapacity: true)
        var best: Range<Int>?
        while true {
            if best == nil {
                if ways.isEmpty, let first = pattern.firstBytes {
                    let skipped = index
                    while index < text.count, !first.contains(text.byte(index)) { index += 1 }
                    stepsLeft -= (index - skipped) / 8
                    if index == text.count { return .nothing }
                }
                follow(pattern, from: pattern.start, began: index, at: index, text, &best)
            }
            if ways.isEmpty, best != nil || index >= text.count { break }
            guard index < text.count else { break }
            guard stepsLeft > 0 else { return .gaveUp }
            let byte = text.byte(index)
            nextWays.removeAll(keepingCapacity: true)
            swap(&ways, &nextWays)
            for way in nextWays {
                if let best, way.start > best.lowerBound { break }
                stepsLeft -= 1
                guard case .byte(let set, let next) = pattern.steps[way.step], set.contains(byte)
                else { continue }
                follow(pattern, from: next, began: way.start, at: index + 1, text, &best)
            }
            index += 1
        }
        return best.map { .found($0) } ?? .nothing
    }

    /// Adds the ways that lead on from a step without looking at a byte.
    private mutating func follow(
        _ pattern: RedactionPattern, from step: Int, began start: Int, at index: Int,
        _ text: WireBytes, _ best: inout Range<Int>?
    ) {
        waiting.append(step)
        while let step = waiting.popLast() {
            guard seenAt[step] != index else { continue }
            seenAt[step] = index
            stepsLeft -= 1
            switch pattern.steps[step] {
            case .byte: ways.append((step, start))
            case .split(let one, let other):
                waiting.append(other)
                waiting.append(one)
            case .lineStart(let next):
                if index == 0 || text.byte(index - 1) == 0x0A { waiting.append(next) }
            case .lineEnd(let next):
                if index == text.count || text.byte(index) == 0x0A { waiting.append(next) }
            case .wordEdge(let next):
                if isWord(text.byte(index - 1)) != isWord(text.byte(index)) {
                    waiting.append(next)
                }
            case .match:
                guard index > start else { break }
                if best.map({ start < $0.lowerBound || start == $0.lowerBound }) ?? true {
                    best = start..<index
                }
            }
        }
    }

    private func isWord(_ byte: UInt8) -> Bool {
        ByteSet.alphanumerics.contains(byte) || byte == 0x5F
    }
}
