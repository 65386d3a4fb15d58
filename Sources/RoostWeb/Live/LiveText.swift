import RoostCore
import RoostNet

/// A message in the forms in which clients get it, each made once. Confined to the web loop.
final class LiveText {
    /// Of the event; nil for what is none.
    let id: UInt64?
    let json: ByteBlock
    private(set) lazy var frame = WebSocketMessage(
        text: ByteSlice(block: json, offset: 0, count: json.count))

    init(_ json: ByteBlock, id: UInt64? = nil) {
        self.json = json
        self.id = id
    }

    /// What Roost itself says on a stream: `{"type":…,"data":{…}}`.
    static func notice(_ type: String, _ data: (inout JSONWriter) -> Void = { _ in }) -> LiveText {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("type", type)
        writer.object("data", data)
        writer.endObject()
        return LiveText(ByteBlock(writer.bytes))
    }

    /// So many messages are lost to the client that gets this.
    static func lost(_ messages: Int) -> LiveText {
        notice("lost") { $0.field("messages", messages) }
    }
}
