/// Whether the `count` bytes at both places are the same. For short texts, where a call would cost
/// more than the comparison.
@inlinable @inline(__always)
public func memoryIsEqual(
    _ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int
) -> Bool {
    unsafe memoryIsSame(left, right, count: count)
}

/// The same for memory of no type. Ends overlap instead of being gone through byte by byte.
@inlinable @inline(__always)
public func memoryIsSame(
    _ left: UnsafeRawPointer, _ right: UnsafeRawPointer, count: Int
) -> Bool {
    typealias Wide = SIMD2<UInt64>
    if count >= 16 {
        let last = count &- 16
        var offset = 0
        while offset < last {
            let difference =
                unsafe left.loadUnaligned(fromByteOffset: offset, as: Wide.self)
                ^ right.loadUnaligned(fromByteOffset: offset, as: Wide.self)
            if difference[0] | difference[1] != 0 { return false }
            offset &+= 16
        }
        let difference =
            unsafe left.loadUnaligned(fromByteOffset: last, as: Wide.self)
            ^ right.loadUnaligned(fromByteOffset: last, as: Wide.self)
        return difference[0] | difference[1] == 0
    }
    if count >= 8 {
        let last = count &- 8
        return unsafe left.loadUnaligned(as: UInt64.self) == right.loadUnaligned(as: UInt64.self)
            && left.loadUnaligned(fromByteOffset: last, as: UInt64.self)
                == right.loadUnaligned(fromByteOffset: last, as: UInt64.self)
    }
    if count >= 4 {
        let last = count &- 4
        return unsafe left.loadUnaligned(as: UInt32.self) == right.loadUnaligned(as: UInt32.self)
            && left.loadUnaligned(fromByteOffset: last, as: UInt32.self)
                == right.loadUnaligned(fromByteOffset: last, as: UInt32.self)
    }
    var offset = 0
    while offset < count {
        guard
            unsafe left.load(fromByteOffset: offset, as: UInt8.self)
                == right.load(fromByteOffset: offset, as: UInt8.self)
        else { return false }
        offset &+= 1
    }
    return true
}
