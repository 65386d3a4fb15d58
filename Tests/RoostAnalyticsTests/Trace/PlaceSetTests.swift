import Testing

@testable import RoostAnalytics

@Suite struct PlaceSetTests {
    @Test(arguments: [1, 64, 65, 5_000, 300_000])
    func `tells the neighbours of any number, as a sorted list does`(_ limit: Int) {
        var random = Generator(state: UInt64(limit))
        var set = PlaceSet(limit: limit)
        var list: [Int] = []
        for _ in 0..<400 {
            let number = Int.random(in: 0..<limit, using: &random)
            if let place = list.firstIndex(of: number) {
                list.remove(at: place)
                set.remove(number)
            } else {
                list.append(number)
                set.insert(number)
            }
            let asked = Int.random(in: 0..<limit, using: &random)
            #expect(set.next(after: asked) == list.filter { $0 > asked }.min() ?? -1)
            #expect(set.last(before: asked) == list.filter { $0 < asked }.max() ?? -1)
        }
    }
}
