import RoostAnalytics
import RoostCore
import RoostWire

@testable import RoostCollector
@testable import RoostIngest

/// The tables that a user writes. The first byte says which: names, prices, rules for insights, a
/// pattern for redaction with a text to search.
final class TablesTarget: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        var reader = unsafe InputReader(input)
        switch reader.byte() % 4 {
        case 0: checkNames(reader.rest())
        case 1: checkPrices(reader.rest())
        case 2: checkInsights(reader.rest())
        default: checkPattern(reader.rest())
        }
    }

    private func checkNames(_ text: [UInt8]) {
        guard let source = try? NamesFile.read(text, name: "names", over: NameSource()) else {
            return
        }
        _ = NameTable(source)
        let printed = NamesFile.text(source)
        guard
            let again = try? NamesFile.read(Array(printed.utf8), name: "again", over: NameSource())
        else { fatalError("what is printed does not load:\n\(printed)") }
        promise(NamesFile.text(again) == printed, "it changes when it is printed:\n\(printed)")
        // The built-in table is long.
        guard text.count % 16 == 0 else { return }
        if let over = try? NamesFile.read(text, name: "names", over: NamesFile.builtIn) {
            _ = NameTable(over)
        }
    }

    private func checkPrices(_ text: [UInt8]) {
        let text = String(decoding: text, as: UTF8.self)
        guard let book = try? PriceBook(users: text) else { return }
        for word in text.split(whereSeparator: { " \t\n".contains($0) }).prefix(40) {
            let model = Array(word.utf8)[...]
            for time in [0, 1 << 60, UInt64.max] {
                let quote = book.quote(
                    model: model, provider: [], tier: .standard, inputTokens: 1 << 20,
                    unixNano: time)
                _ = quote.rates
            }
        }
    }

    private func checkInsights(_ text: [UInt8]) {
        guard let rules = try? InsightsFile.read(text, name: "insights") else { return }
        for rule in rules {
            guard (try? InsightRule(rule)) != nil else {
                fatalError("a rule that was found to be one is none")
            }
        }
    }

    /// The time of a search is bounded by what it is given, which the fuzzer's clock watches.
    private func checkPattern(_ bytes: [UInt8]) {
        let line = bytes.firstIndex(of: 0x0A) ?? bytes.endIndex
        guard
            let pattern = try? RedactionPattern(String(decoding: bytes[..<line], as: UTF8.self))
        else { return }
        var settings = RedactionSettings()
        settings.values = []
        settings.patterns = [.init(name: "p", expression: pattern, action: .replace)]
        let text = Array(bytes[line...].dropFirst())
        var writer = MessageWriter()
        writer.logRequest(body: text)
        let body = ByteBlock(writer.bytes)
        var before = Rejections()
        guard let items = try? countWellFormed(body, .logs, &before), before.isEmpty else { return }
        let share = MemoryBudget(limitBytes: 64 << 20).share("redaction")
        switch Redactor(settings).redact(body, signal: .logs, memory: share) {
        case .untouched, .noMemory: return
        case .redacted(let redacted, _):
            var after = Rejections()
            let left = try? countWellFormed(redacted, .logs, &after)
            promise(left == items && after.isEmpty, "redaction breaks the request")
        }
    }
}

/// Just enough of protobuf for a request with one log record.
private struct MessageWriter {
    private(set) var bytes: [UInt8] = []

    mutating func logRequest(body: [UInt8]) {
        let value = field(0x0A, body)
        let record = field(0x2A, value)
        bytes = field(0x0A, field(0x12, field(0x12, record)))
    }

    private func field(_ tag: UInt8, _ payload: [UInt8]) -> [UInt8] {
        var rest = payload.count
        var head = [tag]
        while rest >= 0x80 {
            head.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return head + [UInt8(rest)] + payload
    }
}
