import RoostCore
import RoostWire

/// A resource and a scope as they came: what stands around items in a request.
final class ChunkHeader {
    /// The fields of the resource's entry but its scopes.
    let resource: [UInt8]
    /// The fields of the scope's entry but its items.
    let scope: [UInt8]
    /// As it is listed.
    let service: String
    let serviceTerm: Term
    private let operationHash: TermHash
    /// The first operations met, so that spans say theirs with a number.
    private(set) var operations: [Operation] = []
    /// Of their names together.
    private var nameBytes = 0
    /// By hash of name and kind, which one it is; direct-mapped. Four places or more for each.
    private var places: [OperationPlace] = []

    struct Operation {
        let term: Term
        let name: String
        let kind: Int32
    }

    private struct OperationPlace {
        var hash: UInt64 = 0
        var number: Int32 = -1
    }

    static let mostOperations = 64
    private static let mostNameBytes = 4096
    private static let fewestPlaces = 16
    /// What it takes beside what came, as long as it has few operations.
    private static let ownBytes = 512

    /// What it takes at first.
    var bytes: Int { Self.ownBytes + wireBytes }
    /// What it adds to a request.
    var wireBytes: Int { resource.count + scope.count }

    init(resource: [UInt8], scope: [UInt8]) {
        self.resource = resource
        self.scope = scope
        service = Self.service(of: resource)
        serviceTerm = Term(.service, service)
        var hash = TermHash(.operation)
        for byte in service.utf8 { hash.add(byte) }
        hash.add(0)
        operationHash = hash
    }

    func operation(_ name: WireBytes) -> Term {
        var hash = operationHash
        for place in 0..<ListedName.bytes(of: name) { unsafe hash.add(name.base[place]) }
        return Term(hash: hash.value)
    }

    /// The number of an operation in `operations`; nil when these are full.
    func operationNumber(_ name: WireBytes, kind: Int32) -> Int? {
        let hash = unsafe ByteHash.hash(
            UnsafeRawPointer(name.base), count: ListedName.bytes(of: name),
            seed: UInt64(UInt32(bitPattern: kind)))
        if !places.isEmpty {
            let place = places[Int(truncatingIfNeeded: hash) & (places.count - 1)]
            if place.number >= 0, place.hash == hash { return Int(place.number) }
        }
        let term = operation(name)
        let known = operations.firstIndex { $0.term == term && $0.kind == kind }
        guard let number = known ?? add(term, name, kind) else { return nil }
        places[Int(truncatingIfNeeded: hash) & (places.count - 1)] = OperationPlace(
            hash: hash, number: Int32(number))
        return number
    }

    private func add(_ term: Term, _ name: WireBytes, _ kind: Int32) -> Int? {
        let cut = ListedName.cut(name.string)
        guard operations.count < Self.mostOperations,
            nameBytes + cut.utf8.count <= Self.mostNameBytes
        else { return nil }
        nameBytes += cut.utf8.count
        operations.append(Operation(term: term, name: cut, kind: kind))
        if operations.count * 4 > places.count {
            // Those that were there find their places again when they are met next.
            places = [OperationPlace](
                repeating: OperationPlace(), count: max(places.count * 4, Self.fewestPlaces))
        }
        return operations.count - 1
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
        unsafe put(0x0A, resource.count + 1 + varintBytes(inner) + inner, target, &place)
        unsafe put(resource, target, &place)
        unsafe put(0x12, inner, target, &place)
        unsafe put(scope, target, &place)
        unsafe put(items, target, &place)
    }

    @unsafe private func put(
        _ part: [UInt8], _ target: UnsafeMutableRawBufferPointer, _ place: inout Int
    ) {
        unsafe UnsafeMutableRawBufferPointer(rebasing: target[place...]).copyBytes(from: part)
        place += part.count
    }

    @unsafe private func put(
        _ tag: UInt8, _ length: Int, _ target: UnsafeMutableRawBufferPointer, _ place: inout Int
    ) {
        unsafe target[place] = tag
        place += 1
        var rest = length
        while rest > 0x7F {
            unsafe target[place] = UInt8(truncatingIfNeeded: rest) | 0x80
            rest >>= 7
            place += 1
        }
        unsafe target[place] = UInt8(truncatingIfNeeded: rest)
        place += 1
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
        return ListedName.service(visitor.service)
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
    private var bytes = 0
    private static let most = 1024
    private static let mostBytes = 4 << 20

    mutating func header(resource: [UInt8], scope: [UInt8]) -> ChunkHeader {
        var hash = unsafe resource.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: 7) }
        hash = unsafe scope.withUnsafeBufferPointer { unsafe ByteHash.hash($0, seed: hash) }
        if let header = known[hash], header.resource == resource, header.scope == scope {
            return header
        }
        let header = ChunkHeader(resource: resource, scope: scope)
        if known.count >= Self.most || bytes + header.bytes > Self.mostBytes {
            known.removeAll()
            bytes = 0
        }
        known[hash] = header
        bytes += header.bytes
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
