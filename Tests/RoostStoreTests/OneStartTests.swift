import Testing

@testable import RoostStore

/// More traces of one start than a question keeps in mind.
@Suite struct OneStartTests {
    @Test func `each is listed once, page by page`() throws {
        let harness = try StoreHarness()
        let all: UInt64 = 900
        for first in stride(from: UInt64(1), through: all, by: 100) {
            harness.put((first..<first + 100).map { TestSpan(trace: $0, service: "svc\($0 % 3)") })
            harness.store.flush()
        }
        let seen = try harness.idsOfAllPages {
            $0.limit = 70
            $0.mostWaiting = 20
        }
        #expect(seen.count == Int(all))
        #expect(Set(seen).count == Int(all))
        let ones = try harness.ids {
            $0.service = "svc1"
            $0.limit = 50
            $0.mostWaiting = 5
        }
        #expect(ones.count == 50 && ones.allSatisfy { $0 % 3 == 1 })
    }

    private func place(_ start: UInt64, _ trace: Int) -> TraceSearch.Place {
        TraceSearch.Place(start: start, trace: trace)
    }

    @Test(arguments: [1, 3, 8, 50]) func `the first come first, and what is left out is told`(
        _ kept: Int
    ) {
        for count in [0, 1, kept, 2 * kept, 2 * kept + 1, 40 * kept] {
            var heap = CandidateHeap(kept: kept)
            var places = (0..<count).map { place(UInt64($0 / 5), $0 / 2) }
            for place in places.shuffled() { heap.insert(Candidate(place: place, block: 0)) }
            places.sort { $0.isBefore($1) }
            var taken: [TraceSearch.Place] = []
            while let first = heap.first {
                taken.append(first.place)
                heap.removeFirst()
            }
            #expect(taken == Array(places.prefix(taken.count)))
            #expect(taken.count >= min(count, kept))
            #expect(heap.isSpent == (taken.count < count))
            #expect(heap.last == nil || heap.last == taken.last)
            #expect(taken.count < 4 * kept + 4)
        }
    }

    /// A trace that was written again and again stands in many blocks.
    @Test func `entries of one place stay together`() {
        var heap = CandidateHeap(kept: 4)
        for block in 0..<100 { heap.insert(Candidate(place: place(1, 7), block: block)) }
        heap.insert(Candidate(place: place(1, 6), block: 0))
        heap.insert(Candidate(place: place(2, 1), block: 0))
        #expect(heap.first?.place == place(2, 1))
        heap.removeFirst()
        for _ in 0..<100 {
            #expect(heap.first?.place == place(1, 7))
            heap.removeFirst()
        }
        #expect(heap.first?.place == place(1, 6) || heap.last == place(1, 7))
    }
}
