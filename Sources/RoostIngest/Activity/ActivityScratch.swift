import RoostWire

/// What an `ActivityReader` works with, kept from request to request. One thread's at a time.
@safe final class ActivityScratch {
    let slots = SpanSlots()
    let texts = TextMemo()
    private(set) var keys = KeyMemo()
    /// Number of the batch that is being filled; 0 is none.
    private var batch: UInt32 = 0
    /// The tables that the memos were made with.
    private var table: NameTable?

    deinit {
        slots.free()
        keys.free()
        texts.free()
    }

    /// To be called before a request is read with `table`.
    func begin(_ table: NameTable) {
        if self.table === table { return }
        self.table = table
        keys.clear()
        texts.clear()
    }

    /// The number of a new batch, in which no text stands yet.
    func newBatch() -> UInt32 {
        batch &+= 1
        if batch == 0 {
            texts.clear()
            batch = 1
        }
        return batch
    }
}
