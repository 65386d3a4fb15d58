import RoostCore

/// The form that every answer of Jaeger's query API has.
enum JaegerAnswer {
    /// `items` writes the elements of `data` and says how many there are in all, which may be more.
    static func list<Failure: Error>(
        _ writer: inout JSONWriter, limit: Int = 0,
        _ items: (inout JSONWriter) throws(Failure) -> Int
    ) throws(Failure) {
        writer.beginObject()
        writer.key("data")
        writer.beginArray()
        let total = try items(&writer)
        writer.endArray()
        writer.field("total", total)
        writer.field("limit", limit)
        writer.field("offset", 0)
        writer.key("errors")
        writer.null()
        writer.endObject()
    }

    static func error(_ code: Int, _ message: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("data")
        writer.null()
        writer.field("total", 0)
        writer.field("limit", 0)
        writer.field("offset", 0)
        writer.array("errors") { writer in
            writer.beginObject()
            writer.field("code", code)
            writer.field("msg", message)
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }
}
