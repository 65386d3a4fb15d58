import RoostCore
import RoostNet
import Testing

@testable import RoostAnalytics
@testable import RoostCollector
@testable import RoostWeb

@Suite struct LiveHubTests {
    private let counters = LiveCounters()
    private let switches = Switches(Config.Enable())
    private let analytics: AnalyticsService
    private let loop: EventLoop
    private let hub: LiveHub

    init() throws {
        analytics = AnalyticsService(
            isOn: true, began: 5_000, rules: AnalyticsRules(), folder: nil, log: Log(level: .error))
        loop = try EventLoop(name: "hub")
        hub = LiveHub(analytics, counters: counters, switches: switches, loop: loop)
    }

    /// Does what was posted to the loop, which is over then.
    private func runLoop() {
        loop.stop()
        loop.run()
    }

    private var connections: Int { counters.connections.load(ordering: .relaxed) }

    private final class Client: LiveClient {
        var lost = 0
        var latest: UInt64 = 0
        var isOver = false
        var got: [String] = []
        var takes = true
        var onFlush: () -> Void = {}

        func send(_ text: LiveText) -> Bool {
            guard takes else { return false }
            got.append(unsafe text.json.withBytes { unsafe String(decoding: $0, as: UTF8.self) })
            return true
        }
        func flush() { onFlush() }
        var hasUnsent: Bool { false }
        func whenSent(_ call: @escaping () -> Void) {}
        func beat() { got.append("beat") }
        func end(_ reason: String) { got.append(reason) }
    }

    private func open(
        _ method: String, _ responder: Responder, within limit: ConnectionLimit? = nil,
        _ opened: (EventStream) -> Void
    ) throws(APIError) {
        try EventStream.open(
            RequestHead(method: method, target: "/stream", headers: []), responder, on: hub,
            within: limit ?? ConnectionLimit(8), opened)
    }

    @Test func `there are no more streams than may be, however they end`() throws {
        let limit = ConnectionLimit(1)
        var sources: [any BodySource] = []
        let responder = {
            Responder { response in
                if case .stream(let source) = response.body { sources.append(source) }
            }
        }
        let follow = { (stream: EventStream) in hub.subscribe(stream, to: LiveFilter()) }
        try open("GET", responder(), within: limit, follow)
        #expect(throws: APIError.tooManyStreams(1)) {
            try open("GET", responder(), within: limit, follow)
        }
        // Of the head alone none is made.
        try open("HEAD", responder(), within: limit, follow)
        #expect(connections == 1 && limit.open == 1)
        sources[0].cancel()
        #expect(limit.open == 0)
        try open("GET", responder(), within: limit, follow)
        switches.set(.live, false)
        runLoop()
        var bytes: [UInt8] = []
        #expect(sources.last?.next(into: &bytes) == false)
        #expect(limit.open == 0)
    }

    @Test(arguments: [nil, 1] as [UInt64?])
    func `a stream counts from its opening to its end`(resume: UInt64?) throws {
        var sources: [any BodySource] = []
        let responder = Responder { response in
            if case .stream(let source) = response.body { sources.append(source) }
        }
        try open("GET", responder) { hub.subscribe($0, to: LiveFilter(), resume: resume) }
        #expect(connections == 1)
        sources[0].cancel()
        #expect(connections == 0)
    }

    @Test func `of who asks for the head alone no stream is made`() throws {
        var answers: [Response] = []
        try open("HEAD", Responder { answers.append($0) }) { _ in Issue.record("a stream was made")
        }
        #expect(answers.map(\.status) == [200])
        #expect(answers[0].headers.contains { $0 == ("content-type", "text/event-stream") })
        #expect(connections == 0)
    }

    @Test func `a stream that is over when it is answered is not subscribed`() throws {
        let responder = Responder { response in
            if case .stream(let source) = response.body { source.cancel() }
        }
        try open("GET", responder) { _ in Issue.record("a stream is subscribed that is over") }
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

    @Test func `who gets figures and events is one client, with one heartbeat`() {
        let client = Client()
        hub.measure(client, LiveMeter(client, milliseconds: 60_000) { nil })
        hub.subscribe(client, to: LiveFilter())
        #expect(connections == 1)
        hub.beat()
        #expect(client.got == ["beat"])
        hub.leave(client)
        #expect(connections == 0)
    }

    @Test func `figures that find no room are counted, and told with the heartbeat`() {
        let client = Client()
        client.takes = false
        let meter = LiveMeter(client, milliseconds: 60_000) { .notice("metrics") }
        hub.measure(client, meter)
        #expect(counters.lost.load(ordering: .relaxed) == 1)
        client.takes = true
        hub.beat()
        #expect(client.got == [#"{"type":"lost","data":{"messages":1}}"#, "beat"])
        client.got = []
        client.lost = 3
        hub.measure(client, LiveMeter(client, milliseconds: 60_000) { .notice("metrics") })
        #expect(
            client.got == [
                #"{"type":"lost","data":{"messages":3}}"#, #"{"type":"metrics","data":{}}"#,
            ])
        #expect(counters.delivered.load(ordering: .relaxed) == 1)
    }

    @Test func `when live is turned off all streams end, and nothing is asked for`() {
        let clients = (0..<4).map { _ in Client() }
        hub.subscribe(clients[0], to: LiveFilter())
        hub.subscribe(clients[1], to: LiveFilter(), resume: 1)
        let meter = LiveMeter(clients[2], milliseconds: 60_000) { nil }
        hub.measure(clients[2], meter)
        hub.measure(clients[3], LiveMeter(clients[3], milliseconds: 60_000) { nil })
        hub.subscribe(clients[3], to: LiveFilter())
        #expect(connections == 4)
        #expect(analytics.isWatched)
        switches.set(.live, false)
        runLoop()
        for client in clients { #expect(client.got.last == "live is switched off") }
        #expect(connections == 0)
        #expect(!meter.isRunning)
        #expect(!analytics.isWatched)
    }

    @Test func `other switches end no stream`() {
        let client = Client()
        hub.subscribe(client, to: LiveFilter())
        switches.set(.store, false)
        switches.set(.live, true)
        runLoop()
        #expect(client.got.isEmpty)
        #expect(connections == 1)
    }

    @Test func `the body of a stream that is ended ends behind what waits`() throws {
        var sources: [any BodySource] = []
        let responder = Responder { response in
            if case .stream(let source) = response.body { sources.append(source) }
        }
        try open("GET", responder) {
            hub.subscribe($0, to: LiveFilter())
            #expect($0.send(.notice("last")))
        }
        switches.set(.live, false)
        runLoop()
        var bytes: [UInt8] = []
        #expect(!sources[0].next(into: &bytes))
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""type":"last""#))
        #expect(connections == 0)
    }

    @Test(arguments: [1, 9_999_999_999_999_999] as [UInt64])
    func `of an id that was never given nobody knows what was missed`(id: UInt64) {
        let client = Client()
        hub.subscribe(client, to: LiveFilter(), resume: id)
        runLoop()
        #expect(client.got == [#"{"type":"resumed","data":{"replayed":0,"missed":null}}"#])
    }
}
