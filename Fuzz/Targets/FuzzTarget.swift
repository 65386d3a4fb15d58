import Glibc
import RoostCore

/// Something that reads bytes from outside.
protocol FuzzTarget: AnyObject {
    /// Gives one input to the code under test. What must not happen ends the process: a trap, a
    /// report of the sanitizer, `promise` broken.
    func take(_ input: UnsafeRawBufferPointer)
}

/// Ends the process, and with it the search, unless `holds`.
@inline(__always)
func promise(
    _ holds: Bool, _ broken: @autoclosure () -> String, _ file: StaticString = #fileID,
    _ line: UInt = #line
) {
    if !holds { fatalError("broken promise: " + broken(), file: file, line: line) }
}

/// Numbers that depend on nothing but the input, for choices that are not worth bytes of it.
struct Choices {
    private var state: UInt64

    /// FNV-1a, the same in every process.
    init(_ input: UnsafeRawBufferPointer) {
        state = 0xCBF2_9CE4_8422_2325
        for byte in unsafe Array(input) { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Below `limit`, which is above 0.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// Cuts bytes as a network may cut them: mostly into few pieces, sometimes into single bytes.
    mutating func cut(_ bytes: UnsafeRawBufferPointer, _ piece: (UnsafeRawBufferPointer) -> Void) {
        let most = [1, 3, 17, 300, 5_000][below(5)]
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + below(most))
            unsafe piece(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
    }
}

/// Takes an input apart, front to back; past the end everything is 0.
struct InputReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = Array(bytes) }

    var isAtEnd: Bool { place >= bytes.count }

    mutating func byte() -> UInt8 {
        guard place < bytes.count else { return 0 }
        defer { place += 1 }
        return bytes[place]
    }

    mutating func number() -> Int { Int(byte()) << 8 | Int(byte()) }

    mutating func some(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, place + count)
        defer { place = end }
        return Array(bytes[place..<end])
    }

    mutating func rest() -> [UInt8] { some(bytes.count - place) }
}

/// A folder in memory that is emptied for each input.
final class ScratchFolder {
    let path: String

    init(_ name: String) {
        let parent = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        path = "\(parent)/roost-fuzz-\(name)-\(getpid())"
        clear()
    }

    func clear() {
        remove(path)
        unsafe mkdir(path, 0o700)
    }

    private func remove(_ folder: String) {
        guard let entries = unsafe opendir(folder) else { return }
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name == "." || name == ".." { continue }
            let inner = folder + "/" + name
            if unsafe unlink(inner) != 0 { remove(inner) }
        }
        unsafe closedir(entries)
        unsafe rmdir(folder)
    }

    func write(_ name: String, _ bytes: [UInt8]) {
        let file = unsafe open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { fatalError("cannot write into \(path)") }
        let written = unsafe bytes.withUnsafeBytes {
            unsafe Glibc.write(file, $0.baseAddress, $0.count)
        }
        close(file)
        if written != bytes.count { fatalError("cannot write into \(path)") }
    }

    /// The files in it and what they hold, sorted by name; not what is in folders.
    func files() -> [(name: String, bytes: [UInt8])] {
        guard let entries = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(entries) }
        var found: [(name: String, bytes: [UInt8])] = []
        while let entry = unsafe readdir(entries) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if let bytes = readFile(path + "/" + name, limit: 64 << 20) {
                found.append((name, bytes))
            }
        }
        return found.sorted { $0.name < $1.name }
    }
}
