/// The part of an answer's body that has not left yet.
struct OutgoingBody {
    private var piece: [UInt8] = []
    private var offset = 0
    private var source: (any BodySource)?
    /// The source had nothing; it is asked again after `resumeBody()`.
    private(set) var isStalled = false

    init() {}

    init(_ body: ResponseBody) {
        switch body {
        case .bytes(let bytes): piece = bytes
        case .stream(let source): self.source = source
        }
    }

    var isFinished: Bool { source == nil && offset == piece.count }
    var isStream: Bool { source != nil }

    /// How many bytes can be had without asking the source.
    var available: Int { piece.count - offset }

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
        return count
    }

    mutating func cancel() {
        source?.cancel()
        source = nil
        piece = []
        offset = 0
    }
}
