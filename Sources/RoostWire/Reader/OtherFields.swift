/// The fields of a resource's entry but its scopes, or of a scope's entry but its items, as they lie
/// on the wire: what stands around number 2.
///
/// They may stand between millions of items, so they are copied, and no list of places is made.
@frozen public struct OtherFields {
    @usableFromInline let entry: WireCursor

    @inlinable @inline(__always)
    init(_ entry: WireCursor) { self.entry = entry }

    /// Puts them, tags included, in place of what `target` holds. Answers false when they are more
    /// than `most` bytes; `target` is empty then.
    @discardableResult
    public func copy(to target: inout [UInt8], atMost most: Int = .max) -> Bool {
        target.removeAll(keepingCapacity: true)
        var cursor = entry
        // Of neighbours.
        var begin = cursor.position
        var near = begin
        while cursor.hasMore {
            let start = cursor.position
            if start &+ WireCursor.distance >= near { near = cursor.bringNear(from: near) }
            guard let tag = try? cursor.tag(), (try? cursor.skip(tag)) != nil else { break }
            guard tag == 0x12 else { continue }
            guard add(begin, start, to: &target, most) else { return false }
            begin = cursor.position
        }
        return add(begin, cursor.position, to: &target, most)
    }

    @inline(__always)
    private func add(_ start: Int, _ end: Int, to target: inout [UInt8], _ most: Int) -> Bool {
        guard end > start else { return true }
        guard end - start <= most - target.count else {
            target.removeAll()
            return false
        }
        unsafe target.append(contentsOf: entry.bytes(from: start, to: end).buffer)
        return true
    }
}
