/// Baselines that an earlier process learned, until their operations come again.
struct AdoptedBaselines: Sendable {
    struct Part: Sendable, Equatable {
        var began: UInt64 = 0
        var isLearned = false
        var codes: [UInt16] = []
    }

    struct Baseline: Sendable, Equatable {
        /// Unix nanoseconds.
        var lastSeen: UInt64
        /// By measure.
        var parts: [Part]

        var isLearned: Bool { parts.contains { $0.isLearned && !$0.codes.isEmpty } }
    }

    private(set) var baselines: [FindingSubject: Baseline] = [:]
    /// What each says, worked out when it was read: questions come often.
    private var figures: [FindingSubject: OperationFigures] = [:]

    mutating func take(_ subject: FindingSubject) -> Baseline? {
        if baselines.isEmpty { return nil }
        figures[subject] = nil
        return baselines.removeValue(forKey: subject)
    }

    mutating func add(_ subject: FindingSubject, _ baseline: Baseline) {
        baselines[subject] = baseline
        figures[subject] = Assessor.figures(baseline.parts.map { $0.codes.sorted() })
    }

    /// In no order.
    var summaries: [BaselineSummary] {
        baselines.map { subject, baseline in
            BaselineSummary(
                subject: subject, isLearned: baseline.isLearned,
                baseline: figures[subject] ?? OperationFigures(), recent: OperationFigures())
        }
    }
}

/// How baselines are kept: `RBL`, a version, the number of operations, each with its name and four
/// lists of samples, all numbers little-endian, and a hash of what came before.
extension Regressions {
    private static let magic: [UInt8] = [0x52, 0x42, 0x4C, 1]
    private static let longestName = 4_096

    /// The baselines of everything known, at most `operations` of them.
    public func encoded(_ symbols: Symbols) -> [UInt8] {
        var entries: [(FindingSubject, AdoptedBaselines.Baseline)] = keys.indices.map { place in
            let parts = SampledMeasure.allCases.map { part(place, $0) }
            return (
                keys[place].subject(symbols),
                AdoptedBaselines.Baseline(lastSeen: lastSeen(at: place), parts: parts)
            )
        }
        let waiting = adopted.baselines.sorted {
            ($1.value.lastSeen, $0.key.name) < ($0.value.lastSeen, $1.key.name)
        }
        entries += waiting.prefix(max(0, settings.operations - entries.count)).map {
            ($0.key, $0.value)
        }
        var bytes = Regressions.magic
        append(UInt32(entries.count), &bytes)
        for (subject, baseline) in entries {
            let name = Array(subject.name.utf8.prefix(Regressions.longestName))
            bytes.append(subject.kind.rawValue)
            append(UInt16(name.count), &bytes)
            bytes += name
            append(baseline.lastSeen, &bytes)
            for part in baseline.parts {
                append(part.began, &bytes)
                bytes.append(part.isLearned ? 1 : 0)
                append(UInt16(part.codes.count), &bytes)
                for code in part.codes { append(code, &bytes) }
            }
        }
        append(Regressions.hash(bytes[...]), &bytes)
        return bytes
    }

    /// Nil when the bytes are no baselines of this version, or damaged.
    public init?(decoding bytes: [UInt8], _ settings: RegressionSettings = RegressionSettings()) {
        guard bytes.count >= 16, Array(bytes.prefix(4)) == Regressions.magic else { return nil }
        var hash = BaselineReader(bytes[(bytes.count - 8)...])
        guard hash.number(UInt64.self) == Regressions.hash(bytes.dropLast(8)) else { return nil }
        self.init(settings)
        var reader = BaselineReader(bytes[4..<bytes.count - 8])
        guard let count = reader.number(UInt32.self) else { return nil }
        for _ in 0..<count {
            guard let (subject, baseline) = reader.entry() else { return nil }
            if adopted.baselines.count < settings.operations { adopted.add(subject, baseline) }
        }
        guard reader.isAtEnd else { return nil }
    }

    private static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    private func append(_ number: some FixedWidthInteger, _ bytes: inout [UInt8]) {
        var number = number
        for _ in 0..<number.bitWidth / 8 {
            bytes.append(UInt8(truncatingIfNeeded: number))
            number >>= 8
        }
    }
}

/// Reads what was kept; nil past the end.
private struct BaselineReader {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
        let width = Number.bitWidth / 8
        guard bytes.count >= width else { return nil }
        var number: Number = 0
        for (place, byte) in bytes.prefix(width).enumerated() {
            number |= Number(truncatingIfNeeded: byte) << (place * 8)
        }
        bytes = bytes.dropFirst(width)
        return number
    }

    mutating func entry() -> (FindingSubject, AdoptedBaselines.Baseline)? {
        guard let raw = number(UInt8.self), let kind = FindingSubject.Kind(rawValue: raw),
            let length = number(UInt16.self), bytes.count >= Int(length)
        else { return nil }
        let name = String(decoding: bytes.prefix(Int(length)), as: UTF8.self)
        bytes = bytes.dropFirst(Int(length))
        guard let lastSeen = number(UInt64.self) else { return nil }
        var parts: [AdoptedBaselines.Part] = []
        for _ in SampledMeasure.allCases {
            guard let part = part() else { return nil }
            parts.append(part)
        }
        return (
            FindingSubject(kind, name),
            AdoptedBaselines.Baseline(lastSeen: lastSeen, parts: parts)
        )
    }

    private mutating func part() -> AdoptedBaselines.Part? {
        guard let began = number(UInt64.self), let isLearned = number(UInt8.self),
            let count = number(UInt16.self), Int(count) <= SampleTable.kept,
            bytes.count >= Int(count) * 2
        else { return nil }
        var codes: [UInt16] = []
        for _ in 0..<count {
            guard let code = number(UInt16.self) else { return nil }
            codes.append(code)
        }
        return AdoptedBaselines.Part(began: began, isLearned: isLearned == 1, codes: codes)
    }
}
