/// The quantiles of a duration of which one part is live and one in slots.
///
/// A window of nine hundred keys asks fifteen hundred sketches, whose pages are in no cache: of each
/// the sums of its pages are read, and then only the pages in which a rank falls.
struct WindowRanks {
    private let live: WindowSketches
    private let slots: WindowSketches
    private var sketch = 0
    /// The pages of it that were touched, and what each of them holds.
    private var touched = 0..<0
    private var sums = [UInt64](repeating: 0, count: WindowSketches.pagesOfSketch)
    /// Of one page.
    private var counts = [UInt32](repeating: 0, count: WindowSketches.pageSize)
    /// How many durations there are; some may be missing where the sketches have overflown.
    private(set) var total: UInt64 = 0

    init(live: WindowSketches, slots: WindowSketches) {
        self.live = live
        self.slots = slots
    }

    /// Turns to one of the sketches.
    mutating func read(_ sketch: Int) {
        for page in touched { sums[page] = 0 }
        self.sketch = sketch
        let lives = live.addSums(sketch, to: &sums)
        let older = slots.addSums(sketch, to: &sums)
        touched =
            if lives.isEmpty {
                older
            } else if older.isEmpty {
                lives
            } else {
                min(lives.lowerBound, older.lowerBound)..<max(lives.upperBound, older.upperBound)
            }
        total = 0
        for page in touched { total &+= sums[page] }
    }

    /// Nanoseconds at ascending shares: the value whose rank is the first at or above each. There is
    /// at least one duration.
    mutating func quantiles(_ shares: [Double], into values: inout [Double]) {
        /// What is in front of the page; and what is up to the bucket, which is the next.
        var (below, passed): (UInt64, UInt64) = (0, 0)
        var (page, bucket) = (touched.lowerBound, 0)
        var isRead = false
        for place in shares.indices {
            let rank = min(total, max(1, UInt64((shares[place] * Double(total)).rounded(.up))))
            while page + 1 < touched.upperBound, below &+ sums[page] < rank {
                below &+= sums[page]
                page += 1
                isRead = false
            }
            if !isRead {
                readCounts(page)
                (isRead, bucket, passed) = (true, 0, below)
            }
            while passed < rank, bucket < WindowSketches.pageSize {
                passed &+= UInt64(counts[bucket])
                bucket += 1
            }
            values[place] = WindowBuckets.value(page << 5 + bucket - 1)
        }
    }

    private mutating func readCounts(_ page: Int) {
        for offset in counts.indices { counts[offset] = 0 }
        live.addCounts(sketch, page: page, to: &counts)
        slots.addCounts(sketch, page: page, to: &counts)
    }
}
