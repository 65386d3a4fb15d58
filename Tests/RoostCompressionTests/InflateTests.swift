import RoostCompression
import RoostCore
import Testing

@Suite struct InflateTests {
    private let budget = MemoryBudget(limitBytes: 64 << 20)
    private let text = Array(String(repeating: "span of an agent, ", count: 5_000).utf8)

    private func inflated(
        _ bytes: [UInt8], _ coding: ContentCoding, limit: Int = 1 << 20
    ) throws -> [UInt8] {
        let share = budget.share("test")
        return unsafe try bytes.withUnsafeBytes {
            unsafe try inflate($0, coding, limit: limit, share: share).array
        }
    }

    @Test(arguments: ContentCoding.allCases)
    func `gives back what was compressed, from one slice and from several`(
        _ coding: ContentCoding
    ) throws {
        let block = ByteBlock(text)
        let halves = [
            ByteSlice(block: block, offset: 0, count: 777),
            ByteSlice(block: block, offset: 777, count: text.count - 777),
        ]
        #expect(try inflated(compress([block.slice], coding).array, coding) == text)
        #expect(try inflated(compress(halves, coding).array, coding) == text)
        #expect(compress(halves, .gzip).count < text.count / 20)
    }

    @Test(arguments: [ContentCoding.gzip, .zstd])
    func `reads several members or frames as one body`(_ coding: ContentCoding) throws {
        let part = compress([ByteBlock(text).slice], coding).array
        #expect(try inflated(part + part, coding) == text + text)
    }

    @Test(arguments: ContentCoding.allCases)
    func `takes a body of exactly the limit and refuses one byte more`(
        _ coding: ContentCoding
    ) throws {
        let body = compress([ByteBlock(text).slice], coding).array
        #expect(try inflated(body, coding, limit: text.count) == text)
        #expect(throws: InflateError.tooLarge(limit: text.count - 1)) {
            try inflated(body, coding, limit: text.count - 1)
        }
    }

    @Test(arguments: [ContentCoding.gzip, .zstd])
    func `stops a bomb at the limit, whatever its size field says`(_ coding: ContentCoding) {
        let zeros = [UInt8](repeating: 0, count: 8 << 20)
        var bomb = compress([ByteBlock(zeros).slice], coding).array
        if coding == .gzip { bomb.replaceSubrange((bomb.count - 4)..., with: [1, 0, 0, 0]) }
        #expect(throws: InflateError.tooLarge(limit: 1 << 20)) { try inflated(bomb, coding) }
        #expect(budget.usedBytes == 0)
    }

    @Test(arguments: [ContentCoding.gzip, .zstd])
    func `names damaged and truncated bytes as corrupt`(_ coding: ContentCoding) {
        let good = compress([ByteBlock(text).slice], coding).array
        var damaged = good
        damaged[good.count / 2] ^= 0xFF
        var wrong = [Array(good.dropLast(9)), [1, 2, 3], good + [7]]
        // zstd is written without a checksum.
        if coding == .gzip { wrong.append(damaged) }
        for bytes in wrong {
            do {
                _ = try inflated(bytes, coding)
                Issue.record("inflated \(bytes.count) bytes")
            } catch {
                guard case InflateError.corrupt = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test(arguments: ContentCoding.allCases)
    func `refuses when the budget has no room`(_ coding: ContentCoding) {
        let share = MemoryBudget(limitBytes: 1_000).share("small")
        let body = compress([ByteBlock(text).slice], coding).array
        #expect(throws: InflateError.noMemory) {
            unsafe try body.withUnsafeBytes {
                unsafe try inflate($0, coding, limit: 1 << 20, share: share)
            }
        }
        #expect(share.usedBytes == 0)
    }

    @Test func `holds the reservation as long as the block`() throws {
        let share = budget.share("held")
        let body = compress([ByteBlock(text).slice], .gzip).array
        do {
            let block = unsafe try body.withUnsafeBytes {
                unsafe try inflate($0, .gzip, limit: 1 << 20, share: share)
            }
            #expect(share.usedBytes == text.count)
            #expect(block.count == text.count)
        }
        #expect(share.usedBytes == 0)
    }

    @Test(arguments: ContentCoding.allCases)
    func `compresses a page slice by slice`(_ coding: ContentCoding) throws {
        let compressor = StreamCompressor(coding)
        var output: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: 9_000) {
            compressor.compress(
                Array(text[start..<min(start + 9_000, text.count)]), finish: false, into: &output)
        }
        compressor.compress([], finish: true, into: &output)
        #expect(try inflated(output, coding) == text)
    }
}
