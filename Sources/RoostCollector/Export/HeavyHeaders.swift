/// Batches whose headers, repeated with each item, are most of what is sent.
///
/// Halved down to single items, one with headers larger than the peer takes would be sent for each item
/// that it has: terabytes for a request of megabytes. So of two halves the one with the shortest item
/// goes first. When that is refused alone, every longer one would be, too, and what has none but such
/// is given up whole when it is refused.
extension ExportBatch {
    /// Not so for headers that no peer refuses for their size: cutting costs little then, and a refusal
    /// that was about something else takes single items only.
    var isMostlyHeaders: Bool {
        headerBytes > Suspicion.smallestBytes && headerBytes > leastBytes / 2
    }

    /// The shortest request that one of its items makes alone; 0 where that is not known.
    var leastBytes: Int {
        items == 1 ? bytes : payloads.lazy.map(\.leastBytes).min() ?? 0
    }

    /// How many bytes each of these repeats of `whole`, which they were cut from.
    static func headerBytes(of pieces: [[Payload]], from whole: ExportBatch) -> Int {
        let bytes = pieces.joined().reduce(0) { $0 + $1.bytes }
        return max(0, bytes - whole.bytes) / max(1, pieces.count - 1)
    }
}
