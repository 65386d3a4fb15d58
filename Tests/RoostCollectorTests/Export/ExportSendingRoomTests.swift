import Foundation
import RoostCompression
import RoostCore
import Testing

@testable import RoostCollector

@Suite struct ExportSendingRoomTests {
    private let budget = MemoryBudget(limitBytes: 64 << 20)

    private func made(for settings: [ExportSettings]) -> SendingRoom {
        let room = SendingRoom(budget.share("export"))
        suit(room, settings)
        return room
    }

    private func suit(_ room: SendingRoom, _ settings: [ExportSettings]) {
        room.suit { settings.enumerated().map { ($0.offset, $0.element) } }
    }

    private func taking(_ left: Int) -> MemoryReservation? {
        budget.share("requests").reserve(budget.limitBytes - budget.usedBytes - left)
    }

    @Test func `a request is paid for with what libcurl reads it into`() throws {
        let room = made(for: [settings()])
        let before = budget.usedBytes
        for (body, upload) in [(10, 16 << 10), (1 << 20, 1 << 20), (9 << 20, 2 << 20)] {
            let hold = try #require(room.hold(for: 0, bodyBytes: body))
            #expect(hold.uploadBytes == upload)
            #expect(budget.usedBytes == before + (160 << 10) + upload)
        }
        #expect(budget.usedBytes == before)
    }

    @Test func `with little room a request has little, and with none a few of each go`() throws {
        let room = made(for: [settings { $0.concurrency = 2 }, settings()])
        let most = taking(230 << 10)
        let small = try #require(room.hold(for: 0, bodyBytes: 9 << 20))
        #expect(small.uploadBytes == 64 << 10 && budget.usedBytes > 63 << 20)
        let used = budget.usedBytes
        var holds = (0..<4).compactMap { _ in room.hold(for: 0, bodyBytes: 9 << 20) }
        #expect(holds.count == 4 && room.hold(for: 0, bodyBytes: 9 << 20) == nil)
        #expect(room.hold(for: 1, bodyBytes: 1) != nil, "another destination has its own")
        #expect(budget.usedBytes == used)
        holds.removeLast()
        #expect(room.hold(for: 0, bodyBytes: 9 << 20) != nil)
        withExtendedLifetime((most, small)) {}
    }

    @Test
    func `of many destinations each has one request, and no more than a sixteenth goes to more`() {
        let many = (0..<40).map { number in settings { $0.name = "\(number)" } }
        let room = made(for: many)
        #expect(budget.usedBytes == SendingRoom.leastBytes(many))
        let most = taking(0)
        for index in many.indices {
            let hold = room.hold(for: index, bodyBytes: 1000)
            #expect(hold != nil && room.hold(for: index, bodyBytes: 1000) == nil)
        }
        suit(room, [])
        withExtendedLifetime(most) {}
    }

    @Test func `what there was no room for is taken when it is given back, and not used before`() {
        let slot = (160 << 10) + (64 << 10)
        let room = made(for: [settings()])
        var most = taking(2 * slot)
        var left = budget.share("left").reserve(2 * slot)
        let many = (0..<12).map { _ in settings { $0.concurrency = 1 } }
        suit(room, many)
        let held = budget.usage[0].bytes
        #expect(budget.usedBytes == budget.limitBytes && held < SendingRoom.leastBytes(many))
        var holds = many.indices.map { room.hold(for: $0, bodyBytes: 1) }
        #expect(holds.count { $0 != nil } == held / slot, "no more than are paid for")
        #expect(budget.usedBytes == budget.limitBytes)
        #expect(most != nil && left != nil)
        left = nil
        holds = []
        #expect(budget.usage[0].bytes >= min(SendingRoom.leastBytes(many), held + 2 * slot))
        most = nil
        #expect(budget.usage[0].bytes >= SendingRoom.leastBytes(many))
    }

    @Test func `where a packer is not paid for, requests go without`() throws {
        let room = made(for: [settings()])
        let most = taking(0)
        suit(room, [settings { $0.compression = .gzip }])
        let hold = try #require(room.packingSlot(of: 0))
        #expect(!hold.packs && budget.usedBytes == budget.limitBytes)
        withExtendedLifetime((most, hold)) {}
    }

    @Test func `a request has what pays for it until it ends, though its destination is gone`() {
        let room = made(for: [settings(), settings()])
        let most = taking(0)
        let before = budget.usage[0].bytes
        var hold = room.hold(for: 1, bodyBytes: 1)
        suit(room, [])
        #expect(hold != nil && budget.usage[0].bytes == (160 << 10) + (64 << 10))
        #expect(before > budget.usage[0].bytes && room.hold(for: 1, bodyBytes: 1 << 30) != nil)
        hold = nil
        #expect(budget.usage[0].bytes == 0)
        withExtendedLifetime(most) {}
    }

    @Test(arguments: [ContentCoding.gzip, .zstd])
    func `a compressed body is paid for, and made small where there is no room`(
        coding: ContentCoding
    ) throws {
        let room = made(for: [settings { $0.compression = .gzip }])
        let before = budget.usedBytes
        let text = [UInt8](repeating: 7, count: 300_000)
        let noise = (0..<300_000).map { _ in UInt8.random(in: 0...255) }
        let slices = [ByteBlock(text).slice, ByteBlock(text).slice]
        let packed = try #require(room.pack(slices, coding))
        #expect(packed.reservedBytes == packed.count && packed.count < 10_000)
        #expect(budget.usedBytes == before + packed.count)
        #expect(try plain(packed, coding) == text + text)

        let most = taking(0)
        #expect(room.pack(slices, coding) == nil)
        let tight = try #require(room.packTightly(slices, coding))
        #expect(try plain(tight, coding) == text + text)
        #expect(room.packTightly([ByteBlock(noise).slice], coding) == nil)
        #expect(budget.usedBytes == budget.limitBytes)
        withExtendedLifetime(most) {}
    }

    private func plain(_ block: ByteBlock, _ coding: ContentCoding) throws -> [UInt8] {
        let share = MemoryBudget(limitBytes: 1 << 30).share("test")
        return unsafe try block.withBytes {
            unsafe try inflate($0, coding, limit: 1 << 20, share: share)
        }.array
    }
}
