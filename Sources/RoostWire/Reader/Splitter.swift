import RoostCore

/// Walks the levels of a request (entry, scope, for metrics also metric and its data) and lays the
/// items out one after the other, beginning a new piece when the next would make it too large.
///
/// The first walk only finds out how large the pieces become, the second writes them. A list of what
/// they consist of would be many times the request, where that is made of items of two bytes.
@safe struct Splitter {
    struct Limits {
        /// Of a piece.
        var bytes = Int.max
        /// Of all pieces.
        var totalBytes = Int.max
        /// In a piece.
        var items = Int.max
    }

    private let limits: Limits
    private let signal: Signal
    /// Of the pieces.
    private(set) var sizes: [Int]
    private(set) var totalBytes = 0
    var isTooMuch: Bool { totalBytes > limits.totalBytes }
    /// The most that headers took that were gathered.
    private(set) var mostGatheredBytes = 0
    private(set) var pieces: [SplitPiece] = []

    /// From the request to the item that is next.
    private var levels: [Level] = []
    private var gatheredBytes = 0
    private var isBegun = false
    private var pieceItems = 0
    private var pieceLeast = Int.max
    private var pieceBytes = 0
    /// Nil in the first walk.
    private var output: PieceOutput?

    /// A message that holds what is split.
    private struct Level {
        /// The tag as it came; empty for the request.
        var tag: WireBytes
        /// Of its length as it came. That in a piece is not larger.
        var lengthBytes: Int
        /// Its other fields, or the first of them where items stand between them.
        var header = WireBytes.empty
        var headerBytes = 0
        /// All of them, where items stand between them.
        var gathered: [UInt8] = []
        var isScattered: Bool { header.count < headerBytes }
        /// Where what is in it begins in the piece, when the piece has it.
        var place: Int?
        /// Bytes in it so far, not counting the level below while that is open.
        var bytes = 0

        mutating func addHeader(_ field: WireBytes) {
            if headerBytes == 0 {
                header = field
            } else if !isScattered, unsafe header.base + header.count == field.base {
                header = unsafe WireBytes(base: header.base, count: header.count + field.count)
            }
            headerBytes += field.count
        }
    }

    /// A walk that finds out, or one that writes pieces whose sizes were found.
    init(signal: Signal, limits: Limits, writing sizes: [Int]? = nil) {
        self.signal = signal
        self.limits = limits
        self.sizes = sizes ?? []
        output = sizes == nil ? nil : PieceOutput()
    }

    mutating func visit(_ request: WireCursor) {
        visit(request, tag: .empty, lengthBytes: 0, field: .empty)
        finishPiece()
    }

    /// Whether a field with this tag, in a message of the level on top, leads to items.
    private func leadsToItems(_ tag: UInt32, depth: Int) -> Bool {
        switch depth {
        case 0: tag == 0x0A
        case 1, 2: tag == 0x12
        case 3: MetricView.Kind(dataTag: tag) != .none
        default: tag == 0x0A
        }
    }

    private var itemDepth: Int { signal == .metrics ? 4 : 2 }

    /// The items in a message that stays whole.
    private func count(_ message: WireCursor, depth: Int) -> Int {
        if depth == 3 { return countPoints(message) }
        var items = 0
        Self.walk(message) { cursor, start, tag, tagEnd in
            guard leadsToItems(tag, depth: depth) else { return }
            if depth == itemDepth {
                items += 1
            } else {
                var inner = cursor.cursor(from: tagEnd, to: cursor.position)
                if let message = try? inner.message() { items += count(message, depth: depth + 1) }
            }
        }
        return items
    }

    /// Lays out a message and what is in it. Recurses at most `itemDepth` deep.
    private mutating func visit(
        _ message: WireCursor, tag: WireBytes, lengthBytes: Int, field: WireBytes
    ) {
        let depth = levels.count
        var level = Level(tag: tag, lengthBytes: lengthBytes)
        var children = 0
        Self.walk(message) { cursor, start, tag, _ in
            if leadsToItems(tag, depth: depth) {
                children += 1
            } else {
                level.addHeader(cursor.bytes(from: start, to: cursor.position))
            }
        }
        // The oneof of a metric more than once: cut apart it would not merge the same way.
        let around = levels.reduce(level.headerBytes) { $0 + $1.headerBytes }
        if around > limits.bytes / 2 || (depth > 0 && children == 0)
            || (depth == 3 && children > 1)
        {
            // The request itself: its caller then takes it whole.
            if depth > 0 { add(field, items: count(message, depth: depth)) }
            return
        }
        if level.isScattered { gather(message, depth: depth, into: &level) }
        levels.append(level)
        Self.walk(message) { cursor, start, tag, tagEnd in
            guard leadsToItems(tag, depth: depth) else { return }
            let field = cursor.bytes(from: start, to: cursor.position)
            if depth == itemDepth {
                add(field, items: 1)
            } else {
                var inner = cursor.cursor(from: tagEnd, to: cursor.position)
                guard let message = try? inner.message() else { return }
                visit(
                    message, tag: cursor.bytes(from: start, to: tagEnd),
                    lengthBytes: message.position - tagEnd, field: field)
            }
        }
        close(levels.count - 1)
        if level.isScattered { gatheredBytes -= level.headerBytes }
        levels.removeLast()
    }

