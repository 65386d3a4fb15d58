/// What one operation did in one window: its slots added up.
struct OperationSums: Sendable {
    var slot = OperationBook.Slot()
    let examples: OperationBook.Examples
    /// Nil where it was not asked for, no duration is known, or some of them found no room.
    private(set) var durations: DurationSample?

    init(examples: OperationBook.Examples) { self.examples = examples }

    var attempts: Int { Int(slot.attempts) }
    var failures: Int { Int(slot.failures) }
    var failureShare: Double { attempts == 0 ? 0 : Double(failures) / Double(attempts) }
    var retryShare: Double { attempts == 0 ? 0 : Double(retries) / Double(attempts) }
    /// Runs that are still open have attempts whose retries are not known yet.
    var retries: Int { min(Int(slot.retries), attempts) }
    /// Seconds; 0 when no duration is known.
    var mean: Double { slot.timed == 0 ? 0 : slot.sum / Double(slot.timed) }

    var meanSample: MeanSample {
        let timed = Double(max(slot.timed, 1))
        return MeanSample(
            count: Double(slot.timed), mean: mean,
            variance: max(0, slot.squares / timed - mean * mean))
    }

    mutating func take(_ histogram: WindowHistogram) {
        guard slot.timed > 0, histogram.total == UInt64(slot.timed) else { return }
        durations = DurationSample(histogram, least: slot.least, greatest: slot.greatest)
    }
}

/// What is known of a mean.
struct MeanSample: Sendable {
    let count: Double
    let mean: Double
    let variance: Double

    /// How sure it is that the mean of all that could have been seen lies over `limit`, by
    /// Student's t; nil of fewer than two.
    func exceeds(_ limit: Double) -> Double? {
        guard count > 1 else { return nil }
        let error = (variance / (count - 1)).squareRoot()
        // What is left of equal values is rounding.
        guard error > abs(mean) * 1e-6 else { return mean > limit ? 1 : 0 }
        return 1 - Likelihood.studentTail((mean - limit) / error, freedom: count - 1)
    }
}

/// Durations in ascending order, to 1 %.
struct DurationSample: Sendable {
    private var values: [(seconds: Double, count: UInt32)] = []
    /// How many of them there are.
    let count: Double
    /// Seconds.
    private(set) var p50 = 0.0
    private(set) var p95 = 0.0

    init(_ histogram: WindowHistogram, least: Double, greatest: Double) {
        count = Double(histogram.total)
        func seconds(_ nanoseconds: Double) -> Double {
            min(max(nanoseconds * 1e-9, least), greatest)
        }
        var values: [(seconds: Double, count: UInt32)] = []
        histogram.forEachBucket { bucket, count in
            values.append((seconds(WindowBuckets.value(bucket)), count))
        }
        self.values = values
        var quantiles = [0.0, 0.0]
        histogram.quantiles([0.5, 0.95], into: &quantiles)
        (p50, p95) = (seconds(quantiles[0]), seconds(quantiles[1]))
    }

    /// How sure it is that the quantile lies over `limit`: that more than the rest of them do.
    func quantile(_ share: Double, exceeds limit: Double) -> Double {
        var over = 0.0
        for value in values.reversed() {
            guard value.seconds > limit else { break }
            over += Double(value.count)
        }
        return Likelihood.shareExceeds(1 - share, hits: over, chances: count)
    }
}
