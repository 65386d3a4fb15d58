/// What is sampled of each operation.
enum SampledMeasure: Int, CaseIterable, Sendable {
    /// Seconds of calls that succeeded.
    case duration
    /// 1 for a call that failed, else 0.
    case failure
    case tokens
    /// USD.
    case cost

    static let count = 4
}

/// A positive number in sixteen bits, 0.2 % exact, in the order of the numbers.
enum SampleCode {
    static func code(_ value: Double) -> UInt16 {
        guard value > 0 else { return 0 }
        let bits = Float(min(value, 1e30)).bitPattern &+ 0x4000
        return UInt16(truncatingIfNeeded: bits >> 15)
    }

    static func value(_ code: UInt16) -> Double {
        Double(Float(bitPattern: UInt32(code) << 15))
    }
}

/// Samples of each operation and measure: those of the baseline, and the latest.
///
///     call ─▶ recent (ring of 128, in order) ─ leaves ─▶ baseline (384, in no order)
///
/// Until the baseline is learned, samples go to it directly. Memory: 6.3 KB an operation.
struct SampleTable: Sendable {
    static let kept = 384
    static let recent = 128

    struct Series: Sendable {
        var kept: UInt16 = 0
        /// The place of the oldest recent sample, and how many there are.
        var oldest: UInt16 = 0
        var count: UInt16 = 0
        var isLearned = false
        /// Samples since it was last looked at.
        var fresh: UInt16 = 0
        /// Unix nanoseconds of the first sample.
        var began: UInt64 = 0
    }

    private(set) var series: [Series] = []
    private var keptSamples: [UInt16] = []
    private var recentSamples: [UInt16] = []
    /// Seconds since the epoch.
    private var recentTimes: [UInt32] = []
    private var random: UInt64 = 0x9E37_79B9_7F4A_7C15

    mutating func addOperation() {
        series.append(contentsOf: repeatElement(Series(), count: SampledMeasure.count))
        let all = SampledMeasure.count
        keptSamples.append(contentsOf: repeatElement(0, count: all * SampleTable.kept))
        recentSamples.append(contentsOf: repeatElement(0, count: all * SampleTable.recent))
        recentTimes.append(contentsOf: repeatElement(0, count: all * SampleTable.recent))
    }

    /// Puts the last operation in the place of another, which is forgotten.
    mutating func removeOperation(_ place: Int) {
        let last = series.count / SampledMeasure.count - 1
        for measure in SampledMeasure.allCases {
            let (from, to) = (at(last, measure), at(place, measure))
            series[to] = series[from]
            for sample in 0..<SampleTable.kept {
                keptSamples[to * SampleTable.kept + sample] =
                    keptSamples[from * SampleTable.kept + sample]
            }
            for sample in 0..<SampleTable.recent {
                let (from, to) = (from * SampleTable.recent, to * SampleTable.recent)
                recentSamples[to + sample] = recentSamples[from + sample]
                recentTimes[to + sample] = recentTimes[from + sample]
            }
        }
        let all = SampledMeasure.count
        series.removeLast(all)
        keptSamples.removeLast(all * SampleTable.kept)
        recentSamples.removeLast(all * SampleTable.recent)
        recentTimes.removeLast(all * SampleTable.recent)
    }

    @inline(__always) func at(_ place: Int, _ measure: SampledMeasure) -> Int {
        place &* SampledMeasure.count &+ measure.rawValue
    }

    // MARK: samples

    /// A baseline that `isHeld` because a regression shows moves at a quarter of the pace.
    mutating func add(
        _ value: Double, _ at: Int, now: UInt64, isHeld: Bool, _ settings: RegressionSettings
    ) {
        let code = SampleCode.code(value)
        if series[at].began == 0 { series[at].began = now }
        if !series[at].isLearned {
            if !isLearned(series[at], now: now, settings) {
                keptSamples[at &* SampleTable.kept &+ Int(series[at].kept)] = code
                series[at].kept &+= 1
                return
            }
            series[at].isLearned = true
        }
        if Int(series[at].count) == SampleTable.recent { retire(at, isHeld, settings) }
        let ring = at &* SampleTable.recent
        let next = (Int(series[at].oldest) &+ Int(series[at].count)) % SampleTable.recent
        recentSamples[ring &+ next] = code
        recentTimes[ring &+ next] = UInt32(truncatingIfNeeded: now / 1_000_000_000)
        series[at].count &+= 1
        if series[at].fresh < .max { series[at].fresh &+= 1 }
    }

