/// What windows are told by.
public enum WindowDimension: Int, CaseIterable, Sendable {
    case agent, workflow, model, provider, tool

    /// The place of a duration's sketch among those of a key; nil where none is held.
    func sketch(_ measure: WindowMeasure) -> Int? {
        switch (self, measure) {
        case (.agent, .agent), (.workflow, .workflow), (.model, .llm), (.provider, .llm),
            (.tool, .tool):
            0
        case (.agent, .llm), (.model, .firstToken), (.provider, .firstToken): 1
        case (.agent, .tool): 2
        default: nil
        }
    }

    var sketches: Int {
        switch self {
        case .agent: 3
        case .model, .provider: 2
        case .workflow, .tool: 1
        }
    }
}

/// The durations that sketches are held of.
enum WindowMeasure: Int, CaseIterable, Sendable {
    case workflow, agent, llm, tool, firstToken
}

/// Where the counts of a key stand: tallies and sketches are numbered through all dimensions, what
/// is told overall first.
enum WindowLayout {
    /// Keys of one dimension that are told apart.
    static let keys = 200
    /// The key of all others.
    static let other = keys
    static let stride = keys + 1
    static let tallies = 1 + WindowDimension.allCases.count * stride
    static let sketches = sketchBase(.tool) + stride

    @inline(__always)
    static func tally(_ dimension: WindowDimension, _ key: Int) -> Int {
        1 &+ dimension.rawValue &* stride &+ key
    }

    @inline(__always)
    static func sketchBase(_ dimension: WindowDimension) -> Int {
        switch dimension {
        case .agent: 5
        case .workflow: 5 + 3 * stride
        case .model: 5 + 4 * stride
        case .provider: 5 + 6 * stride
        case .tool: 5 + 8 * stride
        }
    }
}

/// The keys of one dimension: numbers of texts, given a small number each while they are in use.
struct WindowKeys: Sendable {
    /// By number of text: the key + 1, or 0.
    private var places: [UInt8] = []
    /// By key: the number of its text; 0 is free.
    private(set) var texts = [Int32](repeating: 0, count: WindowLayout.keys)
    private var free: [UInt8]

    /// Numbers of texts beyond this are not told apart.
    private static let mostTexts = 262_144

    init() { free = (0..<UInt8(WindowLayout.keys)).reversed() }

    /// The key of a text that is not the empty one.
    @inline(__always)
    mutating func key(_ text: Int32) -> Int {
        let index = Int(text)
        if index >= 0, index < places.count {
            let place = places[index]
            if place != 0 { return Int(place) &- 1 }
        }
        return newKey(text)
    }

    @inline(never)
    private mutating func newKey(_ text: Int32) -> Int {
        let index = Int(text)
        guard index >= 0, index < WindowKeys.mostTexts, let key = free.popLast() else {
            return WindowLayout.other
        }
        if index >= places.count {
            let room = min(WindowKeys.mostTexts, max(index + 1, places.count * 2, 256))
            places.append(contentsOf: repeatElement(0, count: room - places.count))
        }
        places[index] = key + 1
        texts[Int(key)] = text
        return Int(key)
    }

    /// The key of a text, if it has one of its own.
    func known(_ text: Int32) -> Int {
        let index = Int(text)
        guard index >= 0, index < places.count, places[index] != 0 else {
            return WindowLayout.other
        }
        return Int(places[index]) &- 1
    }

    /// Gives back the keys of which `isUsed` does not hold.
    mutating func release(where isUsed: (Int) -> Bool) {
        for key in 0..<WindowLayout.keys where texts[key] != 0 && !isUsed(key) {
            places[Int(texts[key])] = 0
            texts[key] = 0
            free.append(UInt8(key))
        }
    }

    var byteCount: Int { places.capacity + texts.capacity * 4 + free.capacity }
}
