import Testing

@testable import RoostIngest

@Suite struct RecentSetTests {
    private func hash(_ number: Int) -> UInt64 { UInt64(number) &* 0xD6E8_FEB8_6659_FD93 ^ 0xA5A5 }

    @Test func `what came lately is known, and new only once`() {
        var set = RecentSet(limit: 4096)
        for number in 0..<2_000 {
            let (first, second) = (set.insert(hash(number)), set.insert(hash(number)))
            #expect(first && !second)
        }
        #expect((0..<2_000).allSatisfy { set.contains(hash($0)) })
        #expect(!set.contains(hash(2_000)))
    }

    @Test func `what came long ago is forgotten, what came lately hardly ever`() {
        var set = RecentSet(limit: 4096)
        for number in 0..<100_000 { _ = set.insert(hash(number)) }
        let lately = (98_000..<100_000).count { set.contains(hash($0)) }
        #expect(lately >= 1_990)
        #expect((0..<100_000).count { set.contains(hash($0)) } <= 8192)
    }

    @Test func `no hash is special`() {
        var set = RecentSet(limit: 64)
        #expect(!set.contains(0))
        let inserted = [set.insert(0), set.insert(0), set.insert(.max), set.contains(0)]
        #expect(inserted == [true, false, true, true])
    }
}

@Suite struct AgentTracesTests {
    @Test func `nodes are found in small traces and large ones, and gone with their trace`() {
        var open = AgentTraces()
        for round in 0..<3 {
            var traces: [Int32] = []
            for (number, size) in [1, 7, 8, 9, 63, 64, 65, 500].enumerated() {
                let trace = open.addTrace(7, UInt64(number + 1), now: 1)
                traces.append(trace)
                for span in 1...size {
                    #expect(open.findNode(trace, UInt64(span)) == nil)
                    let node = open.addNode(trace, UInt64(span))
                    #expect(open.findNode(trace, UInt64(span)) == node)
                }
                let nodes = Set((1...size).compactMap { open.findNode(trace, UInt64($0)) })
                #expect(nodes.count == size)
                #expect(nodes.allSatisfy { open.nodes[Int($0)].trace == trace })
            }
            #expect(open.nodeCount == 717)
            for trace in traces.shuffled() { open.remove(trace) }
            #expect(open.nodeCount == 0 && open.traceCount == 0)
            // The room is used again.
            #expect(open.nodes.count == 717, "round \(round)")
        }
    }
}
