import Testing

@testable import RoostAnalytics

@Suite struct DurationBookTests {
    private func turn(_ open: Int, _ long: Int, emptied: [Int] = []) -> PatternSlots.Turn {
        PatternSlots.Turn(open: open, long: long, emptied: emptied.reduce(0) { $0 | 1 << $1 })
    }

    private func read(_ book: DurationBook, _ place: Int, _ slots: [Int], open: Int)
        -> WindowHistogram
    {
        var histogram = WindowHistogram()
        for slot in slots { book.add(place, slot, isOpen: slot == open, to: &histogram) }
        return histogram
    }

    @Test func `quantiles stay within one per cent when slots are over and added up`() {
        var book = DurationBook(places: 4, mostBytes: 1 << 20)
        for _ in 0..<4 { book.addPlace() }
        var numbers = SeededNumbers(3)
        var all: [Double] = []
        for slot in 0..<3 {
            for _ in 0..<2_000 {
                // From 1 µs to a good day.
                let nanoseconds = 1_000 * pow10(numbers.share() * 11)
                all.append(nanoseconds)
                book.note(UInt64(nanoseconds), at: 2)
            }
            if slot < 2 { book.turn(turn(slot, 6, emptied: [slot + 1])) }
        }
        all.sort()
        for histogram in [
            read(book, 2, [0, 1, 2], open: 2), read(book, 2, [6, 2], open: 2),
        ] {
            #expect(histogram.total == 6_000)
            var values = [0.0, 0.0]
            histogram.quantiles([0.5, 0.95], into: &values)
            #expect(abs(values[0] / all[2_999] - 1) < 0.01)
            #expect(abs(values[1] / all[5_699] - 1) < 0.01)
        }
        #expect(read(book, 1, [0, 1, 2, 6], open: 2).isEmpty)
    }

    @Test func `what is emptied is gone and an operation takes its durations along`() {
        var book = DurationBook(places: 4, mostBytes: 1 << 20)
        for _ in 0..<3 { book.addPlace() }
        for _ in 0..<300 { book.note(5_000_000, at: 2) }
        book.pack(0)
        book.move(2, to: 0)
        book.removeLast(2)
        #expect(read(book, 0, [0], open: 0).total == 300)
        book.turn(turn(0, 6, emptied: [0]))
        #expect(read(book, 0, [0], open: 1).isEmpty)
        #expect(read(book, 0, [6], open: 1).total == 300)
        book.turn(turn(1, 7, emptied: [6]))
        #expect(book.packedBytes == 0)
    }

    @Test func `the bytes stay within their bound and what has no room is missed`() {
        var book = DurationBook(places: 64, mostBytes: 64 << 10)
        for _ in 0..<64 { book.addPlace() }
        var numbers = SeededNumbers(5)
        for slot in 0..<6 {
            for place in 0..<64 {
                for _ in 0..<200 {
                    book.note(UInt64(1_000 * pow10(numbers.share() * 6)), at: place)
                }
            }
            book.turn(turn(slot, 6, emptied: [(slot + 1) % 6]))
            #expect(book.packedBytes <= 64 << 10)
        }
        #expect(read(book, 63, [6], open: 0).total < 1_200)
    }

    private func pow10(_ power: Double) -> Double {
        var (value, rest) = (1.0, power)
        while rest >= 1 { (value, rest) = (value * 10, rest - 1) }
        // The rest by its series, close enough for a sample.
        let x = rest * 2.302585092994046
        var (term, sum) = (1.0, 1.0)
        for step in 1...20 {
            term *= x / Double(step)
            sum += term
        }
        return value * sum
    }
}
