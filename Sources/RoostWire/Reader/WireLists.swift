/// The part of a message in which the members of one repeated field lie, perhaps with others
/// between them. It is walked again each time it is asked.
@frozen @usableFromInline struct FieldRun {
    @usableFromInline var bytes: WireBytes
    @usableFromInline var number: UInt32

    @inlinable @inline(__always)
    init(number: UInt32) {
        self.bytes = .empty
        self.number = number
    }

    @inlinable @inline(__always)
    init(bytes: WireBytes, number: UInt32) {
        self.bytes = bytes
        self.number = number
    }

    /// Takes in the field from `start` (its tag) to the cursor's position.
    @inlinable @inline(__always)
    mutating func extend(_ cursor: WireCursor, from start: Int) {
        let first =
            unsafe bytes.count == 0 ? cursor.base + start : bytes.base
        unsafe bytes = WireBytes(base: first, count: cursor.base + cursor.position - first)
    }

    /// Starts again with the field from `start` (its tag) to the cursor's position.
    @inlinable @inline(__always)
    mutating func restart(_ cursor: WireCursor, from start: Int) {
        bytes = cursor.bytes(from: start, to: cursor.position)
    }

    /// Calls `body` with each length-delimited member. The bytes have been validated before; on a
    /// fault it stops.
    @inlinable @inline(__always)
    func forEach(_ body: (WireBytes) -> Void) {
        var cursor = WireCursor(bytes)
        let wanted = number << 3 | 2
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return }
            if tag == wanted {
                guard let payload = try? cursor.payload() else { return }
                body(payload)
            } else {
                guard (try? cursor.skip(tag)) != nil else { return }
            }
        }
    }
}

/// A repeated `fixed64` or `uint64`, packed, unpacked or mixed, read where it lies.
@frozen public struct WireUInt64List {
    @usableFromInline var run: FieldRun
    @usableFromInline var isVarint: Bool
    /// How many values there are.
    public var count: Int

    @inlinable init(number: UInt32, isVarint: Bool) {
        run = FieldRun(number: number)
        self.isVarint = isVarint
        count = 0
    }

    /// Takes in `more` values in the field from `start` (its tag) to the cursor's position.
    @inlinable @inline(__always)
    mutating func extend(by more: Int, _ cursor: WireCursor, from start: Int) {
        run.extend(cursor, from: start)
        count &+= more
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// Calls `body` with each value in order.
    @inlinable public func forEach(_ body: (UInt64) -> Void) {
        forEachNumber(run, isVarint: isVarint, body)
    }

    /// A copy.
    public var array: [UInt64] {
        var values: [UInt64] = []
        values.reserveCapacity(count)
        forEach { values.append($0) }
        return values
    }
}

/// A repeated `double`, packed, unpacked or mixed, read where it lies.
@frozen public struct WireDoubleList {
    @usableFromInline var run: FieldRun
    /// How many values there are.
    public var count: Int

    @inlinable init(number: UInt32) {
        run = FieldRun(number: number)
        count = 0
    }

    /// Takes in `more` values in the field from `start` (its tag) to the cursor's position.
    @inlinable @inline(__always)
    mutating func extend(by more: Int, _ cursor: WireCursor, from start: Int) {
        run.extend(cursor, from: start)
        count &+= more
    }

    @inlinable public var isEmpty: Bool { count == 0 }

    /// Calls `body` with each value in order.
    @inlinable public func forEach(_ body: (Double) -> Void) {
        forEachNumber(run, isVarint: false) { body(Double(bitPattern: $0)) }
    }

    /// A copy.
    public var array: [Double] {
        var values: [Double] = []
        values.reserveCapacity(count)
        forEach { values.append($0) }
        return values
    }
}

@inlinable @inline(__always)
func forEachNumber(_ run: FieldRun, isVarint: Bool, _ body: (UInt64) -> Void) {
    var cursor = WireCursor(run.bytes)
    let packed = run.number << 3 | 2
    let single = run.number << 3 | (isVarint ? 0 : 1)
    while cursor.hasMore {
        guard let tag = try? cursor.tag() else { return }
        if tag == packed {
            guard var values = try? cursor.message() else { return }
            while values.hasMore {
                guard let value = isVarint ? try? values.varint() : try? values.fixed64() else {
                    return
                }
                body(value)
            }
        } else if tag == single {
            guard let value = isVarint ? try? cursor.varint() : try? cursor.fixed64() else {
                return
            }
            body(value)
        } else {
            guard (try? cursor.skip(tag)) != nil else { return }
        }
    }
}
