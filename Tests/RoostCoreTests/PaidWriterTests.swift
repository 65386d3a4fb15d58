import RoostCore
import Testing

@Suite struct PaidWriterTests {
    private let budget = MemoryBudget(limitBytes: 16 << 20)
    /// Of 1 MiB that is set aside and 3 more.
    private let room: AnswerRoom

    init() { room = AnswerRoom(budget: budget) }

    private func lease() throws -> AnswerRoom.Lease { try #require(room.lease(1)) }

    /// Texts of many lengths, some with escapes.
    private func write(_ count: Int, into writer: inout JSONWriter) {
        writer.array("texts") { writer in
            for number in 0..<count {
                writer.value(String(repeating: number % 3 == 0 ? "x" : "\"\u{1}", count: number))
                writer.value(number)
                writer.object("inside") { $0.field("flag", true) }
            }
        }
    }

    @Test func `a document that is paid for is the same as another`() throws {
        let lease = try lease()
        var plain = JSONWriter()
        var paid = JSONWriter(paidBy: lease)
        write(700, into: &plain)
        write(700, into: &paid)
        #expect(paid.pieces.count > 3 && !paid.isCut)
        #expect(paid.bytes == plain.bytes && paid.count == plain.bytes.count)
        #expect(lease.usedBytes >= paid.count && lease.usedBytes < paid.count * 2)
        #expect(budget.usedBytes >= paid.count)
        paid.discard()
        #expect(lease.usedBytes == 0)
    }

    @Test(arguments: [1, 200, 5_000, 400_000])
    func `one text of any length is one piece of it`(length: Int) throws {
        var plain = JSONWriter()
        var paid = JSONWriter(paidBy: try lease())
        for text in [String(repeating: "x", count: length), String(repeating: "\n", count: length)]
        {
            plain.value(text)
            paid.value(text)
        }
        #expect(paid.bytes == plain.bytes)
    }

    @Test func `what has no room is cut, and takes no more than there is`() throws {
        let lease = try lease()
        var paid = JSONWriter(paidBy: lease)
        write(3_000, into: &paid)
        #expect(paid.isCut && !lease.mayComeTrue)
        #expect(lease.usedBytes <= room.mostBytes && budget.usedBytes <= 4 << 20)
        #expect(paid.count <= lease.usedBytes + 8 << 10)
    }

    @Test func `a part that was cut is taken back`() throws {
        let lease = try lease()
        var paid = JSONWriter(paidBy: lease)
        paid.beginArray()
        write(100, into: &paid)
        let (mark, whole, used) = (paid.mark, paid.bytes, lease.usedBytes)
        write(3_000, into: &paid)
        #expect(paid.isCut)
        paid.goBack(to: mark)
        #expect(!paid.isCut && paid.bytes == whole && lease.usedBytes == used)
        write(50, into: &paid)
        var plain = JSONWriter()
        plain.beginArray()
        write(100, into: &plain)
        write(50, into: &plain)
        #expect(paid.bytes == plain.bytes)
    }

    @Test func `a text may be JSON itself, and nothing of it stays leased`() throws {
        let lease = try lease()
        var paid = JSONWriter(paidBy: lease)
        var part = JSONWriter()
        write(400, into: &part)
        paid.text { write(400, into: &$0) }
        var plain = JSONWriter()
        plain.value(String(decoding: part.bytes, as: UTF8.self))
        #expect(paid.bytes == plain.bytes)
        #expect(lease.usedBytes < paid.count * 2)
    }

    @Test func `what is kept beside a document is paid for with it`() throws {
        let lease = try lease()
        var paid = JSONWriter(paidBy: lease)
        paid.pay(for: 1 << 20)
        #expect(lease.usedBytes == 1 << 20 && !paid.isCut)
        paid.pay(for: 3 << 20)
        #expect(lease.usedBytes == 1 << 20 && paid.isCut)
    }
}
