import Testing

@testable import RoostCollector

@Suite struct DeadLetterConfigTests {
    private func settings(_ letters: String) throws -> ExportSettings.DeadLetters? {
        let text = """
            export: [{ name: j, endpoint: 'http://j:4318'\(letters) }]
            store: { path: /data }
            """
        return try loadConfig(text).config.exportSettings[0].deadLetters
    }

    @Test func `without a word they are kept below the store's folder`() throws {
        let settings = try settings("")
        #expect(settings?.path == "/data/dead-letters/j")
        #expect(settings?.bytes == 256 << 20 && settings?.count == 10_000)
    }

    @Test func `every key is taken over, and they can be switched off`() throws {
        let all = try settings(", dead_letters: { path: /x, size: 1MiB, count: 7 }")
        #expect(all?.path == "/x" && all?.bytes == 1 << 20 && all?.count == 7)
        #expect(try settings(", dead_letters: { enabled: false, path: /x }") == nil)
    }

    @Test(arguments: [
        ("{ size: 1KiB }", "out of range"), ("{ count: 0 }", "out of range"),
        ("{ pth: x }", "did you mean path?"), ("{ enabled: maybe }", "neither true nor false"),
    ])
    func `what is wrong is told`(letters: String, problem: String) {
        let faults = configFaults(
            "export: [{ name: j, endpoint: 'http://j:4318', dead_letters: \(letters) }]")
        #expect(faults.count == 1 && faults[0].contains(problem), "\(faults)")
    }

    @Test(arguments: ["/x", "/x/", "/./x", "//x"])
    func `two destinations cannot share a folder`(_ path: String) {
        let faults = configFaults(
            """
            export:
              - { name: a, endpoint: 'http://a:4318', dead_letters: { path: /x } }
              - { name: b, endpoint: 'http://b:4318', dead_letters: { path: \(path) } }
              - { name: c, endpoint: 'http://c:4318', dead_letters: { path: \(path), enabled: false } }
            """)
        #expect(faults.count == 1)
        #expect(faults.first?.contains("is the folder of a already") == true, "\(faults)")
    }

    @Test(arguments: [
        ("dead_letters: { path: /none/data }", "dead_letters.path", "the store"),
        ("dead_letters: { path: /none/x/../data/audit/ }", "dead_letters.path", "the audit trail"),
        ("queue: { path: /none }, name: data", "queue.path", "the store"),
        (
            "queue: { path: /none/q }, dead_letters: { path: /none/q/./j }", "dead_letters.path",
            "the queue of j"
        ),
    ])
    func `no folder has two uses`(_ keys: String, _ key: String, _ owner: String) {
        let name = keys.contains("name:") ? "" : "name: j, "
        let faults = configFaults(
            """
            export: [{ \(name)endpoint: 'http://a:4318', \(keys) }]
            store: { path: /none/data }
            """)
        #expect(faults.count == 1)
        #expect(faults.first?.contains("export[0].\(key)") == true, "\(faults)")
        #expect(
            faults.first?.contains("is the folder of \(owner) already") == true, "\(faults)")
    }
}
