import Glibc

/// Keeps the memory of this process out of core files, whoever writes them: it holds tokens, private
/// keys and what people said to agents. core(5), "Controlling which mappings are written to the
/// core dump".
///
/// Stacks and registers of all threads go with it; for a search by debugger write 33 to
/// `/proc/PID/coredump_filter` of the running process. False where the system has no such file.
@discardableResult
public func keepMemoryOutOfCoreFiles() -> Bool {
    let file = unsafe open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    return unsafe write(file, "0", 1) == 1
}
