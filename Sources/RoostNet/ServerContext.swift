import RoostCore

/// What the protocols of one server share. Loop thread only.
///
/// It knows no socket; of the loop it uses the clock, for which tests have their own.
final class ServerContext {
    private(set) var settings: ServerSettings
    let handler: any RequestHandler
    let loop: EventLoop?
    private let manualClock: () -> UInt64

    /// When somebody looks for what took too long; set by whoever looks.
    var nextLook = UInt64.max
    /// Called when somebody must look earlier than that.
    var lookEarlier: (UInt64) -> Void = { _ in }

    private(set) var headerMilliseconds: UInt64
    private(set) var bodyMilliseconds: UInt64
    private(set) var idleMilliseconds: UInt64
    private(set) var writeMilliseconds: UInt64

    private var blocks: [HeaderBlock] = []
    /// Stands in the heads of requests that are over; nobody writes into it.
    let noBlock = HeaderBlock()
    private var dateSecond: UInt64 = .max
    private var dateText: [UInt8] = []

    private static let keptBlocks = 256

    init(
        settings: ServerSettings, handler: any RequestHandler, loop: EventLoop?,
        clock: @escaping () -> UInt64 = { 0 }
    ) {
        self.settings = settings
        self.handler = handler
        self.loop = loop
        manualClock = clock
        headerMilliseconds = milliseconds(settings.headerTimeout)
        bodyMilliseconds = milliseconds(settings.bodyTimeout)
        idleMilliseconds = milliseconds(settings.idleTimeout)
        writeMilliseconds = milliseconds(settings.writeTimeout)
    }

    /// From the next request, or the next wait, on.
    func use(_ limits: ServerLimits) {
        settings.maxRequestBytes = limits.maxRequestBytes
        settings.headerTimeout = limits.headerTimeout
        settings.bodyTimeout = limits.bodyTimeout
        settings.idleTimeout = limits.idleTimeout
        headerMilliseconds = milliseconds(limits.headerTimeout)
        bodyMilliseconds = milliseconds(limits.bodyTimeout)
        idleMilliseconds = milliseconds(limits.idleTimeout)
    }

    /// Milliseconds of a clock that never runs backwards.
    var now: UInt64 { loop?.now ?? manualClock() }

    /// Something must happen at a moment of `now`'s clock.
    func noteDeadline(_ deadline: UInt64) { if deadline < nextLook { lookEarlier(deadline) } }

    /// An empty block, an old one where there is one.
    func makeHeaderBlock() -> HeaderBlock { blocks.popLast() ?? HeaderBlock() }

    /// Takes a block back for reuse, unless somebody else still holds it.
    func recycle(_ block: inout HeaderBlock) {
        guard blocks.count < ServerContext.keptBlocks, block.byteCount <= 4_096,
            isKnownUniquelyReferenced(&block)
        else { return }
        block.reset()
        blocks.append(block)
    }

    /// The `date` header's value, made once a second.
    func date() -> [UInt8] {
        let second = unixNanoseconds() / 1_000_000_000
        if second != dateSecond {
            dateSecond = second
            dateText = Array(httpDate(unixSeconds: second).utf8)
        }
        return dateText
    }
}

func milliseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, seconds < 1 << 40 else { return 1 << 50 }
    return UInt64(seconds) * 1_000 + UInt64(max(0, attoseconds) / 1_000_000_000_000_000)
}

/// A moment as `Sun, 06 Nov 1994 08:49:37 GMT`, RFC 9110 §5.6.7.
func httpDate(unixSeconds: UInt64) -> String {
    let text = rfc3339(unixNanoseconds: unixSeconds * 1_000_000_000).utf8.map { $0 }
    let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    func part(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }
    let month = (Int(part(5..<7)) ?? 1) - 1
    return days[Int(unixSeconds / 86_400 % 7)] + ", " + part(8..<10) + " " + months[month] + " "
        + part(0..<4) + " " + part(11..<19) + " GMT"
}
