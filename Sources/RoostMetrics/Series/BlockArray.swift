/// An array in blocks of 1,024 elements, so that growing copies nothing that is there.
///
/// A large array that moves leaves its old place behind as a hole in the heap, and room for the
/// next quarter ahead of it: with 100,000 series that was a quarter of the memory they took.
struct BlockArray<Element: Sendable>: Sendable {
    private static var blockCount: Int { 1024 }

    private var blocks: [[Element]] = []
    private(set) var count = 0

    var indices: Range<Int> { 0..<count }

    @inline(__always)
    subscript(index: Int) -> Element {
        get { blocks[index &>> 10][index & 1023] }
        _modify { yield &blocks[index &>> 10][index & 1023] }
    }

    mutating func append(_ element: Element) {
        let place = count & (Self.blockCount - 1)
        if place == 0 { blocks.append([]) }
        let last = blocks.count - 1
        if place == blocks[last].capacity {
            // Only the first block begins small.
            blocks[last].reserveCapacity(
                last == 0 ? min(max(2 * place, 4), Self.blockCount) : Self.blockCount)
        }
        blocks[last].append(element)
        count += 1
    }

    /// Elements for which there is memory.
    var capacity: Int {
        blocks.count > 1 ? blocks.count * Self.blockCount : blocks.first?.capacity ?? 0
    }
}

/// Texts one after another in blocks of 64 KiB; a longer one has a block of its own.
struct TextBlocks: Sendable {
    /// Where a text begins: its block in the upper half, the offset in the lower.
    typealias Place = UInt32

    private static let blockBytes = 1 << 16

    private var blocks: [[UInt8]] = []
    /// Bytes of all texts.
    private(set) var count = 0

    /// nil when there are too many.
    mutating func append(_ text: Span<UInt8>) -> Place? {
        let isRoom =
            blocks.last.map {
                $0.count < Self.blockBytes && $0.count + text.count <= Self.blockBytes
            }
            ?? false
        if !isRoom {
            guard blocks.count < 1 << 16 else { return nil }
            blocks.append([])
        }
        let last = blocks.count - 1
        let offset = blocks[last].count
        let needed = offset + text.count
        if needed > blocks[last].capacity {
            // Only the first block begins small.
            let full = last == 0 ? min(2 * offset, Self.blockBytes) : Self.blockBytes
            blocks[last].reserveCapacity(max(needed, full))
        }
        unsafe text.withUnsafeBufferPointer { unsafe blocks[last].append(contentsOf: $0) }
        count += text.count
        return Place(truncatingIfNeeded: last << 16 | offset)
    }

    /// Lends a text.
    @inline(__always)
    func with<Result>(
        _ place: Place, length: UInt32, _ body: (Span<UInt8>) -> Result
    ) -> Result {
        let start = Int(place & 0xFFFF)
        let block = blocks[Int(place >> 16)]
        return body(block.span.extracting(start..<start &+ Int(length)))
    }

    /// Bytes on the heap.
    var heapBytes: Int { blocks.reduce(0) { $0 + $1.capacity } + blocks.capacity * 8 }
}
