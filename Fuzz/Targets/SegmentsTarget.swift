import RoostCore
import Synchronization

@testable import RoostQueue

/// A queue's folder as a loss of power, a bad disk or somebody with an editor may leave it: what is
/// untouched is found, in order, and opening it once more finds the same.
///
/// The input is a list of edits, six bytes each, to two whole segments and a file of cursors. When
/// its length is odd, the segments lie in files that were other ones before.
final class SegmentsTarget: FuzzTarget {
    private let folder = ScratchFolder("segments")
    private let fresh = SegmentFiles(areReused: false)
    private let reused = SegmentFiles(areReused: true)

    fileprivate static let cursors = ["a", "b"]
    fileprivate static let salt: UInt64 = 0x1234_5678_9ABC_DEF0

    func take(_ input: UnsafeRawBufferPointer) {
        let made = input.count % 2 == 0 ? fresh : reused
        var files = made.whole
        var edits = unsafe SegmentEdits(input, salt: SegmentsTarget.salt)
        edits.apply(to: &files)
        folder.clear()
        for (name, bytes) in zip(made.names, files) { folder.write(name, bytes) }
        let before = folder.files()
        let log: SegmentLog
        do throws(QueueOpenError) { log = try SegmentLog.open(settings) } catch {
            if case .version = error {
                let after = folder.files()
                promise(
                    before.map(\.bytes) == after.map(\.bytes), "a folder that is refused changed")
            } else {
                fatalError("it does not open: \(error)")
            }
            return
        }
        let first = read(log)
        if !edits.hasForged {
            made.checkUntouched(first, files, hasPositions: !log.recovery.cursorsLost)
        }
        log.close()
        reopen(first, hasForged: edits.hasForged, areReused: made.areReused)
    }

    private var settings: SegmentLogSettings {
        var settings = SegmentLogSettings(
            path: folder.path, limitBytes: 1 << 20, cursors: SegmentsTarget.cursors)
        settings.segmentBytes = 4_096
        settings.hotBytes = 0
        settings.sync = .always
        return settings
    }

    /// What each cursor finds, by sequence number.
    private func read(_ log: SegmentLog) -> [[UInt64: [UInt8]]] {
        SegmentsTarget.cursors.map { name in
            guard let cursor = log.cursor(name) else { fatalError("cursor \(name) is gone") }
            var found: [UInt64: [UInt8]] = [:]
            var last: UInt64 = 0
            while true {
                guard let batch = try? log.next(cursor, maxBytes: 200) else {
                    fatalError("it cannot be read")
                }
                if batch.isEmpty { break }
                for record in batch.records {
                    promise(record.sequence > last, "\(record.sequence) after \(last)")
                    last = record.sequence
                    found[last] = record.slices.flatMap(\.array)
                }
            }
            return found
        }
    }

    private func reopen(_ first: [[UInt64: [UInt8]]], hasForged: Bool, areReused: Bool) {
        let log: SegmentLog
        do throws(QueueOpenError) { log = try SegmentLog.open(settings) } catch {
            fatalError("it does not open a second time: \(error)")
        }
        defer { log.close() }
        let second = read(log)
        // The one before the newest may be the newest now, and a forged record behind its end.
        promise(
            second == first || hasForged && areReused,
            "opened again: \(second.map(\.keys)) / \(first.map(\.keys))")
        let newest = max(second[0].keys.max() ?? 0, second[1].keys.max() ?? 0)
        switch SegmentsTarget.keep(log) {
        case .failure(.full) where hasForged: break
        case .failure(let refusal): fatalError("nothing can be appended: \(refusal)")
        case .success(let sequence):
            promise(sequence > newest, "\(sequence) is not above \(newest)")
            for found in read(log) {
                promise(found.keys.contains(sequence), "what was appended is not found")
            }
        }
        for name in SegmentsTarget.cursors {
            if let cursor = log.cursor(name) { log.release(cursor, through: .max) }
        }
    }

    private static func keep(_ log: SegmentLog) -> Result<UInt64, AppendRefusal> {
        let latch = Latch(1)
        let answer = Mutex<Result<UInt64, AppendRefusal>?>(nil)
        let record = QueueRecord(signal: 1, items: 1, slices: [ByteBlock([1, 2, 3]).slice])
        let refusal = log.append(record) { result in
            answer.withLock { $0 = result }
            latch.countDown()
        }
        if let refusal { return .failure(refusal) }
        latch.wait(untilMonotonic: monotonicNanoseconds() + 20_000_000_000)
        return answer.withLock { $0 } ?? .failure(.failed("no answer"))
    }
}

/// A folder before anything is done to it: two segments of six records each, and cursors.
private struct SegmentFiles {
    private(set) var names: [String] = []
    private(set) var whole: [[UInt8]] = []
    private let records: [[SegmentRecord]]
    let areReused: Bool

    init(areReused: Bool) {
        self.areReused = areReused
        let ids: [UInt64] = [1, 9]
        records = ids.map { id in
            (0..<6).map { index in
                SegmentRecord(sequence: id + UInt64(index), bytes: 1 + index * 23)
            }
        }
        for (id, records) in zip(ids, records) {
            let header = SegmentHeader(
                id: id, createdUnixNano: 1 << 60, salt: SegmentsTarget.salt, isReused: areReused)
            names.append(SegmentFormat.fileName(id))
            whole.append(header.begin + records.flatMap(\.bytes))
        }
        if areReused {
            let other = SegmentRecord(sequence: 40, bytes: 90, salt: 77).bytes
            for index in whole.indices { whole[index] += other[20...] + other }
        }
        names.append(CursorFile.name)
        let positions = [
            CursorFile.Position(name: "a", sequence: 3),
            CursorFile.Position(name: "c", sequence: 11),
        ]
        let place = CursorFile.encode(positions, 7)
        whole.append(place + [UInt8](repeating: 0, count: (16 << 10) - place.count) + place)
    }

