/// The part of an answer's body that has not left yet.
struct OutgoingBody {
    private var piece: [UInt8] = []
    private var offset = 0
    private var source: (any BodySource)?
    private var holding: (any AnyObject & Sendable)?
    /// The source had nothing; it is asked again after `resumeBody()`.
    private(set) var isStalled = false

    init() {}

    /// A piece that is larger than this makes room when it has been taken: the next one may be long
    /// in coming where the peer is slow.
    private static let mostKept = 64 << 10

    init(_ response: Response) {
        holding = response.holding
        switch response.body {
        case .bytes(let bytes): piece = bytes
        case .stream(let source): self.source = source
        }
    }

    var isFinished: Bool { source == nil && offset == piece.count }
    var isStream: Bool { source != nil }

    /// How many bytes can be had without asking the source.
    var available: Int { piece.count - offset }

    /// What waits for the peer and is paid for by the connection.
    var waitingBytes: Int {
        (source?.waitingBytes ?? 0) + (holding == nil ? available : 0)
    }

    mutating func resume() { isStalled = false }

    /// Asks the source for the next piece when there is nothing left of the last one.
    mutating func refill() {
        guard offset == piece.count, !isStalled, let source else { return }
        piece.removeAll(keepingCapacity: true)
        offset = 0
        if !source.next(into: &piece) {
            self.source = nil
        } else if piece.isEmpty {
            isStalled = true
        }
    }

    /// Moves at most `limit` bytes on, lending them to `body` first.
    mutating func take(upTo limit: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        let count = min(limit, available)
        guard count > 0 else { return 0 }
        unsafe piece.withUnsafeBytes { bytes in
            unsafe body(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
        }
        offset += count
        if offset == piece.count {
            if source == nil { holding = nil }
            if piece.capacity > Self.mostKept {
                piece = []
                offset = 0
            }
        }
        return count
    }

    mutating func cancel() {
        source?.cancel()
        source = nil
        holding = nil
        piece = []
        offset = 0
    }
}
