public import RoostCore

/// A part of a request that is a request itself.
public struct SplitPiece: Sendable {
    public let bytes: ByteBlock
    /// Spans, data points or log records in it.
    public let items: Int
}

/// Cuts a validated request into requests of at most `maxBytes`, between items.
///
/// Each piece repeats the resource and scope it needs with all their other fields, unknown ones
/// too; a piece of a metric repeats its name, unit and so on. An item that is larger than
/// `maxBytes` with its headers stands alone. Entries without items are kept once. Where the headers
/// fill more than half a piece nothing is cut, so that repeating them cannot make much of little.
///
/// Headers about as large as `maxBytes` would be repeated for every item. When the pieces would
/// together be larger than `maxTotalBytes`, the answer is the whole request as one piece.
public func split(
    _ body: UnsafeRawBufferPointer, signal: Signal, maxBytes: Int, maxTotalBytes: Int = .max
) -> [SplitPiece] {
    if unsafe body.isEmpty { return [] }
    if body.count > maxBytes {
        var splitter = Splitter(
            signal: signal, maxBytes: maxBytes, maxTotalBytes: maxTotalBytes)
        let pieces = unsafe splitter.split(WireCursor(body))
        if !pieces.isEmpty { return pieces }
    }
    return unsafe [
        SplitPiece(bytes: ByteBlock(copying: body), items: countItems(body, signal: signal))
    ]
}

/// Cuts a validated request with several items into two requests with about half of them each.
///
/// Headers are repeated as by `split`, however large they are: together the parts are less than twice
/// as long as the request. Where a metric that cannot be cut holds most of the items there are one
/// or three parts.
public func splitInHalves(_ body: UnsafeRawBufferPointer, signal: Signal) -> [SplitPiece] {
    let items = unsafe countItems(body, signal: signal)
    var splitter = Splitter(
        signal: signal, maxBytes: .max, maxTotalBytes: .max, maxItems: (items + 1) / 2)
    return unsafe splitter.split(WireCursor(body))
}

/// Walks the levels of a request (entry, scope, for metrics also metric and its data) and lays the
/// items out one after the other, beginning a new piece when the next would make it too large.
@safe private struct Splitter {
    let maxBytes: Int
    let maxTotalBytes: Int
    let maxItems: Int
    let signal: Signal
    private var totalBytes = 0
    private var isTooMuch: Bool { totalBytes > maxTotalBytes }
    /// From the request to the item that is next.
    private var levels: [Level] = []
    /// What the piece consists of, in order.
    private var parts: [Part] = []
    private var pieceItems = 0
    private var pieces: [SplitPiece] = []

    /// A message that holds what is split.
    private struct Level {
        /// The tag as it came; empty for the request.
        var tag: WireBytes
        var headers: [WireBytes]
        var headerBytes: Int
        /// Where it begins in `parts`, when the piece has it.
        var part: Int?
        /// Bytes in it so far, not counting the level below while that is open.
        var bytes = 0

        mutating func addHeader(_ header: WireBytes) {
            if let last = headers.last, unsafe last.base + last.count == header.base {
                headers[headers.count - 1] = unsafe WireBytes(
                    base: last.base, count: last.count + header.count)
            } else {
                headers.append(header)
            }
        }
    }

    private enum Part {
        case bytes(WireBytes)
        case open(tag: WireBytes, length: Int)
    }

    init(signal: Signal, maxBytes: Int, maxTotalBytes: Int, maxItems: Int = .max) {
        self.signal = signal
        self.maxBytes = maxBytes
        self.maxTotalBytes = maxTotalBytes
        self.maxItems = maxItems
    }