    /// Copies what is repeated in every piece from between the items, once.
    private mutating func gather(_ message: WireCursor, depth: Int, into level: inout Level) {
        gatheredBytes += level.headerBytes
        mostGatheredBytes = max(mostGatheredBytes, gatheredBytes)
        guard output != nil else { return }
        var gathered: [UInt8] = []
        gathered.reserveCapacity(level.headerBytes)
        Self.walk(message) { cursor, start, tag, _ in
            guard !leadsToItems(tag, depth: depth) else { return }
            let field = cursor.bytes(from: start, to: cursor.position)
            unsafe gathered.append(contentsOf: field.buffer)
        }
        level.gathered = gathered
    }

    private static func walk(
        _ message: WireCursor,
        _ body: (WireCursor, _ start: Int, _ tag: UInt32, _ tagEnd: Int) -> Void
    ) {
        var cursor = message
        while cursor.hasMore {
            let start = cursor.position
            guard let tag = try? cursor.tag() else { return }
            let tagEnd = cursor.position
            guard (try? cursor.skip(tag)) != nil else { return }
            body(cursor, start, tag, tagEnd)
        }
    }

    /// Adds a field to the message of the level on top.
    private mutating func add(_ field: WireBytes, items: Int) {
        if isTooMuch { return }
        if isBegun,
            items > limits.items - pieceItems || sizeAfter(adding: field.count) > limits.bytes
        {
            finishPiece()
        }
        for index in levels.indices where levels[index].place == nil { open(index) }
        output?.append(field)
        levels[levels.count - 1].bytes += field.count
        pieceItems += items
        if items > 0, limits.items < .max {
            pieceLeast = min(pieceLeast, items == 1 ? sizeAlone(field.count) : 0)
        }
    }

    /// How long a request with nothing but this field would be.
    private func sizeAlone(_ bytes: Int) -> Int {
        var size = bytes
        for level in levels.reversed() {
            size += level.headerBytes
            if !level.tag.isEmpty { size += level.tag.count + varintSize(size) }
        }
        return size
    }

    private func sizeAfter(adding bytes: Int) -> Int {
        var size = bytes
        for level in levels.reversed() {
            size += level.place == nil ? level.headerBytes : level.bytes
            if !level.tag.isEmpty { size += level.tag.count + varintSize(size) }
        }
        return size
    }

    private mutating func open(_ index: Int) {
        if !isBegun, output != nil { output?.begin(bytes: sizes[pieces.count]) }
        isBegun = true
        let level = levels[index]
        levels[index].bytes = level.headerBytes
        levels[index].place = output?.open(tag: level.tag, lengthBytes: level.lengthBytes) ?? 0
        if level.isScattered {
            output?.append(level.gathered)
        } else {
            output?.append(level.header)
        }
    }

    /// Ends a level in this piece; its length is known now.
    private mutating func close(_ index: Int) {
        guard let place = levels[index].place else { return }
        let level = levels[index]
        levels[index].place = nil
        if index > 0 {
            output?.close(at: place, lengthBytes: level.lengthBytes, length: level.bytes)
            levels[index - 1].bytes += level.tag.count + varintSize(level.bytes) + level.bytes
        } else {
            pieceBytes = level.bytes
        }
    }

    private mutating func finishPiece() {
        for index in levels.indices.reversed() { close(index) }
        guard isBegun, !isTooMuch else { return }
        totalBytes += pieceBytes
        if output == nil {
            sizes.append(pieceBytes)
        } else if let block = output?.end() {
            let least = pieceLeast == .max ? 0 : pieceLeast
            pieces.append(SplitPiece(bytes: block, items: pieceItems, leastBytes: least))
        }
        isBegun = false
        pieceItems = 0
        pieceLeast = .max
    }
}
