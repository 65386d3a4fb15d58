import RoostCore
import RoostWire

/// One run of the demo: turns the player's clock once a second and hands on what comes out.
struct DemoSession {
    private let options: DemoOptions
    private let courier: Courier
    private var player: Player
    private var tally = Tally()
    /// Unix nanoseconds.
    private var lastTurn: Int64

    /// SDKs send at most so many spans or records at once.
    private static let maxItems = 512
    private static let turn = nanoseconds(1)
    private static let turnsBetweenCollections = 2
    /// How long after the end the collector has to take what is left.
    private static let grace = nanoseconds(10)

    init(options: DemoOptions, courier: Courier) {
        self.options = options
        self.courier = courier
        let origin = Int64(clamping: unixNanoseconds())
        lastTurn = origin
        player = Player(
            seed: options.seed ?? DemoRandom.seedFromClock(), rate: options.rate, origin: origin,
            length: options.seconds.map(nanoseconds))
    }

    /// Plays in real time until the fleet is done or a signal comes.
    mutating func play(_ interruptions: inout Interruptions) {
        let length = options.seconds.map { "for \($0) s" } ?? "until Ctrl-C"
        RoostDemo.say(
            "roost demo: \(options.rate) workflows a minute into \(options.endpoint) "
                + "(\(options.transport.rawValue)) \(length), seed \(player.seed)")
        let end = options.seconds.map { player.origin + nanoseconds($0) }
        var turns = 0
        while true {
            let planned = player.origin + Int64(turns) * Self.turn
            let isLast = end.map { planned >= $0 } ?? false
            let time = isLast ? (end ?? planned) : planned
            let now = Int64(clamping: unixNanoseconds())
            if interruptions.wait(nanoseconds: time - now) {
                advance(to: max(lastTurn, Int64(clamping: unixNanoseconds())), collect: true)
                return
            }
            let collect = isLast || turns % Self.turnsBetweenCollections == 0
            advance(to: time, collect: collect)
            if isLast { return }
            turns += 1
        }
    }

    /// Waits for the answers that are still missing, within limits.
    func deliverRest(_ interruptions: inout Interruptions) {
        let deadline = monotonicNanoseconds() + UInt64(Self.grace)
        while !courier.isIdle, monotonicNanoseconds() < deadline {
            courier.pump()
            if interruptions.wait(nanoseconds: nanoseconds(0.02)) { break }
        }
        courier.giveUp()
    }

    private mutating func advance(to time: Int64, collect: Bool) {
        lastTurn = time
        let outboxes = player.advance(to: time, collectMetrics: collect)
        tally.add(outboxes)
        for (process, outbox) in zip(Fleet.processes, outboxes) {
            for spans in chunks(outbox.spans) { courier.send(encodeTraces(spans, of: process)) }
            for logs in chunks(outbox.logs) { courier.send(encodeLogs(logs, of: process)) }
            if let metrics = outbox.metrics { courier.send(encodeMetrics(metrics, of: process)) }
        }
        courier.pump()
    }

    private func chunks<Element>(_ elements: [Element]) -> [[Element]] {
        stride(from: 0, to: elements.count, by: Self.maxItems).map {
            Array(elements[$0..<min($0 + Self.maxItems, elements.count)])
        }
    }

    /// What was done, as one line of JSON.
    func report() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("endpoint", options.endpoint)
        writer.field("protocol", options.transport.rawValue)
        writer.field("seed", player.seed)
        writer.field("rate", options.rate)
        writer.field("seconds", seconds(from: player.origin, to: lastTurn))
        tally.write(to: &writer)
        courier.delivery.write(to: &writer)
        writer.endObject()
        return writer.bytes + [0x0A]
    }
}

extension DemoRandom {
    /// Another one each time, short enough to be typed.
    static func seedFromClock() -> UInt64 { unixNanoseconds() / 1_000 % 1_000_000_000 }
}
