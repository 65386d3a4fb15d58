import Foundation
import RoostCore
import Testing

@testable import RoostQueue

/// Segments that are written past the page cache, in whole blocks.
@Suite struct DirectWriteTests {
    private func settings(_ fixture: QueueFixture, direct: Bool = true) -> SegmentLogSettings {
        var settings = fixture.settings
        settings.limitBytes = 64 << 20
        settings.segmentBytes = 8 << 20
        settings.passesPageCache = direct
        return settings
    }

    /// Whether the file system of `fixture` offers it.
    private func isOffered(_ fixture: QueueFixture) throws -> Bool {
        defer { try? FileManager.default.removeItem(atPath: fixture.file("try")) }
        return try QueueFile(fixture.file("try"), .create).setDirect(true)
    }

    /// Quickly made, since some are long.
    private func long(_ number: Int, bytes: Int) -> [UInt8] {
        let part = payload(number, bytes: 509)
        var all: [UInt8] = []
        while all.count < bytes { all += part }
        return Array(all.prefix(bytes))
    }

    /// The same as a payload in three slices, none of which is aligned.
    private func pieces(_ number: Int, bytes: Int) -> QueueRecord {
        let whole = ByteBlock(long(number, bytes: bytes))
        let (first, second) = (bytes / 3, bytes / 2)
        return QueueRecord(
            signal: 0, items: 1,
            slices: [0..<first, first..<second, second..<bytes].map {
                ByteSlice(block: whole, offset: $0.lowerBound, count: $0.count)
            })
    }

    /// Past the page cache with so much memory, or in the usual way with none.
    @Test(arguments: [true, false], [0, 1, 100_000, WriteBuffer.hugePage])
    func `keeps records of any length, and the file ends where the last one does`(
        _ onDisk: Bool, _ writeBytes: Int
    ) throws {
        let fixture = try QueueFixture(onDisk: onDisk)
        let isPadded = try writeBytes > 0 && isOffered(fixture)
        var settings = settings(fixture, direct: writeBytes > 0)
        settings.writeBytes = writeBytes
        let log = try SegmentLog.open(settings)
        let cursor = try #require(log.cursor("a"))
        let capacity = WriteBuffer(bytes: writeBytes).capacity
        let lengths = [
            8, 4096 - 96 - 48, 4000, 4048, 100_000, capacity - 100, capacity + 1,
            2 * capacity + 77, 9, 700,
        ]
        for (number, bytes) in lengths.enumerated() {
            _ = try log.keep(pieces(number, bytes: bytes)).get()
            let size = try fixture.bytes(try #require(fixture.segments.last)).count
            #expect(size % WriteBuffer.block == 0 || !isPadded)
            // From the disk, while the last block will be written again.
            let read = try log.readAll(cursor, maxBytes: 1 << 20).records
            #expect(read.map { $0.slices.flatMap(\.array) } == [long(number, bytes: bytes)])
        }
        log.close()
        let sizes = try fixture.segments.map { try fixture.bytes($0).count }
        let whole = lengths.reduce(0) { $0 + $1 + RecordHead.bytes }
        #expect(sizes.reduce(0, +) == whole + sizes.count * SegmentFormat.start)
        let again = try SegmentLog.open(self.settings(fixture))
        defer { again.close() }
        #expect(again.recovery.tornBytes == 0 && again.recovery.damagedPlaces == 0)
        let records = try again.readAll(try #require(again.cursor("a")), maxBytes: 1 << 20).records
        #expect(
            records.map { $0.slices.flatMap(\.array) }
                == lengths.enumerated().map {
                    long($0, bytes: $1)
                })
    }

    @Test func `commits what several threads append and read, on the disk`() throws {
        let fixture = try QueueFixture(onDisk: true)
        var settings = settings(fixture)
        settings.segmentBytes = 200_000
        let log = try SegmentLog.open(settings)
        defer { log.close() }
        let count = 600
        let threads = (0..<4).compactMap { thread in
            NamedThread("appender") {
                for index in 0..<count / 4 {
                    let number = thread * 1000 + index
                    guard case .success = log.keep(pieces(number, bytes: 8 + number * 7)) else {
                        Issue.record("\(number) was refused")
                        return
                    }
                }
            }
        }
        let cursor = try #require(log.cursor("a"))
        var found: [Int] = []
        while found.count < count {
            let batch = try log.next(cursor, maxBytes: 50_000)
            #expect(batch.lost.isEmpty)
            for record in batch.records {
                let number = number(of: record)
                #expect(
                    record.slices.flatMap(\.array) == long(number, bytes: 8 + number * 7))
                found.append(number)
            }
            log.release(cursor, batch.records.map(\.sequence))
        }
        for thread in threads { thread.join() }
        #expect(Set(found).count == count)
    }

