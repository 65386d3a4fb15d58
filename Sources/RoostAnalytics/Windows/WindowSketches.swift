/// How often each duration was seen, for every sketch: pages of 32 buckets that are given out as
/// they are touched.
///
///     sketch 7:  | 0 | 0 | 3 | 9 | 0 | …     numbers of pages, 0 is none
///                          │   └────────────▶ page 9: 32 counts
///                          └────────────────▶ page 3: 32 counts
struct WindowSketches: Sendable {
    private var table: [UInt16]
    /// By sketch: the places of its first page in the table and past its last.
    private var bounds: [Bounds]
    private let mostPages: Int
    /// The first page is nobody's.
    private var pages = [UInt32](repeating: 0, count: pageSize)
    /// By page, what it holds.
    private var sums: [UInt32] = [0]
    /// Whether something found no page.
    private(set) var hasOverflown = false

    private struct Bounds {
        var low: UInt8 = .max
        var end: UInt8 = 0
    }

    static let pageSize = 32
    static let pagesOfSketch = (WindowBuckets.count + pageSize - 1) / pageSize

    /// Pages of 132 bytes, at most 65,536; those of all windows' keys have 2 MiB.
    init(sketches: Int = WindowLayout.sketches, mostPages: Int = 16_384) {
        table = [UInt16](repeating: 0, count: sketches * WindowSketches.pagesOfSketch)
        bounds = [Bounds](repeating: Bounds(), count: sketches)
        self.mostPages = mostPages
    }

    /// Whether the pages have nearly run out.
    var isFull: Bool { pages.count >= (mostPages - 16) * WindowSketches.pageSize }

    var isEmpty: Bool { pages.count == WindowSketches.pageSize }

    var byteCount: Int {
        table.capacity * 2 + bounds.capacity * 2 + (pages.capacity + sums.capacity) * 4
    }

    @inline(__always)
    mutating func observe(_ sketch: Int, bucket: Int) { add(sketch, bucket, 1) }

    @inline(__always)
    private mutating func add(_ sketch: Int, _ bucket: Int, _ count: UInt32) {
        let place = sketch &* WindowSketches.pagesOfSketch &+ bucket &>> 5
        var page = Int(table[place])
        if page == 0 {
            page = newPage(place)
            if page == 0 { return }
        }
        pages[page &<< 5 &+ bucket & 31] &+= count
        sums[page] &+= count
    }

    @inline(never)
    private mutating func newPage(_ place: Int) -> Int {
        let page = pages.count / WindowSketches.pageSize
        guard page < mostPages else {
            hasOverflown = true
            return 0
        }
        pages.append(contentsOf: repeatElement(0, count: WindowSketches.pageSize))
        sums.append(0)
        table[place] = UInt16(page)
        let (sketch, index) = place.quotientAndRemainder(dividingBy: WindowSketches.pagesOfSketch)
        bounds[sketch].low = min(bounds[sketch].low, UInt8(index))
        bounds[sketch].end = max(bounds[sketch].end, UInt8(index + 1))
        return page
    }

    mutating func add(_ slot: WindowSlot) {
        slot.forEachCell { sketch, cell in add(sketch, Int(cell &>> 16), cell & 0xFFFF) }
    }

    /// Takes away what was added before; not to be done once it has overflown.
    mutating func subtract(_ slot: WindowSlot) {
        slot.forEachCell { sketch, cell in add(sketch, Int(cell &>> 16), 0 &- (cell & 0xFFFF)) }
    }

    /// Takes away what was observed once, if it is there.
    mutating func takeBack(_ sketch: Int, bucket: Int) {
        let place = sketch &* WindowSketches.pagesOfSketch &+ bucket &>> 5
        let page = Int(table[place])
        let count = page &<< 5 &+ bucket & 31
        guard page != 0, pages[count] > 0 else { return }
        pages[count] -= 1
        sums[page] &-= 1
    }

    /// Adds what each page of a sketch holds to `all`, of which there are `pagesOfSketch`.
    ///
    /// - Returns: the pages that were touched.
    @inline(__always)
    func addSums(_ sketch: Int, to all: inout [UInt64]) -> Range<Int> {
        let (low, end) = (Int(bounds[sketch].low), Int(bounds[sketch].end))
        if end == 0 { return 0..<0 }
        let base = sketch * WindowSketches.pagesOfSketch
        for index in low..<end { all[index] &+= UInt64(sums[Int(table[base + index])]) }
        return low..<end
    }

    /// Adds the counts of one page of a sketch to `all`, of which there are `pageSize`.
    @inline(__always)
    func addCounts(_ sketch: Int, page: Int, to all: inout [UInt32]) {
        let start = Int(table[sketch * WindowSketches.pagesOfSketch + page]) << 5
        guard start > 0, all.count == 32, start + 32 <= pages.count else { return }
        unsafe pages.withUnsafeBufferPointer { pages in
            unsafe all.withUnsafeMutableBufferPointer { all in
                for offset in 0..<32 { unsafe all[offset] &+= pages[start &+ offset] }
            }
        }
    }

