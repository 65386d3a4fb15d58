import RoostCollector
import RoostCompression
import RoostMetrics
import RoostNet

/// `/metrics`: what was agreed with the scraper, then the page in slices as fast as it reads.
enum MetricsAnswer {
    static func answer(_ head: RequestHead, _ collector: CollectorView, _ responder: Responder) {
        let agreed = negotiate(
            accept: head.header("accept"), acceptEncoding: head.header("accept-encoding"))
        collector.scrape { sources in
            var headers = [
                ("content-type", agreed.contentType), ("vary", "accept, accept-encoding"),
            ]
            if agreed.coding != .identity {
                headers.append(("content-encoding", agreed.coding.rawValue))
            }
            let body = MetricsBody(
                page: ExpositionPage(format: agreed.format, sources: sources),
                coding: ContentCoding(rawValue: agreed.coding.rawValue) ?? .identity)
            responder.send(Response(status: 200, headers: headers, body: .stream(body)))
        }
    }
}

/// The page as a body: rendered, and packed, one slice at a time.
private final class MetricsBody: BodySource {
    private let page: ExpositionPage
    private let compressor: StreamCompressor?
    private var slice: [UInt8] = []

    init(page: ExpositionPage, coding: ContentCoding) {
        self.page = page
        compressor = coding == .identity ? nil : StreamCompressor(coding)
    }

    func next(into bytes: inout [UInt8]) -> Bool {
        guard let compressor else { return page.next(into: &bytes) }
        let before = bytes.count
        var hasMore = true
        // A slice that packs well may stay inside the compressor, and a source that hands on
        // nothing would not be asked again.
        while hasMore, bytes.count == before {
            slice.removeAll(keepingCapacity: true)
            hasMore = page.next(into: &slice)
            compressor.compress(slice, finish: !hasMore, into: &bytes)
        }
        return hasMore
    }
}
