/// What is being counted now: tallies by key, and sketches in pages of 32 buckets that are given
/// out as they are touched.
///
///     sketch 7:  | 0 | 0 | 3 | 9 | 0 | …     numbers of pages, 0 is none
///                          │   └────────────▶ page 9: 32 counts
///                          └────────────────▶ page 3: 32 counts
struct WindowLive: Sendable {
    private(set) var tallies = [WindowTally](repeating: WindowTally(), count: WindowLayout.tallies)
    private var table = [UInt16](repeating: 0, count: WindowLayout.sketches * pagesOfSketch)
    /// The first page is nobody's.
    private var pages = [UInt32](repeating: 0, count: pageSize)
    private let buckets = WindowBuckets.Table()

    private static let pageSize = 32
    private static let pagesOfSketch = (WindowBuckets.count + pageSize - 1) / pageSize
    /// 2 MiB.
    private static let mostPages = 16_384

    /// Whether the pages have run out nearly, so that what is here should become a slot.
    var isFull: Bool { pages.count >= (WindowLive.mostPages - 16) * WindowLive.pageSize }

    var byteCount: Int {
        tallies.capacity * MemoryLayout<WindowTally>.stride + table.capacity * 2
            + pages.capacity * 4
    }

    @inline(__always)
    mutating func update(_ key: Int, _ body: (inout WindowTally) -> Void) {
        tallies[key].touches &+= 1
        body(&tallies[key])
    }

    @inline(__always)
    func bucket(_ nanoseconds: UInt64) -> Int { buckets.bucket(nanoseconds) }

    @inline(__always)
    mutating func observe(_ sketch: Int, bucket: Int) {
        let place = sketch &* WindowLive.pagesOfSketch &+ bucket / WindowLive.pageSize
        var page = Int(table[place])
        if page == 0 { page = newPage(place) }
        pages[page &* WindowLive.pageSize &+ bucket % WindowLive.pageSize] &+= 1
    }

    @inline(never)
    private mutating func newPage(_ place: Int) -> Int {
        let page = pages.count / WindowLive.pageSize
        // Not reached while its owner heeds `isFull`.
        guard page < WindowLive.mostPages else { return 0 }
        pages.append(contentsOf: repeatElement(0, count: WindowLive.pageSize))
        table[place] = UInt16(page)
        return page
    }

    func isUsed(_ key: Int) -> Bool { tallies[key].touches > 0 }

    /// Adds what a sketch holds.
    func add(_ sketch: Int, to histogram: inout WindowHistogram) {
        let base = sketch * WindowLive.pagesOfSketch
        for index in 0..<WindowLive.pagesOfSketch {
            let page = Int(table[base + index])
            if page == 0 { continue }
            for offset in 0..<WindowLive.pageSize {
                let count = pages[page * WindowLive.pageSize + offset]
                if count > 0 { histogram.add(index * WindowLive.pageSize + offset, count) }
            }
        }
    }

    /// Makes a slot of everything and begins anew, keeping the room.
    mutating func finish(from: UInt64, to: UInt64) -> WindowSlot {
        var slot = WindowSlot(from: from, to: to)
        for key in tallies.indices where tallies[key].touches > 0 {
            slot.keys.append(UInt16(key))
            slot.tallies.append(tallies[key])
            tallies[key] = WindowTally()
        }
        for sketch in 0..<WindowLayout.sketches {
            let base = sketch * WindowLive.pagesOfSketch
            for index in 0..<WindowLive.pagesOfSketch {
                let page = Int(table[base + index])
                if page == 0 { continue }
                table[base + index] = 0
                for offset in 0..<WindowLive.pageSize {
                    let count = pages[page * WindowLive.pageSize + offset]
                    slot.append(bucket: index * WindowLive.pageSize + offset, count: count)
                }
            }
            slot.close(sketch: sketch)
        }
        pages.removeSubrange(WindowLive.pageSize...)
        return slot
    }
}
