import RoostNet

/// A large body that is ready, handed on as fast as the peer reads, so that it does not wait whole in
/// the connection's buffer. Confined to the web loop.
final class SlicedBody: BodySource {
    /// What is left of the body.
    private var pieces: ArraySlice<[UInt8]>
    private var offset = 0

    private static let slice = 128 << 10
    /// On its way to the socket.
    private static let underWay = 2 * slice

    private init(_ pieces: [[UInt8]]) { self.pieces = pieces[...] }

    /// `bytes` whole when they are few, else in slices.
    static func body(_ bytes: [UInt8]) -> ResponseBody { body(pieces: [bytes]) }

    /// The same of bytes that stand in several places.
    static func body(pieces: [[UInt8]]) -> ResponseBody {
        guard pieces.reduce(0, { $0 + $1.count }) <= slice else {
            return .stream(SlicedBody(pieces.filter { !$0.isEmpty }))
        }
        return .bytes(pieces.count == 1 ? pieces[0] : Array(pieces.joined()))
    }

    /// What a body takes while it waits for its reader.
    static func heldBytes(_ body: ResponseBody) -> Int {
        switch body {
        case .bytes(let bytes): bytes.count
        case .stream(let source):
            (source as? SlicedBody).map {
                $0.pieces.reduce(underWay) { $0 + $1.capacity }
            } ?? 0
        }
    }

    func next(into target: inout [UInt8]) -> Bool {
        var room = Self.slice
        while room > 0, let piece = pieces.first {
            let end = min(offset + room, piece.count)
            target += piece[offset..<end]
            room -= end - offset
            offset = end
            guard end == piece.count else { break }
            pieces.removeFirst()
            offset = 0
        }
        return !pieces.isEmpty
    }
}
