import RoostCore
import RoostNet
import Testing

@testable import RoostAnalytics
@testable import RoostCollector
@testable import RoostWeb

@Suite struct LiveHubTests {
    private let counters = LiveCounters()
    private let hub: LiveHub

    init() throws {
        let analytics = AnalyticsService(
            isOn: true, began: 5_000, rules: AnalyticsRules(), folder: nil, log: Log(level: .error))
        hub = try LiveHub(analytics, counters: counters, loop: EventLoop(name: "hub"))
    }

    private var connections: Int { counters.connections.load(ordering: .relaxed) }

    private final class Client: LiveClient {
        var lost = 0
        var latest: UInt64 = 0
        var isOver = false
        var got: [String] = []
        var onFlush: () -> Void = {}

        func send(_ text: LiveText) -> Bool {
            got.append(unsafe text.json.withBytes { unsafe String(decoding: $0, as: UTF8.self) })
            return true
        }
        func flush() { onFlush() }
        var hasUnsent: Bool { false }
        func whenSent(_ call: @escaping () -> Void) {}
        func beat() { got.append("beat") }
    }

    private func open(
        _ method: String, _ responder: Responder, _ opened: (EventStream) -> Void
    ) {
        EventStream.open(
            RequestHead(method: method, target: "/stream", headers: []), responder, on: hub, opened)
    }

    @Test(arguments: [nil, 1] as [UInt64?])
    func `a stream counts from its opening to its end`(resume: UInt64?) throws {
        var sources: [any BodySource] = []
        let responder = Responder { response in
            if case .stream(let source) = response.body { sources.append(source) }
        }
        open("GET", responder) { hub.subscribe($0, to: LiveFilter(), resume: resume) }
        #expect(connections == 1)
        sources[0].cancel()
        #expect(connections == 0)
    }

    @Test func `of who asks for the head alone no stream is made`() {
        var answers: [Response] = []
        open("HEAD", Responder { answers.append($0) }) { _ in Issue.record("a stream was made") }
        #expect(answers.map(\.status) == [200])
        #expect(answers[0].headers.contains { $0 == ("content-type", "text/event-stream") })
        #expect(connections == 0)
    }

    @Test func `a stream that is over when it is answered is not subscribed`() {
        let responder = Responder { response in
            if case .stream(let source) = response.body { source.cancel() }
        }
        open("GET", responder) { _ in Issue.record("a stream is subscribed that is over") }
        #expect(connections == 0)
    }

    @Test func `nobody who is over is taken`() {
        let client = Client()
        client.isOver = true
        hub.subscribe(client, to: LiveFilter())
        hub.subscribe(client, to: LiveFilter(), resume: 1)
        hub.measure(client, LiveMeter(client, milliseconds: 100) { nil })
        #expect(connections == 0)
    }

    @Test func `one whom the first figures find gone gets no others`() {
        let client = Client()
        client.onFlush = { hub.leave(client) }
        let meter = LiveMeter(client, milliseconds: 100) { .notice("metrics") }
        hub.measure(client, meter)
        #expect(connections == 0)
        #expect(!meter.isRunning)
    }

    @Test func `what was lost is told with the heartbeat`() {
        let client = Client()
        hub.subscribe(client, to: LiveFilter(types: ["workflow"]))
        client.lost = 7
        hub.beat()
        #expect(client.got == [#"{"type":"lost","data":{"messages":7}}"#, "beat"])
        #expect(client.lost == 0)
        hub.beat()
        #expect(client.got.count == 3)
    }
}
