import Testing

@testable import RoostDemo

@Suite struct MeterTests {
    @Test func `goes on counting where points are cumulative`() {
        var meter = Meter(start: 10)
        meter.record(.toolCalls, 1, ["status": "ok"])
        #expect(meter.collect(at: 20).streams.map(\.value) == [1])
        meter.record(.toolCalls, 2, ["status": "ok"])
        let second = meter.collect(at: 30)
        #expect(second.streams.map(\.value) == [3])
        #expect(second.cumulativeStart == 10)
    }

    @Test func `begins anew where points are deltas, and sends nothing for nothing`() {
        var meter = Meter(start: 10)
        meter.record(.retries, 1, [:])
        #expect(meter.collect(at: 20).streams.map(\.value) == [1])
        #expect(meter.collect(at: 30).streams.isEmpty)
        meter.record(.retries, 4, [:])
        let third = meter.collect(at: 40)
        #expect(third.streams.map(\.value) == [4])
        #expect(third.deltaStart == 30)
    }

    @Test func `puts a value on a bound into the bucket below it`() {
        var meter = Meter(start: 0)
        meter.record(.tokenUsage, 4, [:])
        meter.record(.tokenUsage, 5, [:])
        meter.record(.tokenUsage, 1e12, [:])
        let buckets = meter.collect(at: 1).streams[0].buckets
        #expect(Array(buckets.prefix(3)) == [0, 1, 1])
        #expect(buckets.last == 1)
    }

    @Test func `keeps exemplars for one collection`() {
        var meter = Meter(start: 0)
        let trace = TraceID(high: 1, low: 2)
        meter.record(
            .toolCalls, 1, [:], Exemplar(value: 1, time: 5, trace: trace, span: 9))
        #expect(meter.collect(at: 1).streams[0].exemplars.count == 1)
        #expect(meter.collect(at: 2).streams[0].exemplars.isEmpty)
    }
}

@Suite struct ExponentialCountsTests {
    @Test func `holds every value between its bucket's bounds`() {
        var counts = ExponentialCounts()
        for value in [0.001, 0.3, 1, 2, 7.5, 900] { counts.add(value) }
        #expect(counts.counts.reduce(0, +) == 6)
        #expect(counts.counts.count <= ExponentialCounts.maxBuckets)
        var single = ExponentialCounts()
        single.add(1)
        #expect(single.offset == -1)
    }

    @Test func `sets zero and less apart`() {
        var counts = ExponentialCounts()
        counts.add(0)
        counts.add(-1)
        #expect(counts.zeroCount == 2)
        #expect(counts.counts.isEmpty)
    }
}
