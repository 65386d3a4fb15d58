import Glibc
import RoostCore
import RoostHTTPClient

/// `roost demo`: plays a made-up fleet of agents into a running collector.
public enum RoostDemo {
    /// Plays until `--for` is over or a signal comes, and answers the exit code: 0 when everything
    /// arrived, 1 when something did not, 2 when an argument is wrong.
    ///
    /// Blocks. The report goes to standard output, what happens meanwhile to standard error.
    /// `arguments` are those after `demo`; `token` is sent when they name none.
    public static func run(_ arguments: [String], token: String? = nil) -> Int32 {
        let options: DemoOptions
        do throws(DemoOptions.Fault) {
            options = try DemoOptions(arguments, standardToken: token)
        } catch {
            say(error.message)
            return 2
        }
        var interruptions = Interruptions()
        defer { interruptions.end() }
        guard let client = try? HTTPClient(name: "demo", userAgent: "Roost-demo") else {
            say("roost demo: cannot start the HTTP client")
            return 1
        }
        defer {
            client.stop()
            client.join()
        }
        let courier = Courier(options: options) { client.send($0, then: $1) }
        guard answers(client.perform(courier.probe), options) else { return 1 }
        var session = DemoSession(options: options, courier: courier)
        session.play(&interruptions)
        session.deliverRest(&interruptions)
        write(1, session.report())
        if let fault = courier.delivery.firstFault, !courier.delivery.isWhole {
            say("roost demo: not everything arrived at \(options.endpoint): \(fault)")
        }
        return courier.delivery.isWhole ? 0 : 1
    }

    /// Whether a collector is there; if not, says so.
    private static func answers(_ answer: ClientAnswer, _ options: DemoOptions) -> Bool {
        switch Outcome(answer, over: options.transport) {
        case .accepted: return true
        case .later(_, _) where answer.failure == nil: return true
        case .later(let reason, _):
            say(
                """
                roost demo: no collector answers at \(options.endpoint): \(reason)
                Start Roost first (make run, or roost serve), or name another collector with \
                --endpoint.
                """)
        case .refused(let reason) where answer.httpStatus == 401 || answer.grpcStatus == 16:
            say(
                """
                roost demo: \(options.endpoint) wants a token: \(reason)
                --token or ROOST_TOKEN is to be one of the collector's listen.tokens.
                """)
        case .refused(let reason):
            say(
                """
                roost demo: \(options.endpoint) does not take OTLP over \
                \(options.transport.rawValue): \(reason)
                OTLP over gRPC is usually at port 4317 and over HTTP at 4318; --protocol says \
                which one to speak.
                """)
        }
        return false
    }

    static func say(_ message: String) { write(2, Array((message + "\n").utf8)) }

    private static func write(_ file: Int32, _ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(file, $0.baseAddress, $0.count)
            }
            guard written > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, written))
        }
    }
}
