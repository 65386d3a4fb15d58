/// Whether two runs of `count` bytes are the same. Eight bytes at a time, without a call.
@inlinable @inline(__always)
public func memoryIsEqual(_ left: UnsafePointer<UInt8>, _ right: UnsafePointer<UInt8>, count: Int)
    -> Bool
{
    let left = unsafe UnsafeRawPointer(left)
    let right = unsafe UnsafeRawPointer(right)
    var offset = 0
    while count &- offset >= 8 {
        guard
            unsafe left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                == right.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        else { return false }
        offset &+= 8
    }
    while offset < count {
        guard
            unsafe left.load(fromByteOffset: offset, as: UInt8.self)
                == right.load(fromByteOffset: offset, as: UInt8.self)
        else { return false }
        offset &+= 1
    }
    return true
}
