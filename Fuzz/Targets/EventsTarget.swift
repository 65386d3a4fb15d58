import RoostAnalytics
import RoostCore
import RoostMetrics

@testable import RoostIngest

/// `POST events`: JSON documents, the events in them, and what is counted of these.
final class EventsTarget: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        let document: JSONValue
        do throws(JSONValue.Fault) {
            document = try unsafe JSONValue(parsing: input)
        } catch {
            promise((0...input.count).contains(error.offset), "a fault outside of the document")
            return
        }
        checkWritten(document)
        var folder = EventFolder(seed: 1)
        var batch = ActivityBatch()
        for one in (document.array ?? [document]).prefix(200) {
            guard let event = try? PostedEvent(one, now: 1 << 60) else { continue }
            folder.fold(event, into: &batch)
        }
        guard let unpacked = ActivityBatch(unpacking: batch.packed()) else {
            fatalError("packed activities do not unpack")
        }
        promise(unpacked.activities.count == batch.activities.count, "an activity is lost")
        var tracker = AgentTracker(AgentTrackerSettings(), prices: nil)
        tracker.tellFacts()
        tracker.take(&batch, now: 1, unixNow: 1 << 60)
        tracker.tick(now: 1 << 50, unixNow: (1 << 60) + (1 << 50))
        let page = AgentMetricsPage()
        page.update(tracker.snapshot, isForPrometheus: false, now: 0)
        let text = ExpositionPage(format: .openMetrics, sources: [page])
        var bytes: [UInt8] = []
        while text.next(into: &bytes) {}
        promise(String(validating: bytes, as: UTF8.self) != nil, "a page that is no text")
    }

    private func checkWritten(_ document: JSONValue) {
        var writer = JSONWriter()
        writer.value(document)
        guard let again = try? JSONValue(parsing: writer.bytes) else {
            fatalError("written again it is no JSON")
        }
        promise(again == document, "written again it is another document")
    }
}