    mutating func split(_ request: WireCursor) -> [SplitPiece] {
        visit(request, tag: .empty, field: .empty)
        finishPiece()
        return isTooMuch ? [] : pieces
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
        walk(message) { cursor, start, tag, tagEnd in
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
    private mutating func visit(_ message: WireCursor, tag: WireBytes, field: WireBytes) {
        let depth = levels.count
        var level = Level(tag: tag, headers: [], headerBytes: 0, part: nil)
        var children = 0
        walk(message) { cursor, start, tag, _ in
            if leadsToItems(tag, depth: depth) {
                children += 1
            } else {
                level.headerBytes += cursor.position - start
                if level.headerBytes > maxBytes / 2 { return }
                level.addHeader(cursor.bytes(from: start, to: cursor.position))
            }
        }
        // The oneof of a metric more than once: cut apart it would not merge the same way.
        let around = levels.reduce(level.headerBytes) { $0 + $1.headerBytes }
        if around > maxBytes / 2 || (depth > 0 && children == 0) || (depth == 3 && children > 1) {
            // The request itself: its caller then takes it whole.
            if depth > 0 { add(field, items: count(message, depth: depth)) }
            return
        }
        levels.append(level)
        walk(message) { cursor, start, tag, tagEnd in
            guard leadsToItems(tag, depth: depth) else { return }
            let field = cursor.bytes(from: start, to: cursor.position)
            if depth == itemDepth {
                add(field, items: 1)
            } else {
                var inner = cursor.cursor(from: tagEnd, to: cursor.position)
                guard let message = try? inner.message() else { return }
                visit(message, tag: cursor.bytes(from: start, to: tagEnd), field: field)
            }
        }
        closeTop()
        levels.removeLast()
    }

    private func walk(
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
        if !parts.isEmpty,
            items > maxItems - pieceItems || sizeAfter(adding: field.count) > maxBytes
        {
            finishPiece()
        }
        for index in levels.indices where levels[index].part == nil {
            levels[index].part = parts.count
            levels[index].bytes = levels[index].headerBytes
            parts.append(.open(tag: levels[index].tag, length: 0))
            for header in levels[index].headers { append(header) }
        }
        append(field)
        levels[levels.count - 1].bytes += field.count
        pieceItems += items
    }

    private func sizeAfter(adding bytes: Int) -> Int {
        var size = bytes
        for level in levels.reversed() {
            size += level.part == nil ? level.headerBytes : level.bytes
            if !level.tag.isEmpty { size += level.tag.count + varintSize(size) }
        }
        return size
    }

    private mutating func append(_ bytes: WireBytes) {
        if case .bytes(let last) = parts.last,
            unsafe last.base + last.count == bytes.base
        {
            parts[parts.count - 1] = unsafe .bytes(
                WireBytes(base: last.base, count: last.count + bytes.count))
        } else {
            parts.append(.bytes(bytes))
        }
    }

    /// Ends the level on top in this piece; its length is known now.
    private mutating func closeTop() { close(levels.count - 1) }

    private mutating func close(_ index: Int) {
        guard let part = levels[index].part else { return }
        let level = levels[index]
        parts[part] = .open(tag: level.tag, length: level.bytes)
        levels[index].part = nil
        if index > 0 {
            levels[index - 1].bytes += level.tag.count + varintSize(level.bytes) + level.bytes
        } else {
            pieceBytes = level.bytes
        }
    }

    private var pieceBytes = 0

    private mutating func finishPiece() {
        for index in levels.indices.reversed() { close(index) }
        totalBytes += parts.isEmpty ? 0 : pieceBytes
        guard !parts.isEmpty, !isTooMuch else { return }
        let block = unsafe ByteBlock(capacity: pieceBytes) { target in
            var output = unsafe ByteOutput(target)
            for part in parts {
                switch part {
                case .bytes(let bytes): output.append(bytes)
                case .open(let tag, let length):
                    if tag.isEmpty { continue }
                    output.append(tag)
                    output.append(varint: length)
                }
            }
            return output.count
        }
        pieces.append(SplitPiece(bytes: block, items: pieceItems))
        parts.removeAll(keepingCapacity: true)
        pieceItems = 0
    }
}
