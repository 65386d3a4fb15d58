import RoostCollector
import RoostCompression
import RoostCore
import RoostMetrics
import RoostNet

/// `/metrics`: what was agreed with the scraper, then the page in slices as fast as it reads.
///
/// A scraper for whose page there is no room waits a little: it gets that of a page that nobody reads.
/// Confined to the web loop.
final class MetricsAnswer {
    /// What somebody asked for.
    private struct Ask {
        let format: ExpositionFormat
        let contentType: String
        let coding: ContentCoding
        let isForPrometheus: Bool
        /// The address that asks.
        let peer: String
        let responder: Responder
        let since: UInt64
    }

    private let collector: CollectorView
    private let loop: EventLoop
    private let turns: SliceTurns
    private let places: ScrapePlaces
    private var waiting: [Ask] = []
    private var timer: LoopTimer?

    private static let mostWaiting = 4_096
    private static let longestWait: UInt64 = 5_000_000_000
    private static let lookMilliseconds: UInt64 = 50

    init(_ collector: CollectorView, loop: EventLoop) {
        self.collector = collector
        self.loop = loop
        turns = SliceTurns(loop: loop)
        places = ScrapePlaces(room: collector.pages)
    }

    func answer(_ head: RequestHead, _ responder: Responder) {
        let agreed = negotiate(
            accept: head.header("accept"), acceptEncoding: head.header("accept-encoding"))
        let ask = Ask(
            format: agreed.format, contentType: agreed.contentType,
            coding: ContentCoding(rawValue: agreed.coding.rawValue) ?? .identity,
            // What Prometheus alone sends.
            isForPrometheus: head.header("x-prometheus-scrape-timeout-seconds") != nil,
            peer: head.peerAddress, responder: responder, since: monotonicNanoseconds())
        let mayOvertake = waiting.isEmpty || places.pages(of: ask.peer) == 0
        if !mayOvertake || !begin(ask) { wait(ask) }
    }

    // MARK: Waiting for room

    private func wait(_ ask: Ask) {
        waiting.append(ask)
        if waiting.count > Self.mostWaiting { refuse(waiting.removeFirst()) }
        guard timer == nil else { return }
        timer = loop.schedule(
            afterMilliseconds: Self.lookMilliseconds, repeatMilliseconds: Self.lookMilliseconds
        ) { [weak self] in self?.lookAgain() }
    }

    private func lookAgain() {
        waiting.removeAll { $0.responder.isGone }
        while let index = places.next(of: waiting.lazy.map(\.peer)), begin(waiting[index]) {
            waiting.remove(at: index)
        }
        let now = monotonicNanoseconds()
        while let first = waiting.first, now - first.since >= Self.longestWait {
            refuse(waiting.removeFirst())
        }
        guard waiting.isEmpty else { return }
        timer?.cancel()
        timer = nil
    }

    private func refuse(_ ask: Ask) { ask.responder.send(APIError.noMemory.response(.roost)) }

    // MARK: The page

    /// False when there is no room for the page now.
    private func begin(_ ask: Ask) -> Bool {
        // Without memory to pack it in, the page comes as it is.
        guard
            let (entrance, coding) = enter(ask, ask.coding)
                ?? (ask.coding == .identity ? nil : enter(ask, .identity))
        else { return false }
        let place = entrance.place
        collector.scrape(isForPrometheus: ask.isForPrometheus, isFresh: entrance.isFresh) {
            [turns] sources in
            var headers = [
                ("content-type", ask.contentType), ("vary", "accept, accept-encoding"),
            ]
            if coding != .identity { headers.append(("content-encoding", coding.rawValue)) }
            let body = MetricsBody(
                page: ExpositionPage(format: ask.format, sources: sources),
                coding: coding, place: place, turns: turns, responder: ask.responder)
            var response = Response(status: 200, headers: headers, body: .stream(body))
            response.holding = place
            place.waitForReader(now: monotonicNanoseconds())
            ask.responder.send(response)
        }
        return true
    }

    private func enter(
        _ ask: Ask, _ coding: ContentCoding
    ) -> (entrance: (place: ScrapePlaces.Place, isFresh: Bool), coding: ContentCoding)? {
        let entrance = places.enter(
            bytes: CollectorView.pageBytes + Self.packingBytes(coding),
            copyBytes: collector.copyBytesOfScrape, peer: ask.peer, now: monotonicNanoseconds()
        ) { ask.responder.breakOff() }
        return entrance.map { ($0, coding) }
    }

    /// Of a packer and the slice that it packs.
    private static func packingBytes(_ coding: ContentCoding) -> Int {
        coding == .identity ? 0 : MetricsBody.packerBytes(coding) + 2 * ExpositionPage.sliceBytes
    }
}

/// The page as a body: rendered, and packed, one slice at a time.
private final class MetricsBody: BodySource, SliceTurns.Member {
    private var page: ExpositionPage?
    private var compressor: StreamCompressor?
    private let coding: ContentCoding
    private let place: ScrapePlaces.Place
    private let turns: SliceTurns
    private let responder: Responder
    private var slice: [UInt8] = []

    init(
        page: ExpositionPage, coding: ContentCoding, place: ScrapePlaces.Place,
        turns: SliceTurns, responder: Responder
    ) {
        self.page = page
        self.coding = coding
        self.place = place
        self.turns = turns
        self.responder = responder
        compressor = coding == .identity ? nil : StreamCompressor(coding)
    }

    func resume() { responder.resumeBody() }

    func cancel() {
        page = nil
        compressor = nil
        slice = []
    }

    func next(into bytes: inout [UInt8]) -> Bool {
        guard let page else { return false }
        place.readerWaits()
        guard turns.take(self) else { return true }
        let before = bytes.count
        let hasMore = write(page, into: &bytes)
        // A slice that packs well may stay inside the compressor, and a source that hands on
        // nothing is not asked again by itself.
        if hasMore, bytes.count == before {
            _ = turns.take(self)
        } else {
            place.waitForReader(now: monotonicNanoseconds())
        }
        // A series may be longer than any slice should be.
        let held = page.heldBytes + slice.capacity + bytes.capacity
        if !place.grow(to: Self.figuresBytes + Self.packerBytes(coding) + held) {
            turns.afterwards { [responder] in responder.breakOff() }
        }
        return hasMore
    }

    private func write(_ page: ExpositionPage, into bytes: inout [UInt8]) -> Bool {
        guard let compressor else { return page.next(into: &bytes) }
        slice.removeAll(keepingCapacity: true)
        let hasMore = page.next(into: &slice)
        compressor.compress(slice, finish: !hasMore, into: &bytes)
        return hasMore
    }

    /// Of the figures of Roost itself, which are taken at once when the page begins.
    private static let figuresBytes = 256 << 10

    static func packerBytes(_ coding: ContentCoding) -> Int {
        switch coding {
        case .identity: 0
        case .gzip: 320 << 10
        // Its window alone is half a MiB.
        case .zstd: 1_472 << 10
        }
    }
}
