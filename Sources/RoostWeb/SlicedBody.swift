import RoostNet

/// A large body that is ready, handed on as fast as the peer reads, so that it does not wait whole in
/// the connection's buffer. Confined to the web loop.
final class SlicedBody: BodySource {
    private let bytes: [UInt8]
    private var offset = 0

    private static let slice = 128 << 10
    /// On its way to the socket.
    private static let underWay = 2 * slice

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// `bytes` whole when they are few, else in slices.
    static func body(_ bytes: [UInt8]) -> ResponseBody {
        bytes.count <= slice ? .bytes(bytes) : .stream(SlicedBody(bytes))
    }

    /// What a body takes while it waits for its reader.
    static func heldBytes(_ body: ResponseBody) -> Int {
        switch body {
        case .bytes(let bytes): bytes.count
        case .stream(let source):
            (source as? SlicedBody).map { $0.bytes.capacity + underWay } ?? 0
        }
    }

    func next(into target: inout [UInt8]) -> Bool {
        let end = min(offset + Self.slice, bytes.count)
        target += bytes[offset..<end]
        offset = end
        return end < bytes.count
    }
}