    /// Records of which no byte was edited, in files whose header can be read.
    func checkUntouched(
        _ found: [[UInt64: [UInt8]]], _ files: [[UInt8]], hasPositions: Bool
    ) {
        for (file, records) in records.enumerated() {
            let bytes = files[file]
            let isReadable = [0, 48].contains { start in
                bytes.count >= start + 48
                    && bytes[start..<start + 48] == whole[file][start..<start + 48]
            }
            guard isReadable else { continue }
            var offset = SegmentFormat.start
            let isUntouched = records.map { record in
                let end = offset + record.bytes.count
                defer { offset = end }
                return bytes.count >= end && bytes[offset..<end] == whole[file][offset..<end]
            }
            for (index, record) in records.enumerated() where isUntouched[index] {
                // Without positions everything comes again; "b" is new, and gets what is new.
                if hasPositions, record.sequence < 3 { continue }
                promise(
                    found[0][record.sequence] == record.payload, "\(record.sequence) is not found")
            }
        }
    }
}

/// A record as it lies in a segment.
struct SegmentRecord {
    let sequence: UInt64
    let payload: [UInt8]
    let bytes: [UInt8]

    init(sequence: UInt64, bytes count: Int, salt: UInt64 = SegmentsTarget.salt) {
        self.sequence = sequence
        payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(sequence)) }
        let sum = SegmentRecord.sum(payload, seed: 0)
        let head = RecordHead(
            length: UInt32(count), sequence: sequence, timeUnixNano: 1 << 60, items: 2, signal: 0,
            payloadChecksum: sum)
        var bytes = [UInt8](repeating: 0, count: RecordHead.bytes)
        unsafe bytes.withUnsafeMutableBytes { target in
            unsafe head.write(to: target, salt: salt)
        }
        self.bytes = bytes + payload
    }

    static func sum(_ bytes: [UInt8], seed: UInt64) -> UInt64 {
        unsafe bytes.withUnsafeBytes { unsafe XXHash64.of($0, seed: seed) }
    }
}

/// Damage done to files, as an input says it.
struct SegmentEdits {
    private var reader: InputReader
    private let salt: UInt64
    /// A checksum was put right over changed bytes, or records were moved: nobody can tell that it
    /// is not what was written.
    private(set) var hasForged = false

    init(_ input: UnsafeRawBufferPointer, salt: UInt64) {
        reader = unsafe InputReader(input)
        self.salt = salt
    }

    mutating func apply(to files: inout [[UInt8]]) {
        var count = 0
        while !reader.isAtEnd, count < 40 {
            count += 1
            let kind = reader.byte()
            let file = Int(reader.byte()) % files.count
            let place = reader.number()
            let value = reader.number()
            edit(&files[file], kind % 10, place, value)
        }
    }

    private mutating func edit(_ bytes: inout [UInt8], _ kind: UInt8, _ place: Int, _ value: Int) {
        guard !bytes.isEmpty else { return }
        let place = place % bytes.count
        switch kind {
        case 0: bytes[place] ^= UInt8(truncatingIfNeeded: value | 1)
        case 1: bytes.removeLast(bytes.count - place)
        case 2:
            // As much as fills a block, or any number.
            let count = value % 2 == 0 ? value % 5_000 : (4_096 - bytes.count % 4_096) % 4_096
            bytes.append(contentsOf: repeatElement(0, count: count))
        case 3:
            for index in place..<min(bytes.count, place + value % 200) { bytes[index] = 0 }
        case 4: bytes += bytes[place..<min(bytes.count, place + value % 300)]
        case 5: bytes.insert(contentsOf: bytes[..<min(place, value % 64)], at: place)
        case 6: bytes.removeSubrange(place..<min(bytes.count, place + 1 + value % 100))
        case 7: seal(&bytes, place)
        case 9:
            // Sectors at the end that were never written.
            for index in place / 512 * 512..<bytes.count { bytes[index] = 0 }
        default:
            bytes[place] = UInt8(truncatingIfNeeded: value)
            seal(&bytes, place)
        }
        // A copy of a whole record is as good as one.
        if kind == 4 || kind == 5 { hasForged = true }
    }

    /// Puts the checksum right of whatever header, record head or cursor place has the byte.
    private mutating func seal(_ bytes: inout [UInt8], _ place: Int) {
        hasForged = true
        for start in stride(from: min(place, max(0, bytes.count - 48)), through: 0, by: -1) {
            if bytes[start...].starts(with: [0xD1, 0xA9, 0xC3, 0x5E]) {
                return put(&bytes, start + 40, start..<start + 40, seed: salt)
            }
            if bytes[start...].starts(with: Array("RostseG1".utf8)) {
                return put(&bytes, start + 40, start..<start + 40, seed: 0)
            }
            if bytes.count >= start + 16, bytes[start...].starts(with: Array("RostCur1".utf8)) {
                let length = (0..<4).reduce(0) { $0 | Int(bytes[start + 12 + $1]) << ($1 * 8) }
                guard length <= bytes.count - start else { return }
                return put(&bytes, start + length, start..<start + length, seed: 0)
            }
        }
    }

    private func put(_ bytes: inout [UInt8], _ place: Int, _ range: Range<Int>, seed: UInt64) {
        guard place + 8 <= bytes.count else { return }
        let sum = SegmentRecord.sum(Array(bytes[range]), seed: seed)
        for index in 0..<8 {
            bytes[place + index] = UInt8(truncatingIfNeeded: sum >> UInt64(index * 8))
        }
    }
}
