import CCurl
import Glibc
import RoostCore

/// The libcurl handle that runs many requests.
///
/// Everything but `wake` belongs to the client's thread.
@safe final class MultiHandle: @unchecked Sendable {
    // Sendable: `pointer` never changes, and `curl_multi_wakeup` is the one call that libcurl allows
    // from other threads. `HTTPClient` keeps the rest on its thread.
    private let pointer: UnsafeMutableRawPointer

    init?() {
        guard let pointer = unsafe curl_multi_init() else { return nil }
        unsafe self.pointer = pointer
        // No two requests on one HTTP/2 connection: a slow answer would hold up the others, and
        // with prior knowledge it does not work before curl 8 (curl issue 10634).
        unsafe _ = roost_curl_multi_set_long(pointer, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
        unsafe _ = roost_curl_multi_set_long(pointer, CURLMOPT_MAXCONNECTS, 64)
    }

    deinit { unsafe curl_multi_cleanup(pointer) }

    func wake() { unsafe _ = curl_multi_wakeup(pointer) }

    func add(_ easy: UnsafeMutableRawPointer) -> Bool {
        unsafe curl_multi_add_handle(pointer, easy) == CURLM_OK
    }

    func remove(_ easy: UnsafeMutableRawPointer) {
        unsafe _ = curl_multi_remove_handle(pointer, easy)
    }

    func perform() {
        var running: CInt = 0
        unsafe _ = curl_multi_perform(pointer, &running)
    }

    /// The next request that has ended, and how.
    func nextDone() -> (UnsafeMutableRawPointer, CURLcode)? {
        var left: CInt = 0
        while let message = unsafe curl_multi_info_read(pointer, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            guard let easy = unsafe message.pointee.easy_handle else { continue }
            return unsafe (easy, message.pointee.data.result)
        }
        return nil
    }

    /// Waits until one of the sockets has something to read, and at most 10 ms, so that `wake` and
    /// timers need no part in it.
    func waitForInput(_ sockets: [CInt]) {
        var set = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = unsafe poll(&set, nfds_t(set.count), 10)
    }

    /// Waits for sockets, for libcurl's own timers, for `wake`, and at most until `deadline`
    /// (monotonic nanoseconds; nil is a minute).
    func wait(until deadline: UInt64?) {
        var milliseconds: CInt = 60_000
        if let deadline {
            let now = monotonicNanoseconds()
            let left = deadline > now ? (deadline - now) / 1_000_000 + 1 : 0
            milliseconds = CInt(min(left, 60_000))
        }
        var ready: CInt = 0
        unsafe _ = curl_multi_poll(pointer, nil, 0, milliseconds, &ready)
    }
}
