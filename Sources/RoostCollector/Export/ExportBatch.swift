import RoostCore
import RoostWire

/// Payloads that go out in one request, and what has happened to them so far.
struct ExportBatch: Sendable {
    let id: UInt64
    let signal: Signal
    private(set) var payloads: [Payload]
    private(set) var items: Int
    /// Before compression.
    private(set) var bytes: Int
    /// Monotonic nanoseconds; nil before the first attempt. Pieces of a batch keep it.
    var firstAttempt: UInt64?
    var startedAt: UInt64 = 0
    /// Requests sent with it.
    var attempts = 0
    /// Attempts after which it waits to be sent again.
    var failures = 0
    /// Monotonic nanoseconds; others go first until then.
    var notBefore: UInt64 = 0
    /// Whether it is its own fault.
    var suspicion = Suspicion()
    /// To the last attempt, its own or that of the batch it was cut from.
    var lastAnswer: DeadLetter.Answer?
    /// Times that there was no memory to cut it.
    var memoryFailures = 0
    /// Made by cutting, or found uncuttable: what is above the limit is so because of one item.
    var isCut = false
    /// The peer found it too large: it goes on in pieces of this size.
    var wantedBytes: Int?
    /// Of a piece: what the others that were cut with it repeat of it, about.
    private(set) var headerBytes = 0
    /// The compressed body, kept for a repetition.
    var encoded: ByteBlock?
    /// Of `encoded`.
    var coding = ExportCompression.none

    init(id: UInt64, signal: Signal, payloads: [Payload]) {
        self.id = id
        self.signal = signal
        self.payloads = payloads
        items = payloads.reduce(0) { $0 + $1.items }
        bytes = payloads.reduce(0) { $0 + $1.bytes }
    }

    /// What is cut off it.
    func piece(_ id: UInt64, _ payloads: [Payload], headerBytes: Int) -> ExportBatch {
        var piece = ExportBatch(id: id, signal: signal, payloads: payloads)
        piece.firstAttempt = firstAttempt
        piece.lastAnswer = lastAnswer
        // Halves of what the peer refused are cut further where it has refused their size since.
        piece.isCut = wantedBytes == nil
        piece.headerBytes = headerBytes
        return piece
    }

    /// The same without payloads that lie before `sequence` in a queue on disk; nil when that leaves
    /// none.
    func without(before sequence: UInt64) -> ExportBatch? {
        let rest = payloads.filter { !$0.isBefore(sequence) }
        guard !rest.isEmpty else { return nil }
        var batch = self
        batch.payloads = rest
        batch.items = rest.reduce(0) { $0 + $1.items }
        batch.bytes = rest.reduce(0) { $0 + $1.bytes }
        batch.encoded = nil
        return batch
    }

    /// The request, piece by piece: concatenated OTLP requests are one.
    var slices: [ByteSlice] { payloads.flatMap(\.slices) }
}
