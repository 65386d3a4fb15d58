/// How the items of one signal are read. The three requests have the same frame around their
/// items: entries per resource, in them entries per scope, in them the items as field 2.
@usableFromInline protocol ItemReader {
    associatedtype Visitor
    /// The same reader with nobody watching, for what is cut out.
    associatedtype Silent: ItemReader where Silent.Visitor == NoVisitor

    static var resourceEntry: StaticString { get }
    static var scopeEntry: StaticString { get }
    static func resource(_ view: ResourceView, _ visitor: inout Visitor)
    static func scope(_ view: ScopeView, _ visitor: inout Visitor)

    /// Reads the item inside `message`; `field` is the range of the whole field around it.
    /// Answers how many well-formed items it was, for a metric its points.
    static func item(
        _ message: WireCursor, field: Range<Int>, _ visitor: inout Visitor,
        _ rejections: inout Rejections
    ) throws(WireFault) -> Int
}

/// Reads a request, validating every byte. Answers the number of well-formed items.
@inlinable @inline(__always)
func readRequest<Reader: ItemReader>(
    _ reader: Reader.Type, _ body: UnsafeRawBufferPointer, signal: Signal,
    visitor: inout Reader.Visitor, rejections: inout Rejections
) throws(WireError) -> Int {
    rejections.removeAll()
    do throws(WireFault) {
        var cursor = unsafe WireCursor(body)
        var items = 0
        while cursor.hasMore {
            let start = cursor.position
            let tag = try cursor.tag()
            if tag == 0x0A {
                let entry = try cursor.message()
                items &+= try readResourceEntry(
                    reader, entry, field: start..<cursor.position, &visitor, &rejections)
            } else {
                try cursor.skip(tag)
            }
        }
        return items
    } catch {
        throw unsafe wireError(error, in: body, signal: signal)
    }
}

@inlinable @inline(__always)
func readResourceEntry<Reader: ItemReader>(
    _ reader: Reader.Type, _ entry: WireCursor, field: Range<Int>,
    _ visitor: inout Reader.Visitor, _ rejections: inout Rejections
) throws(WireFault) -> Int {
    // The resource may stand behind its scopes, so it is looked for first.
    var header = entry
    var view = ResourceView()
    view.fields = OtherFields(entry)
    var check = ItemCheck()
    var resources = FieldRun(number: 1)
    var count = 0
    while header.hasMore {
        let start = header.position
        let tag = try header.tag()
        switch tag {
        case 0x0A:
            let message = try header.message()
            try checkResource(message, into: &view, &check)
            resources.extend(header, from: start)
            count &+= 1
        case 0x12: _ = try header.payload()
        case 0x1A:
            view.schemaURL = try header.payload()
            check.text(view.schemaURL)
        default: try header.skip(tag)
        }
    }
    check.require(!rejections.isFull, else: .tooMany)
    if !check.isFlawless {
        let items = try countSilently(Reader.Silent.self, entry, readScopeEntries)
        rejections.add(field, items: items, check.flaw, in: Reader.resourceEntry)
        return 0
    }
    if count > 1 {
        let schemaURL = view.schemaURL
        withMerged(resources) { bytes in
            var merged = ResourceView()
            var check = ItemCheck()
            try? checkResource(WireCursor(bytes), into: &merged, &check)
            merged.schemaURL = schemaURL
            merged.fields = OtherFields(entry)
            Reader.resource(merged, &visitor)
        }
    } else {
        Reader.resource(view, &visitor)
    }
    return try readScopeEntries(reader, entry, &visitor, &rejections)
}

@inlinable @inline(__always)
func readScopeEntries<Reader: ItemReader>(
    _ reader: Reader.Type, _ entry: WireCursor, _ visitor: inout Reader.Visitor,
    _ rejections: inout Rejections
) throws(WireFault) -> Int {
    var cursor = entry
    var items = 0
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        if tag == 0x12 {
            let scope = try cursor.message()
            items &+= try readScopeEntry(
                reader, scope, field: start..<cursor.position, &visitor, &rejections)
        } else {
            try cursor.skip(tag)
        }
    }
    return items
}

/// Items follow the header in most requests, but it may also stand behind them, so that they are
/// stepped over first. Each step would wait for memory, since bodies are put together long before
/// they are read: what comes is brought near in runs, for the steps and for the reading of the items.
@inlinable @inline(__always)
func readScopeEntry<Reader: ItemReader>(
    _ reader: Reader.Type, _ entry: WireCursor, field: Range<Int>,
    _ visitor: inout Reader.Visitor, _ rejections: inout Rejections
) throws(WireFault) -> Int {
    var header = entry
    var view = ScopeView()
    view.fields = OtherFields(entry)
    var check = ItemCheck()
    var scopes = FieldRun(number: 1)
    var count = 0
    var near = entry.position
    while header.hasMore {
        let start = header.position
        if start &+ WireCursor.distance >= near { near = header.bringNear(from: near) }
        let tag = try header.tag()
        switch tag {
        case 0x0A:
            let message = try header.message()
            try checkScope(message, into: &view, &check)
            scopes.extend(header, from: start)
            count &+= 1
        case 0x12: _ = try header.payload()
        case 0x1A:
            view.schemaURL = try header.payload()
            check.text(view.schemaURL)
        default: try header.skip(tag)
        }
    }
    check.require(!rejections.isFull, else: .tooMany)
    if !check.isFlawless {
        let items = try countSilently(Reader.Silent.self, entry, readItems)
        rejections.add(field, items: items, check.flaw, in: Reader.scopeEntry)
        return 0
    }
    if count > 1 {
        let schemaURL = view.schemaURL
        withMerged(scopes) { bytes in
            var merged = ScopeView()
            var check = ItemCheck()
            try? checkScope(WireCursor(bytes), into: &merged, &check)
            merged.schemaURL = schemaURL
            merged.fields = OtherFields(entry)
            Reader.scope(merged, &visitor)
        }
    } else {
        Reader.scope(view, &visitor)
    }
    return try readItems(reader, entry, &visitor, &rejections)
}

@inlinable @inline(__always)
func readItems<Reader: ItemReader>(
    _ reader: Reader.Type, _ entry: WireCursor, _ visitor: inout Reader.Visitor,
    _ rejections: inout Rejections
) throws(WireFault) -> Int {
    var cursor = entry
    var items = 0
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        if tag == 0x12 {
            let message = try cursor.message()
            items &+= try Reader.item(
                message, field: start..<cursor.position, &visitor, &rejections)
        } else {
            try cursor.skip(tag)
        }
    }
    return items
}

/// Validates a part that is cut out and answers how many items it has, well-formed or not.
@inlinable @inline(never)
func countSilently<Reader: ItemReader>(
    _ reader: Reader.Type, _ entry: WireCursor,
    _ read: (Reader.Type, WireCursor, inout NoVisitor, inout Rejections) throws(WireFault) -> Int
) throws(WireFault) -> Int where Reader.Visitor == NoVisitor {
    var nobody = NoVisitor()
    var scratch = Rejections()
    let items = try read(reader, entry, &nobody, &scratch)
    return items + scratch.count
}