    private func isLearned(_ series: Series, now: UInt64, _ settings: RegressionSettings) -> Bool {
        let kept = Int(series.kept)
        if kept >= min(settings.learned, SampleTable.kept) { return true }
        return kept >= settings.leastLearned && now > series.began &+ settings.learningTime
    }

    /// The oldest recent sample leaves the window.
    private mutating func retire(
        _ at: Int, _ isHeld: Bool, _ settings: RegressionSettings
    ) {
        let code = recentSamples[at &* SampleTable.recent &+ Int(series[at].oldest)]
        series[at].oldest = UInt16((Int(series[at].oldest) &+ 1) % SampleTable.recent)
        series[at].count &-= 1
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        if isHeld, random & 3 != 0 { return }
        let kept = Int(series[at].kept)
        if kept < SampleTable.kept {
            keptSamples[at &* SampleTable.kept &+ kept] = code
            series[at].kept &+= 1
        } else if (random >> 8) % UInt64(max(settings.pace, 1)) == 0 {
            let place = Int((random >> 32) % UInt64(SampleTable.kept))
            keptSamples[at &* SampleTable.kept &+ place] = code
        }
    }

    /// Samples that are too old leave the recent window.
    mutating func age(_ at: Int, now: UInt64, isHeld: Bool, _ settings: RegressionSettings) {
        let horizon = now > settings.recentTime ? (now - settings.recentTime) / 1_000_000_000 : 0
        while series[at].count > 0 {
            let oldest = at &* SampleTable.recent &+ Int(series[at].oldest)
            guard UInt64(recentTimes[oldest]) < horizon else { break }
            retire(at, isHeld, settings)
        }
    }

    mutating func wasLookedAt(_ at: Int) { series[at].fresh = 0 }

    func keptCodes(_ at: Int) -> ArraySlice<UInt16> {
        keptSamples[at * SampleTable.kept..<at * SampleTable.kept + Int(series[at].kept)]
    }

    func recentCodes(_ at: Int) -> [UInt16] {
        (0..<Int(series[at].count)).map { back in
            let place = (Int(series[at].oldest) + back) % SampleTable.recent
            return recentSamples[at * SampleTable.recent + place]
        }
    }

    /// Seconds since the epoch of the oldest and the latest recent sample.
    func recentSpan(_ at: Int) -> (from: UInt32, to: UInt32)? {
        let series = series[at]
        guard series.count > 0 else { return nil }
        let last = (Int(series.oldest) + Int(series.count) - 1) % SampleTable.recent
        let ring = at * SampleTable.recent
        return (recentTimes[ring + Int(series.oldest)], recentTimes[ring + last])
    }

    // MARK: baselines set from outside

    /// Forgets everything of the series; it learns anew.
    mutating func forget(_ at: Int) { series[at] = Series() }

    /// The recent samples become the baseline.
    mutating func accept(_ at: Int) {
        let codes = recentCodes(at)
        guard !codes.isEmpty else { return }
        let began = series[at].began
        restore(at, codes, began: began, isLearned: true)
    }

    /// What was kept elsewhere becomes the baseline.
    mutating func restore(_ at: Int, _ codes: [UInt16], began: UInt64, isLearned: Bool) {
        series[at] = Series()
        for (place, code) in codes.prefix(SampleTable.kept).enumerated() {
            keptSamples[at * SampleTable.kept + place] = code
        }
        series[at].kept = UInt16(min(codes.count, SampleTable.kept))
        series[at].began = began
        series[at].isLearned = isLearned && !codes.isEmpty
    }
}
