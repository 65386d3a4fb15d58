import Glibc

/// Who listens on the port of `address`: "prometheus (pid 12)", or nil where `/proc` does not say.
///
/// `/proc/net/tcp` gives the inode of the listening socket, `/proc/<pid>/fd` the program that has
/// it open; programs of other users are only seen by root.
func portHolder(_ address: SocketAddress) -> String? {
    let files = ["/proc/net/tcp", "/proc/net/tcp6"]
    let inodes = Set(files.flatMap { listeningInodes(readSmallFile($0), port: address.port) })
    guard !inodes.isEmpty else { return nil }
    for entry in directoryEntries("/proc") where entry.utf8.allSatisfy({ 48...57 ~= $0 }) {
        for descriptor in directoryEntries("/proc/\(entry)/fd") {
            guard let target = linkTarget("/proc/\(entry)/fd/\(descriptor)"),
                target.hasPrefix("socket:["),
                inodes.contains(String(target.dropFirst(8).dropLast()))
            else { continue }
            let name = readSmallFile("/proc/\(entry)/comm").filter { $0 != "\n" }
            return "\(name) (pid \(entry))"
        }
    }
    return nil
}

/// The inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp`.
func listeningInodes(_ table: String, port: UInt16) -> [String] {
    let listening = "0A"
    return table.split(separator: "\n").dropFirst().compactMap { line in
        let columns = line.split(separator: " ")
        guard columns.count > 9, columns[3] == listening,
            let colon = columns[1].lastIndex(of: ":"),
            UInt16(columns[1][columns[1].index(after: colon)...], radix: 16) == port
        else { return nil }
        return String(columns[9])
    }
}

private func directoryEntries(_ path: String) -> [String] {
    guard let directory = unsafe opendir(path) else { return [] }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                unsafe String(cString: $0)
            }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

private func linkTarget(_ path: String) -> String? {
    unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { room in
        let length = unsafe readlink(path, room.baseAddress!, 255)
        guard length > 0 else { return nil }
        unsafe room[length] = 0
        return unsafe String(cString: room.baseAddress!)
    }
}

/// At most the first MiB of a file of `/proc`, empty when it cannot be read.
private func readSmallFile(_ path: String) -> String {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < 1 << 20 {
        let count = unsafe chunk.withUnsafeMutableBytes {
            unsafe read(file, $0.baseAddress, $0.count)
        }
        guard count > 0 else { break }
        bytes.append(contentsOf: chunk[..<count])
    }
    return String(decoding: bytes, as: UTF8.self)
}
