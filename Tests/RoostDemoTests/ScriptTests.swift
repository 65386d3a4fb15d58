import Testing

@testable import RoostDemo

/// Two hundred workflows of one seed, made once.
private let scripts = (0..<200).map { Script.make(seed: 42, number: UInt64($0)) }
private let allSpans = scripts.flatMap(\.spans)

@Suite struct ScriptTests {
    @Test func `is the same for the same seed and number`() {
        #expect(Script.make(seed: 7, number: 3) == Script.make(seed: 7, number: 3))
        #expect(Script.make(seed: 7, number: 3) != Script.make(seed: 8, number: 3))
        #expect(Script.make(seed: 7, number: 3) != Script.make(seed: 7, number: 4))
    }

    @Test func `stays what it was in earlier releases`() {
        // A dashboard screenshot or a bug report names a seed: the same seed must go on meaning
        // the same fleet, or this line says that it does not.
        let script = Script.make(seed: 1, number: 0)
        #expect(script.workflow == expectedFirst.workflow)
        #expect(script.spans.count == expectedFirst.spans)
    }

    @Test func `has one root, and every child inside its parent`() {
        for script in scripts {
            let byID = Dictionary(uniqueKeysWithValues: script.spans.map { ($0.id, $0) })
            #expect(script.spans.count { $0.parent == 0 } == 1)
            for span in script.spans where span.parent != 0 {
                guard let parent = byID[span.parent] else {
                    Issue.record("\(span.name) has no parent")
                    continue
                }
                #expect(
                    parent.start <= span.start && span.end <= parent.end,
                    "\(span.name) \(span.start)-\(span.end) in \(parent.name) \(parent.start)-\(parent.end)"
                )
                #expect(span.parentIsRemote == (span.process != parent.process))
            }
        }
    }

    @Test func `keeps events and logs inside their spans`() {
        for script in scripts {
            let byID = Dictionary(uniqueKeysWithValues: script.spans.map { ($0.id, $0) })
            for span in script.spans {
                #expect(span.events.allSatisfy { span.start <= $0.time && $0.time <= span.end })
                #expect(span.links.allSatisfy { byID[$0] != nil })
            }
            for log in script.logs {
                guard let span = byID[log.span] else {
                    Issue.record("a log of no span: \(log.body)")
                    continue
                }
                #expect(span.process == log.process)
                #expect(span.start <= log.time && log.time <= span.end)
            }
        }
    }

    @Test func `measures only what has a span in the same process`() {
        for script in scripts {
            let byID = Dictionary(uniqueKeysWithValues: script.spans.map { ($0.id, $0) })
            for measurement in script.measurements {
                #expect(byID[measurement.span]?.process == measurement.process)
                #expect(measurement.time <= script.duration)
            }
        }
    }

    @Test func `fails as often as fleets do`() {
        let roots = allSpans.filter { $0.account == .workflow }
        #expect(0.02...0.25 ~= share(of: roots) { $0.status.isError })
        let calls = allSpans.filter { $0.name.hasPrefix("chat ") }
        #expect(0.002...0.06 ~= share(of: calls) { $0.status.isError })
        let tools = allSpans.filter { $0.name.hasPrefix("execute_tool ") }
        #expect(0.03...0.15 ~= share(of: tools) { $0.status.isError })
        let retried = calls.filter {
            if case .modelCall(_, let retries) = $0.account { retries > 0 } else { false }
        }
        #expect(0.02...0.2 ~= Double(retried.count) / Double(calls.count))
    }

    @Test func `names the cause of every failure`() {
        for span in allSpans where span.status.isError {
            #expect(span.attributes[Key.errorType] != nil, "\(span.name)")
        }
    }

    @Test func `adds up: the model calls make the agents' sums`() {
        for script in scripts {
            let byID = Dictionary(uniqueKeysWithValues: script.spans.map { ($0.id, $0) })
            var sums: [UInt64: Int64] = [:]
            for span in script.spans {
                guard case .modelCall(let bill, _) = span.account, byID[span.parent] != nil else {
                    continue
                }
                sums[span.parent, default: 0] += Int64(bill.usage.allInput)
            }
            for agent in script.spans where agent.account == .agent {
                #expect(agent.attributes[Key.inputTokens] == .int(sums[agent.id] ?? 0))
            }
        }
    }

    @Test func `bills every token once`() {
        for span in allSpans {
            guard case .modelCall(let bill, _) = span.account, !span.status.isError else {
                continue
            }
            let usage = bill.usage
            #expect(usage.input >= 0 && usage.reasoning >= 0 && usage.output > 0)
            #expect(span.attributes[Key.inputTokens] == .int(usage.allInput))
            #expect(span.attributes[Key.outputTokens] == .int(usage.allOutput))
            if let dollars = bill.dollars { #expect(dollars > 0 && dollars < 20) }
        }
    }

    @Test func `works side by side as well as in turn`() {
        let researchers = scripts.map { script in
            script.spans.filter { $0.account == .agent && $0.name == "invoke_agent researcher" }
        }
        #expect(researchers.contains { overlaps($0) })
        let tools = scripts.flatMap { script in
            Dictionary(grouping: script.spans.filter { $0.name.hasPrefix("execute_tool") }) {
                $0.parent
            }.values
        }
        #expect(tools.contains { overlaps($0) })
        #expect(tools.contains { $0.count > 1 && !overlaps($0) })
    }

    @Test func `has slow outliers and a human wait`() {
        let chats = allSpans.filter { $0.name.hasPrefix("chat ") }.map { $0.end - $0.start }
            .sorted()
        #expect(chats[chats.count * 995 / 1000] > 3 * chats[chats.count / 2])
        #expect(allSpans.contains { $0.name == "wait_for_approval" })
    }

    private func share<Element>(
        of elements: [Element], _ isOne: (Element) -> Bool
    ) -> Double { Double(elements.count(where: isOne)) / Double(elements.count) }

    private func overlaps(_ spans: [FleetSpan]) -> Bool {
        let ordered = spans.sorted { $0.start < $1.start }
        return zip(ordered, ordered.dropFirst()).contains { $0.end > $1.start }
    }
}

private let expectedFirst = (workflow: "bug_triage", spans: 116)
