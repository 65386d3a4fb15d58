import Glibc
import RoostCore

/// Writes a segment file past the page cache, in whole blocks. The commit thread's own.
///
/// The page cache costs more than the disk: it allocates a page for every 4 KiB, copies, notes the
/// page for writing, frees it. Here records are copied once, into the same memory again and again,
/// and hashed on the way. The last block is filled up with zeros, and written again with what comes
/// next; its first bytes are the same then.
final class DirectWriter {
    private let file: QueueFile
    private let buffer: WriteBuffer
    /// Where in the file the buffer begins.
    private var place = 0
    /// The file system did not take whole blocks after all: the file is to be written in the usual
    /// way from now on.
    private(set) var isRefused = false

    /// For the new file `file` that begins with `begin`, which is written with the first records.
    /// Nil where the file system offers no such thing.
    init?(_ file: QueueFile, _ buffer: WriteBuffer, begin: [UInt8]) {
        guard file.setDirect(true) else { return nil }
        self.file = file
        self.buffer = buffer
        buffer.removeAll()
        unsafe buffer.take(begin.count).copyBytes(from: begin)
    }

    /// Writes `records`, the first of which begins at `end`, where the last call ended. Answers how
    /// many bytes from there on are in the file, and the fault that kept out the others; then this
    /// is not called again.
    func write(_ records: [WrittenRecord], at end: Int) -> (written: Int, fault: QueueFault?) {
        var reached = end
        for record in records {
            if let fault = stage(record, &reached) { return (max(0, reached - end), fault) }
        }
        let fault = flush(padded: true, &reached)
        return (max(0, reached - end), fault)
    }

    private func stage(_ record: WrittenRecord, _ reached: inout Int) -> QueueFault? {
        let stored = record.pending.record
        // In one piece, when that is not for a few bytes: then it is gone through once.
        if buffer.room < min(record.pending.totalBytes, buffer.capacity / 2) {
            if let fault = flush(padded: false, &reached) { return fault }
        }
        guard buffer.room >= record.pending.totalBytes else {
            return stageLarge(record, &reached)
        }
        let head = unsafe buffer.take(RecordHead.bytes)
        var hash = XXHash64()
        for slice in stored.slices {
            let target = unsafe buffer.take(slice.count)
            unsafe slice.withBytes { unsafe hash.update($0, copyingTo: target) }
        }
        unsafe RecordHead(record, checksum: hash.value).write(to: head, salt: record.salt)
        return nil
    }

    /// The head comes before the payload, which has to be gone through twice.
    private func stageLarge(_ record: WrittenRecord, _ reached: inout Int) -> QueueFault? {
        let stored = record.pending.record
        if buffer.room < RecordHead.bytes, let fault = flush(padded: false, &reached) {
            return fault
        }
        unsafe RecordHead(record, checksum: stored.checksum)
            .write(to: buffer.take(RecordHead.bytes), salt: record.salt)
        for slice in stored.slices {
            var offset = 0
            while offset < slice.count {
                if buffer.room == 0, let fault = flush(padded: false, &reached) { return fault }
                let some = min(buffer.room, slice.count - offset)
                unsafe slice.withBytes { bytes in
                    unsafe buffer.take(some).copyMemory(
                        from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + some]))
                }
                offset += some
            }
        }
        return nil
    }

    /// Writes what fills blocks, or everything; `reached` is then where the file has all bytes up
    /// to.
    private func flush(padded: Bool, _ reached: inout Int) -> QueueFault? {
        if isRefused { return flushUsual(from: 0, &reached) }
        let blocks = unsafe buffer.blocks(padded: padded)
        let (written, fault) = unsafe file.writeSome(blocks, at: place)
        // A file that may not grow by a whole block takes a part of one, but not like this.
        if let fault, fault.code == EINVAL, file.setDirect(false) {
            isRefused = true
            return flushUsual(from: min(written, buffer.count), &reached)
        }
        reached = max(reached, place + min(written, buffer.count))
        guard fault == nil else { return fault }
        place += buffer.removeBlocks()
        return nil
    }

    private func flushUsual(from start: Int, _ reached: inout Int) -> QueueFault? {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[start...])
        let (written, fault) = unsafe file.writeSome(rest, at: place + start)
        reached = max(reached, place + start + written)
        place += buffer.count
        buffer.removeAll()
        return fault
    }
}
