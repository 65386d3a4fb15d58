import RoostCollector
import RoostCore
import RoostNet

/// `/status`: what an operator asks first.
enum StatusAnswer {
    static func status(_ collector: CollectorView) -> Response {
        var writer = JSONWriter()
        collector.writeStatus(into: &writer)
        return WebAnswer.json(200, writer.bytes)
    }
}
