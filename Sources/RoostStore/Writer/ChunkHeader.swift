import RoostCore
import RoostWire

/// A resource and a scope as they came: what stands around items in a request.
final class ChunkHeader {
    /// The fields of the resource's entry but its scopes.
    let resource: [UInt8]
    /// The fields of the scope's entry but its items.
    let scope: [UInt8]
    let service: String
    private let operationHash: TermHash

    init(resource: [UInt8], scope: [UInt8]) {
        self.resource = resource
        self.scope = scope
        service = Self.service(of: resource)
        var hash = TermHash(.operation)
        for byte in service.utf8 { hash.add(byte) }
        hash.add(0)
        operationHash = hash
    }

    func operation(_ name: WireBytes) -> Term {
        var hash = operationHash
        for place in 0..<min(name.count, 512) { unsafe hash.add(name.base[place]) }
        return Term(hash: hash.value)
    }

    /// What an entry around `items` bytes of items takes.
    func size(around items: Int) -> Int {
        let inner = scope.count + items
        let outer = resource.count + 1 + varintBytes(inner) + inner
        return 1 + varintBytes(outer) + outer
    }

    /// Puts an entry around items: `items` is the field after field of them.
    func write(_ items: [UInt8], to output: inout [UInt8]) {
        let inner = scope.count + items.count
        output.append(0x0A)
        append(varint: resource.count + 1 + varintBytes(inner) + inner, to: &output)
        output.append(contentsOf: resource)
        output.append(0x12)
        append(varint: inner, to: &output)
        output.append(contentsOf: scope)
        output.append(contentsOf: items)
    }

    /// The same into memory with room for `size(around:)` bytes from `place` on.
    @unsafe func write(
        _ items: [UInt8], to target: UnsafeMutableRawBufferPointer, at place: inout Int
    ) {
        let inner = scope.count + items.count
        var head: [UInt8] = [0x0A]
        append(varint: resource.count + 1 + varintBytes(inner) + inner, to: &head)
        head.append(contentsOf: resource)
        head.append(0x12)
        append(varint: inner, to: &head)
        head.append(contentsOf: scope)
        for part in [head, items] {
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyBytes(from: part)
            place += part.count
        }
    }

    private static func service(of resource: [UInt8]) -> String {
        var request: [UInt8] = [0x0A]
        append(varint: resource.count, to: &request)
        request.append(contentsOf: resource)
        var visitor = ServiceVisitor()
        var rejections = Rejections()
        _ = unsafe request.withUnsafeBytes {
            try? unsafe readTraces($0, visitor: &visitor, rejections: &rejections)
        }
        return visitor.service
    }

    private struct ServiceVisitor: TraceVisitor {
        var service = ""
        mutating func resource(_ resource: ResourceView) {
            var found = ""
            resource.attributes.forEach { key, value in
                if key.equals("service.name"), value.kind == .string {
                    found = value.stringBytes.string
                }
            }
            service = found
        }
    }
}

/// Headers met lately, so that spans of one program share theirs.
struct ChunkHeaders {
    private var known: [UInt64: ChunkHeader] = [:]
    private static let most = 1024

    mutating func header(resource: [UInt8], scope: [UInt8]) -> ChunkHeader {
        var hash = unsafe resource.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: 7) }
        hash = unsafe scope.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: hash) }
        if let header = known[hash], header.resource == resource, header.scope == scope {
            return header
        }
        if known.count >= Self.most { known.removeAll() }
        let header = ChunkHeader(resource: resource, scope: scope)
        known[hash] = header
        return header
    }
}

/// Bytes of a varint; `value` is not negative.
func varintBytes(_ value: Int) -> Int { (63 - (value | 1).leadingZeroBitCount) / 7 + 1 }

/// `value` is not negative.
func append(varint value: Int, to output: inout [UInt8]) {
    var rest = value
    while rest > 0x7F {
        output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    output.append(UInt8(truncatingIfNeeded: rest))
}
