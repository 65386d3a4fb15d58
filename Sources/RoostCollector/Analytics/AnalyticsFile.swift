import Glibc
import RoostAnalytics
import RoostCore

/// The file that analytics outlive the process in: `analytics.bin` in the store's folder.
///
/// `RAN1`, then for each part a byte that names it, its length (8 bytes, little-endian) and its
/// bytes, which carry their own version and check. Written beside the old one and put in its place.
struct AnalyticsFile {
    let path: String

    private static let magic = Array("RAN1".utf8)
    private static let mostBytes = 64 << 20

    init(folder: String) { path = folder + "/analytics.bin" }

    /// What an earlier process left; parts that are damaged or missing are nil.
    func read() -> AnalyticsMemory {
        var memory = AnalyticsMemory()
        guard let bytes = readFile(path, limit: Self.mostBytes), bytes.starts(with: Self.magic)
        else { return memory }
        var rest = bytes.dropFirst(Self.magic.count)
        while rest.count >= 9, let name = rest.first {
            let length = rest.dropFirst().prefix(8).reversed().reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            rest = rest.dropFirst(9)
            guard length <= UInt64(rest.count) else { break }
            let part = Array(rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
            switch name {
            case 1: memory.baselines = part
            case 2: memory.costs = part
            case 3: memory.budgets = part
            default: break
            }
        }
        return memory
    }

    /// Says what went wrong; nil when it is written and on the disk.
    func write(_ memory: AnalyticsMemory) -> String? {
        var bytes = Self.magic
        for (name, part) in [(1, memory.baselines), (2, memory.costs), (3, memory.budgets)] {
            guard let part else { continue }
            bytes.append(UInt8(name))
            for shift in 0..<8 {
                bytes.append(UInt8(truncatingIfNeeded: part.count >> (8 * shift)))
            }
            bytes += part
        }
        return replaceFile(path, with: bytes)
    }
}

/// Puts a whole file in the place of another, which stays as it was until then.
///
/// Says what went wrong; nil when the new one is on the disk.
func replaceFile(_ path: String, with bytes: [UInt8]) -> String? {
    let beside = path + ".new"
    let file = unsafe open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
    guard file >= 0 else { return unsafe String(cString: strerror(errno)) }
    var problem: String?
    var written = 0
    while written < bytes.count, problem == nil {
        let count = unsafe bytes.withUnsafeBytes { buffer in
            unsafe Glibc.write(file, buffer.baseAddress! + written, bytes.count - written)
        }
        if count > 0 {
            written += count
        } else if count < 0, errno != EINTR {
            problem = unsafe String(cString: strerror(errno))
        }
    }
    if problem == nil, fdatasync(file) != 0 { problem = unsafe String(cString: strerror(errno)) }
    _ = Glibc.close(file)
    if problem == nil, unsafe rename(beside, path) != 0 {
        problem = unsafe String(cString: strerror(errno))
    }
    if problem != nil { unsafe unlink(beside) }
    return problem
}