    /// Adds what a sketch holds.
    @inline(__always)
    func add(_ sketch: Int, to histogram: inout WindowHistogram) {
        let base = sketch * WindowSketches.pagesOfSketch
        let used = bounds[sketch]
        if used.end == 0 { return }
        unsafe pages.withUnsafeBufferPointer { pages in
            for index in Int(used.low)..<Int(used.end) where table[base + index] != 0 {
                let start = Int(table[base + index]) << 5
                unsafe histogram.add(
                    page: index,
                    UnsafeBufferPointer(rebasing: pages[start..<start + Self.pageSize]))
            }
        }
    }

    /// Writes everything into a slot.
    func write(into slot: inout WindowSlot) {
        for sketch in bounds.indices where bounds[sketch].end > 0 {
            let base = sketch * WindowSketches.pagesOfSketch
            for index in Int(bounds[sketch].low)..<Int(bounds[sketch].end)
            where table[base + index] != 0 {
                let page = Int(table[base + index]) << 5
                for offset in 0..<32 where pages[page + offset] != 0 {
                    slot.append(bucket: index << 5 + offset, count: pages[page + offset])
                }
            }
            slot.close(sketch: sketch)
        }
    }

    /// Keeps the room for what comes next.
    mutating func removeAll() {
        hasOverflown = false
        if isEmpty { return }
        pages.removeSubrange(WindowSketches.pageSize...)
        sums.removeSubrange(1...)
        for sketch in bounds.indices where bounds[sketch].end > 0 {
            let base = sketch * WindowSketches.pagesOfSketch
            for index in Int(bounds[sketch].low)..<Int(bounds[sketch].end) {
                table[base + index] = 0
            }
            bounds[sketch] = Bounds()
        }
    }
}

/// The buckets of one sketch, for adding several and for reading quantiles.
///
/// Buckets are added and passed over by the page.
struct WindowHistogram: Sendable {
    private var counts = [UInt32](repeating: 0, count: pages * 32)
    /// Of each page, what it holds.
    private var sums = [UInt64](repeating: 0, count: pages)
    /// Pages of 32 that were touched.
    private var low = Int.max
    private var high = -1
    private(set) var total: UInt64 = 0

    private static let pages = (WindowBuckets.count + 31) / 32

    var isEmpty: Bool { total == 0 }

    /// `counts` are the 32 of a page.
    @unsafe mutating func add(page: Int, _ added: UnsafeBufferPointer<UInt32>) {
        guard added.count == 32, page >= 0, page < Self.pages else { return }
        low = min(low, page)
        high = max(high, page)
        var sum: UInt32 = 0
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            for offset in 0..<32 {
                unsafe counts[page &<< 5 &+ offset] &+= added[offset]
                unsafe sum &+= added[offset]
            }
        }
        sums[page] &+= UInt64(sum)
        total &+= UInt64(sum)
    }

    mutating func add(bucket: Int, count: UInt32) {
        guard bucket >= 0, bucket < WindowBuckets.count, count > 0 else { return }
        let page = bucket &>> 5
        low = min(low, page)
        high = max(high, page)
        counts[bucket] &+= count
        sums[page] &+= UInt64(count)
        total &+= UInt64(count)
    }

    /// Ascending, those that hold something.
    func forEachBucket(_ body: (_ bucket: Int, _ count: UInt32) -> Void) {
        if high < 0 { return }
        for page in low...high where sums[page] > 0 {
            for bucket in page << 5..<(page + 1) << 5 where counts[bucket] > 0 {
                body(bucket, counts[bucket])
            }
        }
    }

    /// Nanoseconds at ascending shares: the value whose rank is the first at or above each.
    func quantiles(_ shares: [Double], into values: inout [Double]) {
        var below: UInt64 = 0
        var page = low
        /// The next bucket to be counted.
        var bucket = low << 5
        for (place, share) in shares.enumerated() {
            let rank = max(1, UInt64((share * Double(total)).rounded(.up)))
            while below < rank, page <= high {
                if bucket == page << 5, below &+ sums[page] < rank {
                    below &+= sums[page]
                    page += 1
                    bucket = page << 5
                    continue
                }
                below &+= UInt64(counts[bucket])
                bucket += 1
                if bucket & 31 == 0 { page += 1 }
            }
            values[place] = WindowBuckets.value(bucket - 1)
        }
    }

    mutating func removeAll() {
        if high >= 0 {
            for page in low...high where sums[page] > 0 {
                sums[page] = 0
                unsafe counts.withUnsafeMutableBufferPointer { counts in
                    for offset in 0..<32 { unsafe counts[page &<< 5 &+ offset] = 0 }
                }
            }
        }
        low = .max
        high = -1
        total = 0
    }
}
