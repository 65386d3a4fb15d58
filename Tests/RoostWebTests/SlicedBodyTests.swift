import RoostNet
import Testing

@testable import RoostWeb

@Suite struct SlicedBodyTests {
    @Test(arguments: [0, 1, 131_072, 131_073, 1_000_000])
    func `a body comes whole, in slices`(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        var found: [UInt8] = []
        switch SlicedBody.body(bytes) {
        case .bytes(let whole): found = whole
        case .stream(let source):
            var hasMore = true
            while hasMore {
                let before = found.count
                hasMore = source.next(into: &found)
                #expect(found.count - before <= 131_072)
            }
        }
        #expect(found == bytes)
    }

    @Test func `a body is as heavy as its bytes, and slices under way when it goes in slices`() {
        #expect(SlicedBody.heldBytes(SlicedBody.body([1, 2, 3])) == 3)
        let large = SlicedBody.body([UInt8](repeating: 1, count: 200_000))
        #expect(SlicedBody.heldBytes(large) >= 200_000 + 2 * 131_072)
    }
}
