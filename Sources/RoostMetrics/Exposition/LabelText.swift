/// The labels of one series, sorted by name and escaped as both text formats want them:
/// `a="x",b="y"`, without braces. Empty when there are none.
///
/// Made by `LabelBuilder`, so a text that exists is well-formed UTF-8 with unique names.
public struct LabelText: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// No labels.
    public static let none = LabelText(bytes: [])

    /// For labels known when the program is written, and for tests: `["job": "a"]`.
    public init(dictionaryLiteral elements: (String, String)...) {
        var builder = LabelBuilder()
        for (name, value) in elements { builder.add(name, value) }
        self = builder.finish()
    }

    public var isEmpty: Bool { bytes.isEmpty }
    public var string: String { String(decoding: bytes, as: UTF8.self) }
}
