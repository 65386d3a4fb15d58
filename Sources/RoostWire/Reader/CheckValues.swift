// Values on their first reading: every byte is checked, wire damage throws, flaws of the item are
// noted. `depth` is the number of messages around and including the one that is read, the request
// not counted.

/// A KeyValue as it came.
@frozen @usableFromInline struct KeyValueParts {
    @usableFromInline var key = WireBytes.empty
    @usableFromInline var value = AnyValueView()
    /// How often the value came; above one they have to be merged.
    @usableFromInline var values = 0

    @inlinable @inline(__always) init() {}
}

@inlinable @inline(__always)
func checkKeyValue(_ message: WireCursor, depth: Int, _ check: inout ItemCheck)
    throws(WireFault) -> KeyValueParts
{
    var cursor = message
    var parts = KeyValueParts()
    while cursor.hasMore {
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            parts.key = try cursor.payload()
            check.text(parts.key)
        case 0x12:
            let value = try cursor.message()
            parts.value = try checkAnyValue(value, depth: depth &+ 1, &check)
            parts.values &+= 1
        default:
            try cursor.skip(tag)
        }
    }
    return parts
}

/// For attributes that nobody looks at yet. `depth` is far from the limit.
@inlinable @inline(never)
func checkAttribute(_ message: WireCursor, depth: Int, _ check: inout ItemCheck)
    throws(WireFault)
{
    try checkAttributeInPlace(message, depth: depth, &check)
}

/// The same for hot loops.
@inlinable @inline(__always)
func checkAttributeInPlace(_ message: WireCursor, depth: Int, _ check: inout ItemCheck)
    throws(WireFault)
{
    if usualAttribute(message) != nil { return }
    _ = try checkKeyValue(message, depth: depth, &check)
}

@inlinable @inline(__always)
func checkAnyValue(_ message: WireCursor, depth: Int, _ check: inout ItemCheck)
    throws(WireFault) -> AnyValueView
{
    if depth > WireError.maxDepth { throw WireFault(.tooDeep, at: message.position) }
    var cursor = message
    var view = AnyValueView()
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            view.payload = try cursor.payload()
            view.kind = .string
            check.text(view.payload)
        case 0x2A:
            try checkArray(cursor.message(), depth: depth &+ 1, &check)
            view.takeNested(.array, cursor, from: start)
        case 0x32:
            try checkKeyValueList(cursor.message(), depth: depth &+ 1, &check)
            view.takeNested(.kvlist, cursor, from: start)
        default:
            try view.take(tag, from: start, &cursor)
        }
    }
    return view
}

@inlinable @inline(never)
func checkArray(_ message: WireCursor, depth: Int, _ check: inout ItemCheck) throws(WireFault) {
    if depth > WireError.maxDepth { throw WireFault(.tooDeep, at: message.position) }
    var cursor = message
    while cursor.hasMore {
        let tag = try cursor.tag()
        if tag == 0x0A {
            _ = try checkAnyValue(cursor.message(), depth: depth &+ 1, &check)
        } else {
            try cursor.skip(tag)
        }
    }
}

@inlinable @inline(never)
func checkKeyValueList(_ message: WireCursor, depth: Int, _ check: inout ItemCheck)
    throws(WireFault)
{
    if depth > WireError.maxDepth { throw WireFault(.tooDeep, at: message.position) }
    var cursor = message
    while cursor.hasMore {
        let tag = try cursor.tag()
        if tag == 0x0A {
            if depth == WireError.maxDepth { throw WireFault(.tooDeep, at: cursor.position) }
            _ = try checkKeyValue(cursor.message(), depth: depth &+ 1, &check)
        } else {
            try cursor.skip(tag)
        }
    }
}

/// Resource: attributes, their dropped count, entity references. The third message from the top.
@inlinable @inline(never)
func checkResource(_ message: WireCursor, into view: inout ResourceView, _ check: inout ItemCheck)
    throws(WireFault)
{
    var cursor = message
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            try checkAttribute(cursor.message(), depth: 3, &check)
            view.attributes.run.extend(cursor, from: start)
        case 0x10: view.droppedAttributesCount = try cursor.uint32()
        case 0x1A: try checkEntityRef(cursor.message(), &check)
        default: try cursor.skip(tag)
        }
    }
}

@inlinable
func checkEntityRef(_ message: WireCursor, _ check: inout ItemCheck) throws(WireFault) {
    var cursor = message
    while cursor.hasMore {
        let tag = try cursor.tag()
        switch tag {
        case 0x0A, 0x12, 0x1A, 0x22: check.text(try cursor.payload())
        default: try cursor.skip(tag)
        }
    }
}

/// InstrumentationScope, the third message from the top.
@inlinable @inline(never)
func checkScope(_ message: WireCursor, into view: inout ScopeView, _ check: inout ItemCheck)
    throws(WireFault)
{
    var cursor = message
    while cursor.hasMore {
        let start = cursor.position
        let tag = try cursor.tag()
        switch tag {
        case 0x0A:
            view.name = try cursor.payload()
            check.text(view.name)
        case 0x12:
            view.version = try cursor.payload()
            check.text(view.version)
        case 0x1A:
            try checkAttribute(cursor.message(), depth: 4, &check)
            view.attributes.run.extend(cursor, from: start)
        case 0x20: view.droppedAttributesCount = try cursor.uint32()
        default: try cursor.skip(tag)
        }
    }
}
