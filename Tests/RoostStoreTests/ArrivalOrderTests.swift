import Testing

@testable import RoostStore

@Suite struct ArrivalOrderTests {
    private func key(_ number: UInt64) -> TraceKey { TraceKey(high: 1, low: number) }

    @Test func `whole traces come first, then those that were quiet for longest`() {
        var order = ArrivalOrder()
        var traces: [TraceKey: OpenTrace] = [:]
        for number in UInt64(1)...6 {
            traces[key(number)] = OpenTrace(key(number), hasRoot: number % 2 == 0, now: number)
        }
        for number in UInt64(1)...6 { traces[key(number)].map { order.note($0) } }
        // Something more comes of two of them, and one is stored for another reason.
        for number in [UInt64(2), 1] { traces[key(number)].map { order.note($0) } }
        traces[key(4)] = nil
        var taken: [UInt64] = []
        while let next = order.next(of: traces) {
            taken.append(next.low)
            traces[next] = nil
        }
        #expect(taken == [6, 2, 3, 5, 1])
    }

    @Test func `arrivals of the past are forgotten`() {
        var order = ArrivalOrder()
        let traces = [key(1): OpenTrace(key(1), now: 0), key(2): OpenTrace(key(2), now: 0)]
        for _ in 0..<100_000 {
            for trace in traces.values { order.note(trace) }
            order.tidy(traces)
            #expect(order.count < 5000)
        }
        #expect(order.next(of: traces) != nil)
    }
}
