/// A writer whose memory a lease pays for: the document is kept in pieces, none of which is ever moved
/// to a larger place, and each is taken only when there is room for it.
extension JSONWriter {
    struct Paid: Sendable {
        let lease: AnswerRoom.Lease
        /// Those that are full.
        var pieces: [[UInt8]] = []
        /// Of the lease, in use by this.
        var bytes = 0
        var isCut = false
    }

    /// A place in a document that is being written.
    public struct Mark: Sendable {
        fileprivate let pieces: Int
        fileprivate let count: Int
        fileprivate let bytes: Int
        fileprivate let needsComma: Bool
    }

    private static let firstPiece = 4 << 10
    private static let largestPiece = 128 << 10
    /// What numbers, marks and escapes add at most before it is looked again.
    private static let slack = 128

    public init(paidBy lease: AnswerRoom.Lease) {
        self.init()
        paid = Paid(lease: lease)
        end = -1
    }

    /// Who pays; nil where nobody does.
    public var lease: AnswerRoom.Lease? { paid?.lease }

    /// There was no room for all of it: what is behind some place is not here.
    public var isCut: Bool { paid?.isCut ?? false }

    /// Of the document so far.
    public var count: Int { (paid?.pieces ?? []).reduce(tail.count) { $0 + $1.count } }

    /// The document so far, one after another.
    public var pieces: [[UInt8]] {
        guard let paid, !paid.pieces.isEmpty else { return [tail] }
        return paid.pieces + [tail]
    }

    /// The same in one.
    public var bytes: [UInt8] {
        guard let paid, !paid.pieces.isEmpty else { return tail }
        var whole: [UInt8] = []
        whole.reserveCapacity(count)
        for piece in paid.pieces { whole += piece }
        return whole + tail
    }

    public var mark: Mark {
        Mark(
            pieces: paid?.pieces.count ?? 0, count: tail.count, bytes: paid?.bytes ?? 0,
            needsComma: needsComma)
    }

    /// Takes back what was written behind a mark, and that it was cut.
    public mutating func goBack(to mark: Mark) {
        while let last = paid?.pieces.last, (paid?.pieces.count ?? 0) > mark.pieces {
            tail = last
            paid?.pieces.removeLast()
        }
        tail.removeLast(tail.count - mark.count)
        needsComma = mark.needsComma
        guard var paid else { return }
        self.paid = nil
        paid.lease.giveBack(paid.bytes - mark.bytes)
        paid.bytes = mark.bytes
        paid.isCut = false
        end = tail.capacity - Self.slack
        self.paid = paid
    }

    /// Gives up what was written. To be called on one whose document is used up before the lease is.
    public mutating func discard() {
        tail = []
        guard paid != nil else { return }
        paid?.pieces = []
        end = -1
        paid?.lease.giveBack(paid?.bytes ?? 0)
        paid?.bytes = 0
    }

    /// Has so many bytes paid for that are kept beside the document; where there is no room it is cut.
    public mutating func pay(for bytes: Int) {
        guard let lease = paid?.lease else { return }
        if lease.use(bytes) { paid?.bytes += bytes } else { cut() }
    }

    /// As if there had been no room.
    mutating func cut() {
        guard paid != nil, !isCut else { return }
        paid?.pieces.append(tail)
        paid?.isCut = true
        tail = []
        tail.reserveCapacity(Self.firstPiece)
        end = Self.firstPiece - Self.slack
    }

    /// Begins another piece where so many bytes have no room in this one; false when they are not to
    /// be written.
    mutating func makeRoom(for more: Int) -> Bool {
        guard let lease = paid?.lease else { return true }
        if isCut {
            // What comes now is of no use to anybody.
            tail.removeAll(keepingCapacity: true)
            return more <= end
        }
        let usual = min(max(tail.capacity * 2, Self.firstPiece), Self.largestPiece)
        let size = max(usual, more + 2 * Self.slack)
        guard lease.use(size) else {
            cut()
            return more <= end
        }
        if !tail.isEmpty { paid?.pieces.append(tail) }
        paid?.bytes += size
        tail = []
        tail.reserveCapacity(size)
        end = size - Self.slack
        return true
    }
}
