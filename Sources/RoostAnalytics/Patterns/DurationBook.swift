/// How often each operation took how long, by slot of time: to 1 %, from 1 µs to 78 hours.
///
/// The open slot is counted in pages. What is over is packed, since most of it is read seldom:
///
///     bucket 1,203: 2 times, 1,207: 300 times  ─▶  B3 09 | 02 | 04 | AC 02
///                                                  how many buckets on, how many times, …
///
/// Memory: at most 1 MiB of pages and `mostBytes` of what is packed. Durations that find no room
/// are left out, which whoever reads sees by their number.
struct DurationBook: Sendable {
    private let buckets = WindowBuckets.Table()
    private var open: WindowSketches
    /// By place and slot; of the open slot what was packed before it was over.
    private var packed: [[UInt8]] = []
    private var scratch = WindowHistogram()
    private var bytes: [UInt8] = []
    private let mostBytes: Int
    /// Bytes of what is packed.
    private(set) var packedBytes = 0

    /// An array's own, on the heap.
    private static let arrayBytes = 48

    init(places: Int, mostBytes: Int) {
        open = WindowSketches(sketches: places, mostPages: 8_192)
        self.mostBytes = mostBytes
        packed.reserveCapacity(places * PatternSlots.count)
    }

    /// Of all that it holds.
    var byteCount: Int { open.byteCount + packed.capacity * 8 + packedBytes }

    mutating func addPlace() {
        packed.append(contentsOf: repeatElement([], count: PatternSlots.count))
    }

    mutating func note(_ nanoseconds: UInt64, at place: Int) {
        open.observe(place, bucket: buckets.bucket(nanoseconds))
    }

    /// Adds what one slot holds, the pages too when it is the open one.
    func add(_ place: Int, _ slot: Int, isOpen: Bool, to histogram: inout WindowHistogram) {
        if isOpen { open.add(place, to: &histogram) }
        DurationBook.unpack(packed[place &* PatternSlots.count &+ slot], into: &histogram)
    }

    /// The open slot is over.
    mutating func turn(_ turn: PatternSlots.Turn) {
        pack(turn.open)
        for place in 0..<packed.count / PatternSlots.count {
            let first = place &* PatternSlots.count
            guard !packed[first &+ turn.open].isEmpty else { continue }
            scratch.removeAll()
            DurationBook.unpack(packed[first &+ turn.long], into: &scratch)
            DurationBook.unpack(packed[first &+ turn.open], into: &scratch)
            set(first &+ turn.long)
        }
        for at in 0..<PatternSlots.count where turn.emptied & (1 << UInt32(at)) != 0 {
            for place in 0..<packed.count / PatternSlots.count {
                empty(place &* PatternSlots.count &+ at)
            }
        }
    }

    /// Packs what the pages hold, which then begin anew.
    mutating func pack(_ slot: Int) {
        if open.isEmpty { return }
        for place in 0..<packed.count / PatternSlots.count {
            scratch.removeAll()
            open.add(place, to: &scratch)
            if scratch.isEmpty { continue }
            let at = place &* PatternSlots.count &+ slot
            DurationBook.unpack(packed[at], into: &scratch)
            set(at)
        }
        open.removeAll()
    }

    /// Only for what is packed altogether.
    mutating func move(_ from: Int, to: Int) {
        for at in 0..<PatternSlots.count {
            packed.swapAt(to &* PatternSlots.count &+ at, from &* PatternSlots.count &+ at)
        }
    }

    mutating func removeLast(_ places: Int) {
        for at in (packed.count - places * PatternSlots.count)..<packed.count { empty(at) }
        packed.removeLast(places * PatternSlots.count)
    }

    // MARK: packing

    private mutating func empty(_ at: Int) {
        guard !packed[at].isEmpty else { return }
        packedBytes -= packed[at].count + DurationBook.arrayBytes
        packed[at] = []
    }

    /// Puts what `scratch` holds there, when there is room.
    private mutating func set(_ at: Int) {
        empty(at)
        bytes.removeAll(keepingCapacity: true)
        var last = 0
        scratch.forEachBucket { bucket, count in
            DurationBook.append(UInt32(truncatingIfNeeded: bucket - last), to: &bytes)
            DurationBook.append(count, to: &bytes)
            last = bucket
        }
        guard packedBytes + bytes.count + DurationBook.arrayBytes <= mostBytes else { return }
        // A copy of a slice has no room to spare.
        packed[at] = Array(bytes[...])
        packedBytes += bytes.count + DurationBook.arrayBytes
    }

    /// Seven bits a byte, the lowest first; all but the last have the eighth.
    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        var rest = number
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func unpack(_ bytes: [UInt8], into histogram: inout WindowHistogram) {
        var at = 0
        func number() -> UInt32 {
            var (number, shift): (UInt32, UInt32) = (0, 0)
            while at < bytes.count {
                let byte = bytes[at]
                at &+= 1
                number |= UInt32(byte & 0x7F) << shift
                if byte < 0x80 { break }
                shift &+= 7
            }
            return number
        }
        var bucket = 0
        while at < bytes.count {
            bucket &+= Int(number())
            histogram.add(bucket: bucket, count: number())
        }
    }
}
