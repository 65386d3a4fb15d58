import Glibc
import RoostCore
import RoostIngest

/// Why there is no key for labels of users; what it holds is never told.
public struct UserKeyFault: Error, Equatable, CustomStringConvertible {
    public let description: String
}

/// The secret under which users are hashed for labels.
///
/// It is the text of the configuration, or that of a file without the blanks around it: whoever takes
/// it from one place to the other gets the same labels.
enum UserKey {
    /// Shorter ones can be tried out, one after the other, by whoever knows a user and its hash.
    static let leastBytes = 16
    static let tooShort = "is too short; at least 16 characters, as openssl rand -hex 32 gives"
    private static let mostBytes = 4096

    static func isLongEnough(_ key: [UInt8]) -> Bool { key.count >= leastBytes }

    /// Nil where users are no label. The one of the folder of the store is made when it is missing;
    /// the folder is there.
    static func inForce(_ config: Config) throws(UserKeyFault) -> [UInt8]? {
        guard config.agents.userLabel == .hashed else { return nil }
        if let given = given(config) { return given }
        let path = ownPath(config)
        return isMissing(path) ? try make(path, in: config.store.path) : try readOwn(path)
    }

    /// The one that a collector with this configuration uses, which must be there.
    static func known(_ config: Config) throws(UserKeyFault) -> [UInt8] {
        if let given = given(config) { return given }
        let path = ownPath(config)
        guard !isMissing(path) else {
            throw UserKeyFault(
                description: "\(path) is not there; the collector makes it when it starts with "
                    + "agents.user_label=hashed")
        }
        return try readOwn(path)
    }

    /// The key that a file holds.
    static func read(_ path: String) throws(UserKeyFault) -> [UInt8] {
        guard let bytes = readFile(path, limit: mostBytes) else {
            throw UserKeyFault(description: "\(path) cannot be read, or is above 4 KiB")
        }
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var key = bytes[...]
        while let first = key.first, isBlank(first) { key.removeFirst() }
        while let last = key.last, isBlank(last) { key.removeLast() }
        guard isLongEnough(Array(key)) else {
            throw UserKeyFault(description: "the key in \(path) \(tooShort)")
        }
        return Array(key)
    }

    private static func given(_ config: Config) -> [UInt8]? {
        config.agents.userKey.map { Array($0.utf8) } ?? config.agents.userKeyRead
    }

    private static func ownPath(_ config: Config) -> String { config.store.path + "/user-key" }

    private static func readOwn(_ path: String) throws(UserKeyFault) -> [UInt8] {
        do { return try read(path) } catch {
            throw UserKeyFault(
                description: "\(error); mend that, or remove the file for another key, under which "
                    + "every user gets another label")
        }
    }

    private static func isMissing(_ path: String) -> Bool {
        unsafe access(path, F_OK) != 0 && errno == ENOENT
    }

    /// 64 hexadecimal digits, for the owner only. On the disk before anything is hashed with it.
    private static func make(_ path: String, in folder: String) throws(UserKeyFault) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let key = (0..<32).flatMap { _ in
            let byte = UInt8.random(in: 0...255, using: &generator)
            return [hexDigit(byte >> 4), hexDigit(byte & 15)]
        }
        let unfinished = path + ".new"
        do throws(FileFault) {
            do {
                let file = try NewFile(unfinished)
                try file.write(key + [0x0A])
                try file.sync()
            }
            guard unsafe rename(unfinished, path) == 0 else {
                throw FileFault("rename", unfinished)
            }
            try syncFolder(folder)
        } catch {
            throw UserKeyFault(description: "\(error)")
        }
        return key
    }

    /// Makes the names in a folder survive a loss of power. fsync(2).
    private static func syncFolder(_ path: String) throws(FileFault) {
        let folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw FileFault("open", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw FileFault("sync", path) }
    }
}

extension Config {
    /// What stands for a user in labels of a collector with this configuration.
    public func userHash(_ user: String) throws(UserKeyFault) -> String {
        userLabel(of: user, key: try UserKey.known(self))
    }
}
