import RoostCore
import RoostWire
import Testing

@testable import RoostAnalytics

/// What is written of a trace is paid for, whatever its bytes become.
@Suite struct TraceWeightTests {
    private let budget = MemoryBudget(limitBytes: 8 << 20)
    /// Of 512 KiB that are set aside and 1,536 more.
    private let room: AnswerRoom

    init() { room = AnswerRoom(budget: budget) }

    private static func chunk(_ span: (inout MessageWriter) -> Void) -> ByteBlock {
        var writer = MessageWriter()
        writer.message(1) { entry in
            entry.message(2) { scope in
                scope.message(2) { message in
                    message.bigEndian(1, TestTrace.high, TestTrace.low)
                    message.bigEndian(2, 1)
                    message.string(5, "work")
                    message.fixed64(7, TestTrace.time(0))
                    message.fixed64(8, TestTrace.time(1))
                    span(&message)
                }
            }
        }
        return ByteBlock(writer.bytes)
    }

    private static func events(_ count: Int) -> ByteBlock {
        chunk { span in for _ in 0..<count { span.message(11) { _ in } } }
    }

    /// Every form of a file, and the one with all that is known, which is nil.
    private static let forms = TraceExportFormat.allCases.map { Optional($0) } + [nil]

    private func write(
        _ chunk: ByteBlock, as form: TraceExportFormat?, into writer: inout JSONWriter
    ) {
        if let form {
            return TraceExport.write(
                form, chunks: [chunk], traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low,
                into: &writer)
        }
        let document = TraceDocument.make(
            chunks: [chunk], traceIDHigh: TestTrace.high, traceIDLow: TestTrace.low,
            names: TestTrace.names, prices: nil)
        TraceDetail.write(chunks: [chunk], document: document, into: &writer)
    }

    @Test func `many empty events are paid for in every form`() throws {
        for form in Self.forms {
            let lease = try #require(room.lease(1))
            var paid = JSONWriter(paidBy: lease)
            var plain = JSONWriter()
            write(Self.events(10_000), as: form, into: &paid)
            write(Self.events(10_000), as: form, into: &plain)
            #expect(!paid.isCut && paid.bytes == plain.bytes)
            #expect(lease.usedBytes >= plain.bytes.count)
        }
    }

    @Test func `more of them than there is memory for are not written`() throws {
        let values = Self.chunk { span in
            span.message(9) { pair in
                pair.string(1, "list")
                pair.message(2) { value in
                    value.message(5) { list in
                        for _ in 0..<600_000 { list.message(1) { _ in } }
                    }
                }
            }
        }
        for chunk in [Self.events(60_000), values] {
            // To OTLP an empty event is little more than it was.
            for form in Self.forms where form != .otlp || chunk === values {
                let lease = try #require(room.lease(1))
                var paid = JSONWriter(paidBy: lease)
                write(chunk, as: form, into: &paid)
                #expect(paid.isCut)
                #expect(budget.usedBytes <= 2 << 20 && paid.count <= 2 << 20)
            }
        }
    }

    @Test func `small spans weigh what is known of each`() {
        let spans = (1...1_000).map { TestSpan($0, "a", 0, 1) }
        let weight = TraceWeight([TestTrace.chunk(spans)])
        #expect(weight.making(most: 10) > 1_000 * 400)
        #expect(weight.making(most: 1_000) > weight.making(most: 10) + 990 * 300)
        #expect(weight.analysing(most: 1_000) == 1_000 << 10)
    }

    @Test func `a set of the keys of one span has its weight`() {
        let few = TraceWeight([TestTrace.chunk([TestSpan(1, "a", 0, 1)])])
        let many = TraceWeight([
            TestTrace.chunk([TestSpan(1, "a", 0, 1, (0..<1_000).map { ("k\($0)", "") })])
        ])
        #expect(many.writing - few.writing > 64_000)
    }
}
