import Glibc

/// Writes all of `text` to standard output.
func printText(_ text: String) { writeAll(Array(text.utf8), to: STDOUT_FILENO) }

/// Writes all of `text` to standard error.
func printError(_ text: String) { writeAll(Array(text.utf8), to: STDERR_FILENO) }

/// Writes all of `bytes` to standard output.
func printBytes(_ bytes: [UInt8]) { writeAll(bytes, to: STDOUT_FILENO) }

/// A reader that has gone away is no reason to complain.
private func writeAll(_ bytes: [UInt8], to file: CInt) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        if count > 0 {
            rest = rest.dropFirst(count)
        } else if errno != EINTR {
            return
        }
    }
}
