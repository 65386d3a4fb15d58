import Glibc
import RoostCore

/// Bytes of this process in memory; nil where there is no `/proc`. A few microseconds. proc(5), statm.
func residentMemoryBytes() -> Int? {
    guard let text = readFile("/proc/self/statm", limit: 4096) else { return nil }
    let fields = text.split(separator: 0x20)
    guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else {
        return nil
    }
    return pages &* max(1, sysconf(CInt(_SC_PAGESIZE)))
}
