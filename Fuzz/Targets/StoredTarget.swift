import RoostCore
import RoostIngest

@testable import RoostAnalytics
@testable import RoostCollector
@testable import RoostStore

/// What an earlier process left on the disk, damaged in any way. The first byte says which; where a
/// checksum guards the rest it is put right, so that damage gets past it.
final class StoredTarget: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        var reader = unsafe InputReader(input)
        let kind = reader.byte() % 8
        let bytes = reader.rest()
        switch kind {
        case 0: checkActivities(bytes)
        case 1: checkCosts(bytes)
        case 2: checkBudgets(bytes)
        case 3: checkBaselines(bytes)
        case 4: checkSummary(bytes)
        case 5: checkIndex(bytes)
        case 6: checkLetter(bytes)
        default: checkChunk(bytes)
        }
    }

    private func checkActivities(_ bytes: [UInt8]) {
        guard let batch = ActivityBatch(unpacking: bytes) else { return }
        guard let again = ActivityBatch(unpacking: batch.packed()) else {
            fatalError("packed again it cannot be unpacked")
        }
        promise(again.activities.count == batch.activities.count, "an activity is lost")
        guard let first = batch.activities.first else { return }
        let document = TraceDocument.make(
            activities: batch, traceIDHigh: first.traceIDHigh, traceIDLow: first.traceIDLow,
            prices: nil, most: 200)
        _ = TraceAnalysis(of: document)
    }

    private func checkCosts(_ bytes: [UInt8]) {
        let sealed = Self.sealed(Array("RoostCosts".utf8) + [1] + bytes)
        guard let costs = Costs(decoding: sealed) else { return }
        promise(Costs(decoding: costs.encoded()) != nil, "written again it cannot be read")
    }

    private func checkBudgets(_ bytes: [UInt8]) {
        let sealed = Self.sealed(Array("RoostBudgets".utf8) + [1] + bytes)
        guard let budgets = Budgets(decoding: sealed, rules: []) else { return }
        promise(Budgets(decoding: budgets.encoded(), rules: []) != nil, "it cannot be read again")
    }

    private func checkBaselines(_ bytes: [UInt8]) {
        let sealed = Self.sealed([0x52, 0x42, 0x4C, 1] + bytes)
        guard let baselines = Regressions(decoding: sealed) else { return }
        let written = baselines.encoded(Symbols())
        promise(Regressions(decoding: written) != nil, "written again it cannot be read")
    }

    /// With the FNV-1a sum behind, which all three have.
    private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        let sum = CostBytesReader.sum(bytes[...])
        return bytes + (0..<8).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 * 8)) }
    }

    private func checkSummary(_ bytes: [UInt8]) {
        let summary = unsafe bytes.withUnsafeBytes {
            unsafe SummaryCoding.decode($0, high: 1, low: 2)
        }
        let again = unsafe SummaryCoding.encode(summary).withUnsafeBytes {
            unsafe SummaryCoding.decode($0, high: 1, low: 2)
        }
        promise(again.end == summary.end && again.agents == summary.agents, "it changes")
        promise(
            again.services == summary.services || summary.service.isEmpty, "its services change")
        var writer = JSONWriter()
        summary.write(into: &writer)
        promise((try? JSONValue(parsing: writer.bytes)) != nil, "a summary that is no JSON")
    }

    private func checkIndex(_ bytes: [UInt8]) {
        let first = min(bytes.count, Int(bytes.first ?? 0) * 8)
        let second = min(bytes.count, first + Int(bytes.dropFirst().first ?? 0) * 24)
        unsafe bytes.withUnsafeBytes { all in
            let dictionary = unsafe UnsafeRawBufferPointer(rebasing: all[..<first])
            let fixed = unsafe UnsafeRawBufferPointer(rebasing: all[first..<second])
            let lists = unsafe UnsafeRawBufferPointer(rebasing: all[second...])
            for place in 0..<first / 8 {
                let term = unsafe Term(hash: IndexBlockReading.word(dictionary, place))
                _ = unsafe IndexBlockReading.find(term, in: dictionary)
                _ = unsafe IndexBlockReading.list(place, of: first / 8, in: lists)
            }
            guard fixed.count >= 24 else { return }
            let trace = unsafe Int(clamping: IndexBlockReading.word(fixed, 2))
            _ = unsafe IndexBlockReading.terms(
                of: trace, dictionary: dictionary, fixed: fixed, lists: lists)
        }
    }

    private func checkLetter(_ bytes: [UInt8]) {
        guard let letter = DeadLetter(json: bytes) else { return }
        let again = DeadLetter(json: letter.json(body: "a.otlp"))
        promise(again == letter, "written again it is another: \(again as Any)")
    }

    private func checkChunk(_ bytes: [UInt8]) {
        let block = unsafe bytes.withUnsafeBytes { unsafe unpackZstandard($0, most: 1 << 20) }
        promise(block?.count ?? 0 <= 1 << 20, "a chunk above the limit")
    }
}
