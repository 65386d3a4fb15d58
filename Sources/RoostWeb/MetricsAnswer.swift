import RoostCollector
import RoostCompression
import RoostMetrics
import RoostNet

/// `/metrics`: what was agreed with the scraper, then the page in slices as fast as it reads.
enum MetricsAnswer {
    /// Of a packer and the slice that it packs.
    private static let packingBytes = 512 << 10

    static func answer(
        _ head: RequestHead, _ collector: CollectorView, _ turns: SliceTurns,
        _ responder: Responder
    ) {
        let agreed = negotiate(
            accept: head.header("accept"), acceptEncoding: head.header("accept-encoding"))
        let coding = ContentCoding(rawValue: agreed.coding.rawValue) ?? .identity
        // What Prometheus alone sends.
        let isForPrometheus = head.header("x-prometheus-scrape-timeout-seconds") != nil
        collector.scrape(isForPrometheus: isForPrometheus) { sources in
            var headers = [
                ("content-type", agreed.contentType), ("vary", "accept, accept-encoding"),
            ]
            // Without memory to pack it in, the page comes as it is.
            let lease = coding == .identity ? nil : collector.answers.lease(packingBytes)
            let coding = lease == nil ? .identity : coding
            if coding != .identity { headers.append(("content-encoding", coding.rawValue)) }
            let body = MetricsBody(
                page: ExpositionPage(format: agreed.format, sources: sources),
                coding: coding, turns: turns, responder: responder)
            var response = Response(status: 200, headers: headers, body: .stream(body))
            response.holding = lease
            responder.send(response)
        }
    }
}

/// The page as a body: rendered, and packed, one slice at a time.
private final class MetricsBody: BodySource, SliceTurns.Member {
    private let page: ExpositionPage
    private let compressor: StreamCompressor?
    private let turns: SliceTurns
    private let responder: Responder
    private var slice: [UInt8] = []

    init(
        page: ExpositionPage, coding: ContentCoding, turns: SliceTurns, responder: Responder
    ) {
        self.page = page
        self.turns = turns
        self.responder = responder
        compressor = coding == .identity ? nil : StreamCompressor(coding)
    }

    func resume() { responder.resumeBody() }

    func next(into bytes: inout [UInt8]) -> Bool {
        guard turns.take(self) else { return true }
        guard let compressor else { return page.next(into: &bytes) }
        slice.removeAll(keepingCapacity: true)
        let hasMore = page.next(into: &slice)
        let before = bytes.count
        compressor.compress(slice, finish: !hasMore, into: &bytes)
        // A slice that packs well may stay inside the compressor, and a source that hands on
        // nothing is not asked again by itself.
        if hasMore, bytes.count == before { _ = turns.take(self) }
        return hasMore
    }
}
