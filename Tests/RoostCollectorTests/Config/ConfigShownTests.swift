import Testing

@testable import RoostCollector

/// Secrets that stand where they do not belong.
@Suite struct ConfigShownTests {
    @Test(arguments: [
        (#"headers: { "Authorization: Bearer hunter2": "x" }"#, "headers.Authorization…: is no"),
        (#"headers: { "hunter2=": "" }"#, "headers.hunter2…: is no name"),
        (#""Authorization: Bearer hunter2": x"#, "unknown key Authorization…"),
        (#"headers: { "a:hunter2": "x", "a:hunter2": "x" }"#, "a… is given twice"),
        (#"headers: { x-key: "hunter2\u0001" }"#, "headers.x-key: the value holds a control"),
    ])
    func `a value in the place of a name is not repeated`(_ text: String, _ told: String) {
        let faults = configFaults(
            "export: [{ name: a, endpoint: 'http://h:4318', \(text) }]")
        #expect(faults.contains { $0.contains(told) })
        #expect(faults.allSatisfy { !$0.contains("Bearer") && !$0.contains(":hunter2") })
        #expect(told.contains("hunter2") || faults.allSatisfy { !$0.contains("hunter2") })
    }

    @Test(arguments: [
        "export[0].headers.Authorization: Bearer hunter2==",
        "export[0].headers.Authorization: Bearer hunter2", "Authorization: Bearer hunter2=",
        "export[0].headers.Authorization: a.hunter2.b==",
    ])
    func `neither is one in a flag`(_ flag: String) {
        let faults = configFaults("export: [{ name: a, endpoint: 'http://h:4318' }]", [flag])
        #expect(!faults.isEmpty && faults.allSatisfy { !$0.contains("hunter2") })
        #expect(faults.allSatisfy { $0.contains("Authorization…") })
    }

    @Test(arguments: [
        ("user:hunter2@h:4318", "\"***@h:4318\""),
        ("http://user:hunter2@h:4318", "\"http://***@h:4318\""),
        ("http://h:4318/v1?api_key=hunter2&b=hunter2&hunter2", "?api_key=***&b=***&***\""),
        ("h:4318#hunter2", "\"h:4318#***\""), ("u:hunter2@h://x", "\"***@h://x\""),
        ("u:hunter2?p@h:1", "\"***\""),
        ("http://u:hunter2#p@h:1", "\"http://***\""),
    ])
    func `addresses are shown without credentials`(_ address: String, _ told: String) {
        let faults = configFaults("export: [{ name: a, endpoint: '\(address)' }]")
        #expect(faults.count == 1 && faults[0].contains(told))
        #expect(!faults[0].contains("hunter2"))
        let flags = configFaults(
            "export: [{ name: a, endpoint: '${E}' }]", [], ["E": address])
        #expect(flags.count == 1 && !flags[0].contains("hunter2"))
    }

    @Test(arguments: [
        ("x-who=replay", nil), ("Authorization=Bearer abc==", nil),
        ("hunter2", "no = in it; write NAME=VALUE"),
        ("=hunter2", "an empty name is no name of a header"),
        ("Authorization: Bearer hunter2==", "Authorization… is no name of a header"),
        ("content-length=5", "content-length is set by Roost itself; leave it out"),
        ("Transfer-Encoding=x", "Transfer-Encoding is set by Roost itself; leave it out"),
        ("grpc-timeout=1", "grpc-timeout is set by Roost itself; leave it out"),
        ("x=hunter2\r\nInjected: yes", "the value of x holds a control character"),
        ("x=", "the value of x is empty"), ("ü=hunter2", "ü is no name of a header"),
    ])
    func `a header on a command line is held to the same`(_ argument: String, _ problem: String?) {
        do throws(ExportSettings.Header.Problem) {
            let header = try ExportSettings.Header(argument: argument)
            #expect(problem == nil && header.name + "=" + header.value == argument)
        } catch {
            #expect(error.description == problem)
        }
    }

    @Test(arguments: ["q z", "tökén", "a\tb"])
    func `a token that a file of tokens could not hold is refused`(_ token: String) {
        let faults = configFaults("listen: { tokens: [\"\(token)\"] }")
        #expect(faults.count == 1)
        #expect(faults[0].contains("listen.tokens[0]: the value holds more than one word"))
        #expect(!faults[0].contains(token))
    }
}
