import RoostCollector
import RoostCore
import RoostIngest

/// `POST events`: agents' events from programs that do not speak OpenTelemetry.
enum EventEndpoints {
    static let mostEvents = 10_000

    static func all(_ context: APIContext) -> [Endpoint] {
        let folder = Folder()
        return [
            Endpoint(
                method: .post, path: API.root + "events", name: "postEvents",
                summary: "Takes agents' events, one or a list, into the same account as spans; all "
                    + "of a list or none",
                bodySchema: "PostedEvents", answer: .json(schema: "Accepted"),
                isAdministrative: true,
                handle: { request throws(APIError) in
                    guard context.collector.switches.isOn(.analytics) else {
                        throw .switchedOff("analytics")
                    }
                    var events = try read(try request.document(), now: request.now)
                    guard context.collector.redact(&events) else {
                        throw APIError(
                            status: 503, code: "busy",
                            message: "no memory is free for these events, try again later")
                    }
                    context.collector.give(
                        folder.fold(events, memory: context.collector.memoryLimit))
                    request.answer { writer in
                        writer.beginObject()
                        writer.field("accepted", events.count)
                        writer.endObject()
                    }
                })
        ]
    }

    private static func read(
        _ document: JSONValue, now: UInt64
    ) throws(APIError) -> [PostedEvent] {
        let list = document.array ?? [document]
        guard list.count <= mostEvents else {
            throw .badBody("at most \(mostEvents) events in one request")
        }
        var events: [PostedEvent] = []
        for (place, one) in list.enumerated() {
            do throws(PostedEvent.Fault) { events.append(try PostedEvent(one, now: now)) } catch {
                let which = document.array == nil ? "" : "event \(place): "
                throw .badBody(which + error.reason)
            }
        }
        return events
    }

    /// What has begun, from request to request. Confined to the web loop.
    private final class Folder {
        private var folder = EventFolder(seed: unixNanoseconds())

        /// `memory` is `limits.memory`, which a reload may change.
        func fold(_ events: [PostedEvent], memory: Int) -> ActivityBatch {
            folder.memory = memory
            var batch = ActivityBatch()
            for event in events { folder.fold(event, into: &batch) }
            return batch
        }
    }
}
