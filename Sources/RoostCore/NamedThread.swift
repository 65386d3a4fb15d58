import Glibc

/// A thread of the operating system with a name that `top` and a debugger show.
///
/// It runs `body` once. Whoever made it joins or detaches it, once.
@safe public final class NamedThread: @unchecked Sendable {
    // Sendable: `handle` is set in `init`, before the object can be shared, and read by `join`.
    private var handle: pthread_t

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts the thread; `name` is cut to the 15 bytes that Linux keeps. Nil when the system has
    /// no more threads to give.
    public init?(_ name: String, _ body: @escaping @Sendable () -> Void) {
        handle = pthread_t()
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        let failure = unsafe pthread_create(
            &handle, nil,
            { argument in
                let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                NamedThread.nameThisThread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else {
            unsafe start.release()
            return nil
        }
    }

    /// Waits until the thread has ended.
    public func join() { _ = pthread_join(handle, nil) }

    /// Lets it end by itself; it is not to be joined any more.
    public func detach() { _ = pthread_detach(handle) }

    /// Sets the name through `/proc`, since the call for it is not visible to Swift. A thread
    /// without its name works as well.
    private static func nameThisThread(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY)
        guard file >= 0 else { return }
        let bytes = Array(name.utf8.prefix(15))
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
    }
}
