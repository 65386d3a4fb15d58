import Testing

@testable import RoostMetrics

@Suite struct BlockArrayTests {
    @Test func `what is appended is found again, and may be changed`() {
        var array = BlockArray<Int>()
        for number in 0..<5_000 { array.append(number) }
        #expect(array.count == 5_000)
        for index in array.indices { array[index] += 1 }
        #expect(array.indices.allSatisfy { array[$0] == $0 + 1 })
    }

    @Test func `a small array takes little, a large one less than a block too much`() {
        var array = BlockArray<Int>()
        #expect(array.capacity == 0)
        array.append(1)
        #expect(array.capacity <= 8)
        for number in 0..<10_000 { array.append(number) }
        #expect(array.capacity >= array.count && array.capacity < array.count + 1_024)
    }

    @Test func `texts of every length are found again`() throws {
        var texts = TextBlocks()
        var places: [(place: UInt32, text: [UInt8])] = []
        let large = [65_535, 0, 1, 65_536, 0, 65_537, 3, 200_000, 0, 70]
        for (number, count) in ((0..<2_000).map { $0 % 190 } + large).enumerated() {
            let text = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
            let place = texts.append(text.span)
            places.append((try #require(place), text))
        }
        #expect(texts.count == places.reduce(0) { $0 + $1.text.count })
        for (place, text) in places {
            let isSame = texts.with(place, length: UInt32(text.count)) { found in
                found.count == text.count && found.indices.allSatisfy { found[$0] == text[$0] }
            }
            #expect(isSame)
        }
        #expect(texts.heapBytes < texts.count + 8 * 65_536)
    }
}
