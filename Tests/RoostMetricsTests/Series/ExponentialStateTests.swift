import Testing

@testable import RoostMetrics

@Suite struct ExponentialStateTests {
    private func state(
        scale: Int32, _ offset: Int32, _ counts: [UInt64], zero: UInt64 = 0, threshold: Double = 0
    ) -> ExponentialState {
        var state = ExponentialState()
        state.scale = scale
        state.positive = ExponentialSide(offset: offset, counts: counts)
        state.zeroCount = zero
        state.zeroThreshold = threshold
        return state
    }

    @Test func `joins buckets in pairs when it goes down in scale`() {
        var side = ExponentialSide(offset: -3, counts: [1, 2, 3, 4, 5])
        side.downscale(by: 1)
        #expect(side.offset == -2)
        #expect(side.counts == [1, 5, 9])
    }

    @Test func `adds at the lower scale`() {
        var left = state(scale: 1, 0, [1, 1, 1, 1])
        left.add(state(scale: 0, 1, [10, 20]))
        #expect(left.scale == 0)
        #expect(left.positive.offset == 0)
        #expect(left.positive.counts == [2, 12, 20])
        #expect(left.count == 34)
    }

    @Test func `widens the zero bucket to the wider of both`() {
        // At scale 0 bucket 0 is (1, 2] and bucket 1 (2, 4].
        var left = state(scale: 0, 0, [1, 2, 4], zero: 8)
        left.add(state(scale: 0, 2, [1], zero: 1, threshold: 1.5))
        #expect(left.zeroThreshold == 2)
        #expect(left.zeroCount == 10)
        #expect(left.positive.offset == 1)
        #expect(left.positive.counts == [2, 5])
    }

    @Test func `stays within its buckets however far apart they are`() {
        var left = state(scale: 8, -200_000, [1])
        left.add(state(scale: 8, 200_000, [2]))
        #expect(left.count == 3)
        #expect(left.positive.counts.count <= ExponentialState.maxBuckets)
    }

    @Test func `downscales what is finer than native histograms are`() {
        var fine = state(scale: 12, 0, [UInt64](repeating: 1, count: 1_000))
        #expect(fine.normalise() == nil)
        #expect(fine.scale == 8)
        #expect(fine.count == 1_000)
    }

    @Test func `refuses what no double can lie in`() {
        var coarse = state(scale: -5, 0, [1])
        #expect(coarse.normalise() == .scaleTooLow)
        var huge = state(scale: 0, .max, [1])
        #expect(huge.normalise() == .invalidValue)
        var low = state(scale: 0, .min, [1])
        #expect(low.normalise() == .invalidValue)
        var fine = state(scale: .max, 0, [1])
        #expect(fine.normalise() == .invalidValue)
        var many = state(scale: 0, 0, [.max, .max])
        #expect(many.normalise() == .invalidValue)
        var empty = state(scale: 0, .max, [0, 0])
        #expect(empty.normalise() == nil)
    }

    @Test func `tells the increase between two points of different scale`() {
        let older = state(scale: 1, 0, [1, 1, 1, 1], zero: 1)
        let newer = state(scale: 0, 0, [5, 7], zero: 4)
        let increase = newer.increase(since: older)
        #expect(increase.positive.counts == [3, 5])
        #expect(increase.zeroCount == 3)
    }

    @Test func `takes points of both temporalities`() {
        let store = SeriesStore()
        for time in 1...3 as ClosedRange<UInt64> {
            store.take(
                Sent.exponential(
                    "d", scale: 0, zero: 1, offset: 0, counts: [1, 1], sum: 4,
                    Point(start: time, time: time + 1), .delta),
                Sent.exponential(
                    "c", scale: 0, zero: time, offset: 0, counts: [time], sum: nil,
                    Point(start: 1, time: time + 1)))
        }
        let samples = store.samples
        #expect(samples.contains("d_count 9"))
        #expect(samples.contains("d_sum 12"))
        #expect(samples.contains(#"c_bucket{le="+Inf"} 6"#))
        store.take(
            Sent.exponential("x", scale: -7, offset: 0, counts: [1], sum: 1),
            Sent.exponential("x", scale: 3, offset: .max, counts: [1], sum: 1))
        #expect(store.counts[.scaleTooLow] == 1)
        #expect(store.counts[.invalidValue] == 1)
    }
}
