import Glibc

/// Random numbers that are the same for the same seed, on every machine and in every release.
///
/// SplitMix64: one addition and two multiplications a number, any seed is as good as another, and
/// streams of one seed are told apart by mixing the stream's number into it.
struct DemoRandom: Sendable {
    private var state: UInt64

    init(seed: UInt64, stream: UInt64 = 0) {
        state = Self.mix(seed &+ Self.mix(stream &+ 0x9E37_79B9_7F4A_7C15))
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// An id: never zero, which OTLP calls invalid.
    mutating func id() -> UInt64 { max(1, next()) }

    /// At least 0, below 1.
    mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    mutating func int(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.count))
    }

    mutating func real(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound + unit() * (range.upperBound - range.lowerBound)
    }

    /// What waiting times look like: half of them below `median`, and a long tail.
    mutating func logNormal(median: Double, sigma: Double) -> Double {
        let radius = (-2 * log(1 - unit())).squareRoot()
        return median * exp(sigma * radius * cos(2 * Double.pi * unit()))
    }

    /// An element of a list that is not empty.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[int(0...elements.count - 1)]
    }

    /// An element of a list that is not empty, more often the greater its weight.
    mutating func pick<Element>(weighted elements: [(Element, weight: Double)]) -> Element {
        var rest = unit() * elements.reduce(0) { $0 + $1.weight }
        for (element, weight) in elements {
            rest -= weight
            if rest < 0 { return element }
        }
        return elements[elements.count - 1].0
    }

    mutating func hex(_ digits: Int) -> String {
        var text = ""
        while text.utf8.count < digits {
            let word = String(next(), radix: 16)
            text += String(repeating: "0", count: 16 - word.utf8.count) + word
        }
        return String(text.prefix(digits))
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var word = value
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
