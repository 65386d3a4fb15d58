import Foundation
import Testing

@testable import RoostCollector

/// The key under which users are hashed for labels.
@Suite struct UserKeyTests {
    private let folder = NSTemporaryDirectory() + "roost-\(UUID().uuidString)"
    private var file: String { folder + "/user-key" }

    private func config(_ change: (inout Config.Agents) -> Void = { _ in }) throws -> Config {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        var config = Config()
        config.store.path = folder
        config.agents.userLabel = .hashed
        change(&config.agents)
        return config
    }

    @Test func `is made once, for its owner only, and stays`() throws {
        let config = try config()
        let key = try #require(try UserKey.inForce(config))
        #expect(key.count == 64)
        #expect(try UserKey.inForce(config) == key)
        #expect(try UserKey.known(config) == key)
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["user-key"])
        try FileManager.default.removeItem(atPath: file)
        #expect(try UserKey.inForce(config) != key)
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `is not made where users are no label, nor for a question`() throws {
        #expect(try UserKey.inForce(try config { $0.userLabel = .off }) == nil)
        #expect(throws: UserKeyFault.self) { try UserKey.known(try config()) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `is the text of the configuration where there is one`() throws {
        let given = "0123456789abcdef"
        let config = try config { $0.userKey = given }
        #expect(try UserKey.inForce(config) == Array(given.utf8))
        #expect(try config.userHash("alice") == "fdbf8b1cacd3d578")
        // The same from a file, whatever blanks are around it.
        try (" \(given)\r\n").write(toFile: file, atomically: true, encoding: .utf8)
        #expect(try UserKey.inForce(try self.config()) == Array(given.utf8))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `a file without a key is told and left alone`() throws {
        let config = try config()
        try "hunter2\n".write(toFile: file, atomically: true, encoding: .utf8)
        do {
            _ = try UserKey.inForce(config)
            Issue.record("a short key was taken")
        } catch {
            #expect("\(error)".contains("\(file) is too short"))
            #expect("\(error)".contains("remove the file"))
            #expect(!"\(error)".contains("hunter2"))
        }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `a folder that takes no file is told`() throws {
        var config = try config()
        config.store.path = folder + "/nowhere"
        #expect(throws: UserKeyFault.self) { try UserKey.inForce(config) }
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test func `the configuration reads it, from the environment too, and shows it nowhere`() throws
    {
        #expect(Config().agents.userLabel == .off)
        let text = "agents: { user_label: hashed, user_key: '${K}' }"
        let config = try loadConfig(text, [], ["K": "0123456789abcdef"]).config
        #expect(config.agents.userLabel == .hashed)
        #expect(config.agents.userKey == "0123456789abcdef")
        #expect(!config.yaml().contains("0123456789"))
        _ = try self.config()
        try "0123456789abcdef\n".write(toFile: file, atomically: true, encoding: .utf8)
        let fromFile = try loadConfig(
            "agents: { user_label: hashed, user_key_file: \(file) }"
        ).config
        #expect(try UserKey.inForce(fromFile) == Array("0123456789abcdef".utf8))
        #expect(!fromFile.yaml().contains("0123456789"))
        try FileManager.default.removeItem(atPath: folder)
    }

    @Test(arguments: [
        ("agents: { user_label: hash }", "is no way to tell users, did you mean hashed?"),
        ("agents: { user_key: hunter2 }", "agents.user_key: is too short"),
        ("agents: { user_key_file: /missing }", "/missing cannot be read: No such file"),
        ("agents: { user_key_file: /dev/null }", "/dev/null is too short"),
        (
            "agents: { user_key: 0123456789abcdef, user_key_file: /dev/null }",
            "stands beside user_key"
        ),
    ])
    func `a fault says what is wrong and shows no key`(_ text: String, _ what: String) {
        let faults = configFaults(text)
        #expect(faults.count == 1)
        #expect(faults.first?.contains(what) == true, "\(faults)")
        #expect(faults.first?.contains("hunter2") == false)
    }
}
