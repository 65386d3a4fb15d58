import Foundation
import RoostIngest
import Testing

@testable import RoostCollector

@Suite struct NamesFileTests {
    private func read(_ text: String) throws -> NameSource {
        try NamesFile.read(Array(text.utf8), name: "n.yaml", over: NamesFile.builtIn)
    }

    private func faults(_ text: String) -> [String] {
        do throws(ConfigErrors) {
            _ = try NamesFile.read(Array(text.utf8), name: "n.yaml", over: NamesFile.builtIn)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test func `the built-in tables have no fault`() throws {
        let source = try NamesFile.read(
            NameSource.builtInText, name: "names.yaml", over: NameSource())
        #expect(source == NamesFile.builtIn)
        // Some are told inside JSON alone.
        for concept in NameConcept.allCases where source.usageKeys[concept] == nil {
            #expect(source.attributes[concept]?.isEmpty == false, "\(concept.name)")
        }
        #expect(source.dialects.count >= 18)
    }

    @Test func `what is printed is a file that says the same`() throws {
        let text = NamesFile.text(NamesFile.builtIn)
        #expect(
            try NamesFile.read(Array(text.utf8), name: "n.yaml", over: NameSource())
                == NamesFile.builtIn)
    }

    @Test func `a user's names are believed first`() throws {
        let source = try read("attributes: { agent: [my.agent] }")
        #expect(source.attributes[.agent]?.first == "my.agent")
        #expect(source.attributes[.agent]?.contains("gen_ai.agent.name") == true)
    }

    @Test func `a list can begin anew`() throws {
        let source = try read("attributes: { agent: [my.agent] }\nreplace: [attributes.agent]")
        #expect(source.attributes[.agent] == ["my.agent"])
    }

    @Test func `a log event gets a new meaning`() throws {
        let source = try read("log_events: { codex.sse_event: { kind: other } }")
        #expect(source.logEvents["codex.sse_event"] == NameEvent(kind: .other))
        #expect(source.logEvents.count == NamesFile.builtIn.logEvents.count)
    }

    @Test func `a value of a kind gets a new meaning`() throws {
        let source = try read("kinds: { openinference.span.kind: { agent: [chain] } }")
        let kinds = source.kinds["openinference.span.kind"]
        #expect(kinds?[.agent]?.contains("chain") == true)
        #expect(kinds?[.other]?.contains("chain") == false)
    }

    @Test(arguments: [
        ("atributes: {}", "n.yaml:1:1: \"atributes\" is no section, did you mean attributes?"),
        (
            "attributes:\n  agnet: [a]",
            "n.yaml:2:3: \"agnet\" is no meaning, did you mean agent?"
        ),
        ("attributes:\n  agent: a", "n.yaml:2:10: this is a single value; write a list: [a, b]"),
        (
            "kinds: { x: { lm: [y] } }",
            "n.yaml:1:15: \"lm\" is no kind, did you mean llm?"
        ),
        ("log_events: { a: { status: error } }", "n.yaml:1:15: a: say its kind, as kind: llm"),
        (
            "log_events: { a: { kind: llm, phase: begun } }",
            "n.yaml:1:38: \"begun\" says nothing here; write pending"
        ),
        (
            "log_events:\n  a: { kind: llm, were: { b: [c] } }",
            "n.yaml:2:19: \"were\" is no key, did you mean where?"
        ),
    ])
    func `faults are told with their place`(_ text: String, _ message: String) {
        #expect(faults(text) == [message])
    }
}
