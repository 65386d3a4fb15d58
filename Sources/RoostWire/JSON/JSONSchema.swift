/// One field of an OTLP message as the transcoder needs it.
struct JSONField {
    /// How the value stands in JSON and in protobuf.
    enum Kind: UInt8 {
        case string, base64, hex, bool, double
        case int32, int64, uint32, uint64, sint32, fixed32, fixed64, sfixed64, enumeration
        case message
    }

    let name: StaticString
    let kind: Kind
    /// Field number and wire type.
    let tag: UInt32
    var isRepeated = false
    /// Written also when it has the default value: in a oneof, or optional.
    var hasPresence = false
    /// A bit for each oneof of the message; 0 outside.
    var oneof: UInt8 = 0
    /// Of a message field.
    var message = OTLPMessage.anyValue
    /// Of an enumeration.
    var names = OTLPEnum.spanKind

    init(_ kind: Kind, _ name: StaticString, _ number: UInt32, repeated: Bool = false) {
        self.kind = kind
        self.name = name
        isRepeated = repeated
        let wireType: UInt32 =
            switch kind {
            case .string, .base64, .hex, .message: 2
            case .fixed64, .sfixed64, .double: repeated ? 2 : 1
            case .fixed32: 5
            case .bool, .int32, .int64, .uint32, .uint64, .sint32, .enumeration: repeated ? 2 : 0
            }
        tag = number << 3 | wireType
    }

    static func one(_ message: OTLPMessage, _ name: StaticString, _ number: UInt32) -> JSONField {
        var field = JSONField(.message, name, number)
        field.message = message
        return field
    }

    static func list(_ message: OTLPMessage, _ name: StaticString, _ number: UInt32) -> JSONField {
        var field = JSONField(.message, name, number, repeated: true)
        field.message = message
        return field
    }

    static func named(_ names: OTLPEnum, _ name: StaticString, _ number: UInt32) -> JSONField {
        var field = JSONField(.enumeration, name, number)
        field.names = names
        return field
    }

    /// A member of the oneof that `bit` stands for; alone in it, the field is optional.
    func oneof(_ bit: UInt8) -> JSONField {
        var field = self
        field.oneof = bit
        field.hasPresence = true
        return field
    }
}

/// All fields of all messages in one array, so that a run of the transcoder holds one pointer.
struct JSONSchema: Sendable {
    static let otlp = JSONSchema()

    let fields: [JSONField]
    /// Where each message's fields begin, by raw value; one more at the end.
    let starts: [Int]

    private init() {
        var fields: [JSONField] = []
        var starts: [Int] = []
        for message in OTLPMessage.allCases {
            starts.append(fields.count)
            fields += message.fields
        }
        self.fields = fields
        self.starts = starts + [fields.count]
    }
}