    /// A segment as the program leaves it when it is killed, its last block filled with zeros.
    private func killed(_ count: Int, bytes: Int) throws -> (name: String, bytes: [UInt8])? {
        let fixture = try QueueFixture()
        guard try isOffered(fixture) else { return nil }
        let log = try SegmentLog.open(settings(fixture))
        defer { log.close() }
        for index in 0..<count { _ = try log.keep(record(index, bytes: bytes)).get() }
        return (fixture.segments[0], try fixture.bytes(fixture.segments[0]))
    }

    private func open(
        _ name: String, _ bytes: [UInt8]
    ) throws -> (numbers: [Int], recovery: QueueRecovery) {
        let fixture = try QueueFixture()
        try fixture.write(name, bytes)
        try fixture.write(
            CursorFile.name, CursorFile.encode([.init(name: "a", sequence: 1)], 1))
        let log = try SegmentLog.open(settings(fixture))
        defer { log.close() }
        // The next one goes into a file of its own, and nothing is in its way.
        _ = try log.keep(record(99)).get()
        let records = try log.readAll(try #require(log.cursor("a"))).records
        #expect(records.last.map(number) == 99)
        for record in records.dropLast() {
            #expect(
                record.slices.flatMap(\.array)
                    == payload(number(of: record), bytes: record.bytes))
        }
        return (records.dropLast().map(number), log.recovery)
    }

    @Test func `takes the zeros that fill the last block for nothing`() throws {
        for bytes in [8, 700, 3952, 4048] {
            guard let (name, file) = try killed(3, bytes: bytes) else { return }
            let (numbers, recovery) = try open(name, file)
            #expect(numbers == [0, 1, 2])
            #expect(recovery.tornBytes == 0 && recovery.damagedPlaces == 0)
        }
    }

    @Test(arguments: [600, 2900])
    func `opens a last block of which the disk has written a part`(_ bytes: Int) throws {
        guard let (name, file) = try killed(4, bytes: bytes) else { return }
        let end = SegmentFormat.start + 4 * (RecordHead.bytes + bytes)
        let last = end - RecordHead.bytes - bytes
        #expect(file.count > end && file.count % WriteBuffer.block == 0)
        let places = bytes < 1000 ? Array(last..<end) : (last..<end).filter { $0 % 512 < 2 }
        for cut in places {
            let zeros = [UInt8](repeating: 0, count: file.count - cut)
            let (numbers, recovery) = try open(name, file[..<cut] + zeros)
            #expect(numbers == [0, 1, 2], "cut at \(cut)")
            // A disk writes whole sectors. That of the end may hold too little to tell.
            guard cut % 512 == 0, end - cut >= 16 else { continue }
            #expect(recovery.damagedPlaces == 0, "cut at \(cut)")
            #expect(recovery.tornBytes == (cut == last ? 0 : file.count - last) || cut == last)
        }
    }

    @Test func `sets aside what is damaged in the last record and behind it`() throws {
        guard let (name, file) = try killed(3, bytes: 1000) else { return }
        let end = SegmentFormat.start + 3 * (RecordHead.bytes + 1000)
        for place in [end - 1040, end - 600, end - 1] {
            var damaged = file
            damaged[place] ^= 4
            let (numbers, recovery) = try open(name, damaged)
            #expect(numbers == [0, 1] && recovery.damagedPlaces == 1)
        }
        var damaged = file
        damaged[end + 300] ^= 4
        let (numbers, recovery) = try open(name, damaged)
        #expect(numbers == [0, 1, 2] && recovery.damagedPlaces == 1)
    }

    @Test func `deletes large segments beside the commit thread, and all before it ends`() throws {
        let fixture = try QueueFixture()
        var settings = settings(fixture)
        settings.segmentBytes = 1 << 20
        let log = try SegmentLog.open(settings)
        let cursor = try #require(log.cursor("a"))
        for round in 0..<3 {
            for index in 0..<12 {
                _ = try log.keep(pieces(round * 12 + index, bytes: 400_000)).get()
            }
            let read = try log.readAll(cursor, maxBytes: 1 << 20).records
            #expect(read.count == 12)
            log.release(cursor, read.map(\.sequence))
        }
        #expect(log.settle { _ in fixture.segments.count <= 1 })
        for index in 0..<12 { _ = try log.keep(pieces(index, bytes: 400_000)).get() }
        _ = try log.readAll(cursor, maxBytes: 1 << 20)
        log.release(cursor, through: .max)
        log.close()
        #expect(fixture.segments.count <= 1)
    }

    @Test func `waits until everything is deleted, and tells what is not`() throws {
        let fixture = try QueueFixture()
        let remover = try #require(FileRemover(folder: fixture.path))
        #expect(!remover.finish())
        for id in 1...50 as ClosedRange<UInt64> {
            try fixture.write(SegmentFormat.fileName(id), [1])
        }
        // A folder is no file, and stays.
        try FileManager.default.createDirectory(
            atPath: fixture.file(SegmentFormat.fileName(51)), withIntermediateDirectories: false)
        remover.remove(Array(1...51))
        _ = remover.finish()
        #expect(fixture.segments == [SegmentFormat.fileName(51)])
        #expect(remover.takeRefused() == [51] && remover.takeRefused().isEmpty)
        remover.stop()
    }
}
