import RoostAnalytics
import RoostCore
import Testing

@testable import RoostStore

@Suite struct ListedNameTests {
    static let names = [
        "a\u{0}b\n", "\u{0}", "\u{1}\u{7F}\t", " lead trail ", "a/b?c=d&e#f", "😀",
        String(repeating: "s", count: 300), String(repeating: "ж", count: 200),
        String(repeating: "s", count: 511) + "ж…", String(repeating: "😀", count: 5_000),
        "é", "e\u{301}", "unknown_service", "",
    ]

    /// A trace of two spans for each name, which is that of its service and of its spans.
    private func harness() throws -> StoreHarness {
        // Summaries have names of at most 256 bytes.
        let harness = try StoreHarness(understanding: ShortNames())
        for (number, name) in Self.names.enumerated() {
            harness.put([
                TestSpan(
                    trace: UInt64(number + 1), name: name, service: name, duration: 7,
                    attributes: [("number", "\(number)")])
            ])
        }
        harness.store.flush()
        return harness
    }

    @Test func `every service that is listed is found, and everyone is listed`() throws {
        let harness = try harness()
        let services = try harness.store.services()
        // The last two of the names are one.
        #expect(services.count == Self.names.count - 1)
        #expect(services.allSatisfy { $0.utf8.count <= 512 })
        var seen: [UInt64] = []
        for service in services {
            let found = try harness.ids { $0.service = service }
            let bySpans = try harness.ids {
                $0.service = service
                $0.span.maxDuration = 7
            }
            #expect(found.count == (service == "unknown_service" ? 2 : 1), "\(service)")
            #expect(found == bySpans, "\(service)")
            seen += found
        }
        #expect(seen.sorted() == Array(1...UInt64(Self.names.count)))
    }

    @Test func `every operation that is listed is found`() throws {
        let harness = try harness()
        for service in try harness.store.services() {
            let operations = try harness.store.operations(service: service)
            #expect(operations.count == (service == "unknown_service" ? 2 : 1), "\(service)")
            for operation in operations {
                let found = try harness.ids {
                    $0.service = service
                    $0.span.operation = operation.name
                }
                let bySpans = try harness.ids {
                    $0.service = service
                    $0.span.operation = operation.name
                    $0.span.minDuration = 7
                }
                #expect(found.count == 1, "\(operation.name)")
                #expect(found == bySpans, "\(operation.name)")
            }
        }
    }

    @Test func `a name is found as it is in summaries, and whole`() throws {
        let harness = try harness()
        for name in Self.names where name.utf8.count > 256 {
            let wanted = try harness.ids { $0.service = ListedName.cut(name) }
            #expect(wanted.count == 1)
            #expect(try harness.ids { $0.service = name } == wanted)
            // Others may begin with the same.
            let short = try harness.ids { $0.service = ListedName.cut(name, to: 256) }
            #expect(Set(short).isSuperset(of: wanted))
        }
    }

    @Test func `names are cut between two characters`() {
        #expect(ListedName.cut("aжж", to: 3) == "aж")
        #expect(ListedName.cut("aжж", to: 4) == "aж")
        #expect(ListedName.cut("aжж", to: 5) == "aжж")
    }
}

/// As the reader of agents has names.
private struct ShortNames: TraceUnderstanding {
    func understand(
        traceIDHigh: UInt64, traceIDLow: UInt64, spans: [ByteBlock], logs: [ByteBlock],
        activities: [[UInt8]]
    ) -> UnderstoodTrace {
        var trace = TestUnderstanding().understand(
            traceIDHigh: traceIDHigh, traceIDLow: traceIDLow, spans: spans, logs: logs,
            activities: activities)
        trace.summary.service = ListedName.cut(trace.summary.service, to: 256)
        trace.summary.services = trace.summary.services.map { ListedName.cut($0, to: 256) }
        return trace
    }
}
