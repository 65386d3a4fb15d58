/// How many spans, data points or log records a validated request holds.
public func countItems(_ body: UnsafeRawBufferPointer, signal: Signal) -> Int {
    var items = 0
    let request = unsafe WireCursor(body)
    request.forEachMessage(0x0A) { entry in
        entry.forEachMessage(0x12) { scope in
            scope.forEachMessage(0x12) { item in
                items += signal == .metrics ? countPoints(item) : 1
            }
        }
    }
    return items
}

/// The points of a metric: those of the last member of its oneof.
func countPoints(_ metric: WireCursor) -> Int {
    var view = MetricView()
    var check = ItemCheck()
    guard let data = try? readMetricHeader(metric, into: &view, &check) else { return 0 }
    var points = 0
    data.forEachMessage(view.kind.dataTag) { member in
        member.forEachMessage(0x0A) { _ in points += 1 }
    }
    return points
}

extension WireCursor {
    /// Calls `body` with each message of a field in validated bytes.
    func forEachMessage(_ wanted: UInt32, _ body: (WireCursor) -> Void) {
        var cursor = self
        while cursor.hasMore {
            guard let tag = try? cursor.tag() else { return }
            if tag == wanted {
                guard let message = try? cursor.message() else { return }
                body(message)
            } else {
                guard (try? cursor.skip(tag)) != nil else { return }
            }
        }
    }
}
