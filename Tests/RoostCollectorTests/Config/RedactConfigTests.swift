import RoostIngest
import Testing

@testable import RoostCollector

@Suite struct RedactConfigTests {
    @Test func `the defaults are API keys and private keys`() {
        #expect(Config().agents.redact.values == [.apiKey, .privateKey])
        #expect(!Config().agents.redact.content)
    }

    @Test func `no content at all is one line`() throws {
        let config = try loadConfig("agents: { redact: { content: true } }").config
        #expect(config.agents.redact.content)
    }

    @Test func `reads everything there is`() throws {
        let text = """
            agents:
              redact:
                keys: [password, "user.*"]
                values: [email, api_key, card, private_key]
                patterns:
                  - { name: employee, pattern: 'EMP-\\d{6}', action: drop }
                action: hash
                hash_key: s3cret
            """
        let redact = try loadConfig(text).config.agents.redact
        #expect(redact.keys == ["password", "user.*"])
        #expect(redact.values == [.email, .apiKey, .card, .privateKey])
        #expect(redact.patterns.map(\.name) == ["employee"])
        #expect(redact.patterns.map(\.action) == [.drop])
        #expect(redact.action == .hash)
        #expect(redact.hashKey == "s3cret")
    }

    @Test func `the key of hashes is shown nowhere`() throws {
        let config = try loadConfig("agents: { redact: { hash_key: s3cret } }").config
        #expect(!config.yaml().contains("s3cret"))
    }

    @Test(arguments: [
        ("agents: { redact: { values: [apikey] } }", "f.yaml:1:30", "did you mean api_key?"),
        (
            "agents: { redact: { patterns: [{ name: a, pattern: 'x(' }] } }", "f.yaml:1:52",
            "( without its ) (at its character 2)"
        ),
        (
            "agents: { redact: { patterns: [{ name: email, pattern: x }] } }", "f.yaml:1:40",
            "is the name of a rule that Roost has itself"
        ),
        ("agents: { redact: { patterns: [{ name: a }] } }", "f.yaml:1:32", "pattern: is missing"),
        ("agents: { redact: { patterns: [{ pattern: a }] } }", "f.yaml:1:32", "name: is missing"),
        ("agents: { redact: { action: hide } }", "f.yaml:1:29", "is no action"),
        ("agents: { redact: { contents: true } }", "f.yaml:1:21", "did you mean content?"),
    ])
    func `a fault says where and what`(_ text: String, _ place: String, _ what: String) {
        let faults = configFaults(text)
        #expect(faults.count == 1)
        #expect(faults.first?.hasPrefix(place + ": ") == true)
        #expect(faults.first?.contains(what) == true)
    }
}
