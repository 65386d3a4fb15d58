import Glibc
import RoostCore

/// The segment file that is written to. Confined to the commit thread.
final class ActiveSegment {
    let id: UInt64
    let salt: UInt64
    private let file: QueueFile
    /// Where the next record goes.
    private(set) var end = SegmentFormat.start
    private(set) var needsSync = true
    /// Of what was written.
    private(set) var counts = QueueCounts()
    /// False when nothing more can be written behind `end`.
    private(set) var isWhole = true
    /// What was another segment before lies behind `end`.
    private let isReused: Bool
    /// Writes past the page cache; nil when the file does not.
    private var direct: DirectWriter?

    /// Records in one call of the system.
    private static let mostAtOnce = 256

    /// Makes the file, with its header, but does not wait for the disk to have that: the first
    /// commit does. The file's name is made durable at once when `isDurable`.
    ///
    /// With `buffer`, which is nobody else's from now on, the file is written past the page cache
    /// where the file system offers that; the header then goes with the first records. The file is
    /// `spare` when there is one, under its new name.
    init(
        folder: String, id: UInt64, after before: SegmentBefore, isDurable: Bool,
        buffer: WriteBuffer? = nil, spare: String? = nil
    ) throws(QueueFault) {
        self.id = id
        salt = UInt64.random(in: .min ... .max)
        let path = folder + "/" + SegmentFormat.fileName(id)
        if let spare { try QueueFolder.give(spare, name: path) }
        isReused = spare != nil
        file = try QueueFile(path, spare == nil ? .create : .write)
        let bytes = SegmentHeader(
            id: id, createdUnixNano: unixNanoseconds(), salt: salt, before: before,
            isReused: isReused
        ).begin
        if let buffer { direct = DirectWriter(file, buffer, begin: bytes) }
        do throws(QueueFault) {
            if direct == nil { try file.write(bytes, at: 0) }
            if isDurable { try QueueFolder.sync(folder) }
        } catch {
            // An empty file is worth nothing; should it stay, the next start removes it.
            unsafe _ = unlink(path)
            throw error
        }
    }

    var hasRecords: Bool { end > SegmentFormat.start }

    func hasRoom(for pending: PendingRecord, limit: Int) -> Bool {
        !hasRecords || end + pending.totalBytes <= limit
    }

    /// Those of `records` that go into this segment with one write; at least the first.
    func fitting(
        _ records: ArraySlice<PendingRecord>, limit: Int
    ) -> ArraySlice<PendingRecord> {
        var place = end
        var count = 0
        for record in records.prefix(Self.mostAtOnce) {
            place += record.totalBytes
            if count > 0, place > limit { break }
            count += 1
        }
        return records.prefix(count)
    }

    /// Writes `records`; answers those that were written whole, which is all of them when there is
    /// no fault. A part of one is cut off again.
    func write(
        _ records: ArraySlice<PendingRecord>, firstSequence: UInt64
    ) -> (written: [WrittenRecord], fault: QueueFault?) {
        var written: [WrittenRecord] = []
        written.reserveCapacity(records.count)
        var place = end
        for (index, pending) in records.enumerated() {
            written.append(
                WrittenRecord(
                    pending: pending, sequence: firstSequence + UInt64(index), segment: id,
                    salt: salt, offset: place))
            place += pending.totalBytes
        }
        let (count, fault) = store(written)
        if count > 0 { needsSync = true }
        guard let fault else {
            end = place
            for record in written { counts += record.counts }
            return (written, nil)
        }
        while let last = written.last, last.end > end + count { written.removeLast() }
        end = written.last?.end ?? end
        for record in written { counts += record.counts }
        cutOff()
        return (written, fault)
    }

    private func store(_ records: [WrittenRecord]) -> (written: Int, fault: QueueFault?) {
        if let direct {
            let result = direct.write(records, at: end)
            if direct.isRefused { self.direct = nil }
            return result
        }
        var heads = [UInt8](repeating: 0, count: records.count * RecordHead.bytes)
        return unsafe heads.withUnsafeMutableBytes { heads in
            var vectors: [iovec] = unsafe []
            unsafe vectors.reserveCapacity(records.count * 2)
            for (index, record) in records.enumerated() {
                let start = index * RecordHead.bytes
                let place = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: heads[start..<start + RecordHead.bytes])
                unsafe RecordHead(record, checksum: record.pending.record.checksum)
                    .write(to: place, salt: salt)
                unsafe vectors.append(iovec(iov_base: place.baseAddress, iov_len: place.count))
                for slice in record.pending.record.slices {
                    // The record holds the block, whose bytes do not move, until after the write.
                    unsafe slice.withBytes { bytes in
                        unsafe vectors.append(
                            iovec(
                                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                                iov_len: bytes.count))
                    }
                }
            }
            return withExtendedLifetime(records) { unsafe file.write(vectors, at: end) }
        }
    }

    func sync() throws(QueueFault) {
        try file.sync()
        needsSync = false
    }

    /// Takes off what fills the last block, when nothing more is written. Nothing depends on it.
    ///
    /// What the file had in it as another segment stays, as the header of the next segment says what
    /// this one has; where that cannot, it is off before the next `sync` returns.
    func trim() {
        if isReused {
            guard !SegmentBefore(id, counts).isExact else { return }
            needsSync = true
        } else if direct == nil || end % WriteBuffer.block == 0 {
            return
        }
        try? file.truncate(to: end)
    }

    /// After a failed sync: forgets what lies behind `end`, when there is one, which is `lost`.
    func giveUp(to end: Int?, losing lost: QueueCounts) {
        guard let end else { return }
        self.end = end
        counts -= lost
        cutOff()
    }

    private func cutOff() {
        // What the buffer keeps of the last block is no longer what the file has.
        if direct != nil { isWhole = false }
        do throws(QueueFault) {
            try file.truncate(to: end)
        } catch {
            // Stays behind the end that readers know. At the next start it is torn, or is sent
            // although its sender was told no.
            isWhole = false
        }
    }
}

extension RecordHead {
    init(_ record: WrittenRecord, checksum: UInt64) {
        self.init(
            length: UInt32(record.pending.record.bytes), sequence: record.sequence,
            timeUnixNano: record.pending.timeUnixNano,
            items: UInt32(clamping: record.pending.record.items),
            signal: record.pending.record.signal, payloadChecksum: checksum)
    }
}

extension QueueRecord {
    /// Of the payload.
    var checksum: UInt64 {
        var hash = XXHash64()
        for slice in slices { unsafe slice.withBytes { unsafe hash.update($0) } }
        return hash.value
    }
}
