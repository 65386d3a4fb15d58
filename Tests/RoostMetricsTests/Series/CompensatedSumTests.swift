import Testing

@testable import RoostMetrics

@Suite struct CompensatedSumTests {
    private func sum(_ values: [Double]) -> CompensatedSum {
        var sum = CompensatedSum()
        for value in values { sum.add(value) }
        return sum
    }

    @Test func `is the same in any order and grouping`() {
        let values = (1...1_000).map { 1 / Double($0) * ($0 % 7 == 0 ? 1e9 : 1) }
        let forwards = sum(values)
        #expect(sum(values.reversed()).rounded == forwards.rounded)
        #expect(sum(values.sorted()).rounded == forwards.rounded)
        for middle in [1, 300, 999] {
            var halves = sum(Array(values[..<middle]))
            halves.add(sum(Array(values[middle...])))
            #expect(halves.rounded == forwards.rounded)
        }
    }

    @Test func `comes back to what it was when a part is taken off`() {
        var total = sum([0.1, 0.2, 0.3])
        total.add(1e15 / 3)
        total.subtract(1e15 / 3)
        #expect(total.rounded == 0.6)
        for value in [0.1, 0.2, 0.3] { total.subtract(value) }
        #expect(total.rounded == 0)
    }

    @Test func `is exact for whole numbers beyond those that a double tells apart`() {
        var total = sum([0x1p53, 1, 1, 1])
        #expect(total.rounded == 0x1p53 + 4)
        total.subtract(0x1p53)
        #expect(total.rounded == 3)
    }

    @Test(arguments: [
        [Double.infinity, 1], [1, -.infinity], [.infinity, -.infinity], [.nan, 1],
        [.greatestFiniteMagnitude, .greatestFiniteMagnitude],
        [-0x1p1023, .greatestFiniteMagnitude],
    ])
    func `shows what has no digits as a plain sum does`(_ values: [Double]) {
        let plain = values[0] + values[1]
        let shown = sum(values).rounded
        #expect(shown == plain || shown.isNaN && plain.isNaN)
    }
}
