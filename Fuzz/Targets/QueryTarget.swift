import RoostCore

@testable import RoostStore
@testable import RoostWeb

/// What the API is asked: parameters behind a `?`, cursors, and what clients of live streams say.
final class QueryTarget: FuzzTarget {
    private let kinds: [Parameter.Kind] = [
        .text, .integer(-5...1_000), .choice(["a", "b"]), .time, .seconds, .goDuration, .boolean,
        .traceID, .cursor(.number), .cursor(.place), .cursor(.row),
    ]

    func take(_ input: UnsafeRawBufferPointer) {
        let text = unsafe String(decoding: input, as: UTF8.self)
        let query = QueryString(text)
        let values = [text] + query.pairs.prefix(8).map(\.value)
        for value in values {
            for kind in kinds {
                let parameter = Parameter.query("p", kind, "")
                _ = try? parameter.value(of: value, now: 1_800_000_000_000_000_000)
            }
            if let place = TraceSearch.Place(cursor: value) {
                promise(TraceSearch.Place(cursor: place.cursor) == place, "a cursor changes")
            }
            if let time = unixNanoseconds(rfc3339: value) {
                let written = rfc3339(unixNanoseconds: time)
                promise(unixNanoseconds(rfc3339: written) == time, "\(value) becomes \(written)")
            }
        }
        guard let document = try? unsafe JSONValue(parsing: input) else { return }
        _ = LiveFilter.read(document["subscribe"] ?? document)
    }
}
