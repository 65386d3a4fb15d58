import Testing

@testable import RoostStore

@Suite struct KnownTracesTests {
    private func key(_ number: Int) -> UInt64 { UInt64(number) &* 0x9E37_79B9_7F4A_7C15 }

    @Test func `finds every trace in its segment, and few in others`() {
        var known = KnownTraces()
        let segments = 40
        let size = 1 << KnownTraces.bitsOfSegment
        for number in 0..<segments * size {
            known.insert(key(number), segment: KnownTraces.segment(of: number + 3 * size))
        }
        var wrong = 0
        for number in stride(from: 0, to: segments * size, by: 37) {
            let found = known.segments(with: key(number))
            #expect(found.contains(KnownTraces.segment(of: number) + 3))
            #expect(found == found.sorted(by: >))
            wrong += found.count - 1
        }
        // Of looks into segments that do not have it.
        #expect(wrong * 300 < segments * segments * size / 37)
        let strangers = (1...1000).reduce(0) { $0 + known.segments(with: UInt64($1)).count }
        #expect(strangers * 300 < 1000 * segments)
    }

    @Test func `forgets old segments and goes on`() {
        var known = KnownTraces()
        for segment in 5..<30 { known.insert(key(segment), segment: segment) }
        known.forget(before: 20)
        #expect(known.segments(with: key(10)).isEmpty)
        #expect(known.segments(with: key(20)) == [20])
        known.insert(key(7), segment: 7)
        #expect(known.segments(with: key(7)).isEmpty)
        for segment in 30..<60 { known.insert(key(segment), segment: segment) }
        #expect((20..<60).allSatisfy { known.segments(with: key($0)).contains($0) })
        known.forget(before: 100)
        #expect((0..<60).allSatisfy { known.segments(with: key($0)).isEmpty })
        known.insert(key(100), segment: 100)
        #expect(known.segments(with: key(100)) == [100])
    }

    @Test func `a number far off takes no memory`() {
        var known = KnownTraces()
        known.insert(1, segment: 3)
        known.insert(2, segment: .max >> KnownTraces.bitsOfSegment)
        #expect(known.segments(with: 1) == [3])
        #expect(known.segments(with: 2).isEmpty)
    }
}
