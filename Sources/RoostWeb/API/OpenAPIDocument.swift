import RoostCore
import RoostNet

/// The machine-readable description of the API, made from the endpoints themselves and the schemas
/// of `schemas.json`. OpenAPI Specification 3.1.
enum OpenAPIDocument {
    /// Where it is found; it describes itself last.
    static func endpoint(_ endpoints: [Endpoint], _ context: APIContext) -> Endpoint {
        let version = context.collector.version
        let document = Endpoint(
            method: .get, path: API.root + "openapi.json", name: "getOpenAPI",
            summary: "This description of the API", answer: .json(schema: "OpenAPI"),
            handle: { request in })
        // Made once, when it is first asked for.
        let cache = Cache { bytes(endpoints + [document], version: version) }
        return Endpoint(
            method: document.method, path: document.path, name: document.name,
            summary: document.summary, answer: document.answer,
            handle: { $0.responder.send(WebAnswer.json(200, cache.bytes)) })
    }

    private final class Cache {
        private let make: () -> [UInt8]
        private(set) lazy var bytes = make()

        init(_ make: @escaping () -> [UInt8]) { self.make = make }
    }

    static func bytes(_ endpoints: [Endpoint], version: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("openapi", "3.1.0")
        writer.object("info") {
            $0.field("title", "Roost")
            $0.field("version", version)
            $0.field(
                "description",
                "What a Roost collector knows about agents: traces, workflows, costs, failures. "
                    + "Times are RFC 3339 with nanoseconds, durations are seconds; an unknown cost "
                    + "is null.")
        }
        writer.object("paths") { writer in
            var paths: [String] = []
            for endpoint in endpoints where !paths.contains(endpoint.path) {
                paths.append(endpoint.path)
            }
            for path in paths {
                writer.object(path) { writer in
                    for endpoint in endpoints where endpoint.path == path {
                        write(endpoint, into: &writer)
                    }
                }
            }
        }
        writer.object("components") { writer in
            writer.key("schemas")
            writer.raw(Schemas.all)
            writer.object("securitySchemes") { writer in
                writer.object("bearer") {
                    $0.field("type", "http")
                    $0.field("scheme", "bearer")
                    $0.field("description", "One of `listen.tokens`, where there are any")
                }
            }
        }
        writer.array("security") { writer in
            writer.beginObject()
            writer.endObject()
            writer.beginObject()
            writer.array("bearer") { _ in }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    private static func write(_ endpoint: Endpoint, into writer: inout JSONWriter) {
        writer.object(endpoint.method.rawValue.lowercased()) { writer in
            writer.field("operationId", endpoint.name)
            writer.field("summary", endpoint.summary)
            if !endpoint.parameters.isEmpty {
                writer.array("parameters") { writer in
                    for parameter in endpoint.parameters {
                        write(parameter, endpoint.style, into: &writer)
                    }
                }
            }
            if let schema = endpoint.bodySchema {
                writer.object("requestBody") { writer in
                    writer.field("required", true)
                    writeContent("application/json", schema: schema, into: &writer)
                }
            }
            writer.array("tags") { $0.value(endpoint.tag) }
            writer.object("responses") { writer in
                write(endpoint.answer, into: &writer)
                for (status, about) in endpoint.faults {
                    writer.object(status) { writer in
                        writer.field("description", about)
                        // Who may ask at all is found out before it is known what is asked.
                        let isOwn =
                            endpoint.style == .roost || ["401", "403", "414"].contains(status)
                        let schema = isOwn ? "Error" : "JaegerError"
                        writeContent("application/json", schema: schema, into: &writer)
                    }
                }
            }
        }
    }

    private static func write(_ answer: Endpoint.Answer, into writer: inout JSONWriter) {
        switch answer {
        case .webSocket:
            writer.object("101") { $0.field("description", "The connection is a WebSocket now") }
        case .json(let schema):
            writer.object("200") { writer in
                writer.field("description", "OK")
                writeContent("application/json", schema: schema, into: &writer)
            }
        case .jsonOrText(let schema, let type):
            writer.object("200") { writer in
                writer.field("description", "OK")
                writer.object("content") { writer in
                    writeMedia("application/json", schema: schema, into: &writer)
                    writer.object(type) { _ in }
                }
            }
        case .text(let type):
            writer.object("200") { writer in
                writer.field("description", "OK")
                writer.object("content") { $0.object(type) { _ in } }
            }
        case .events:
            writer.object("200") { writer in
                writer.field(
                    "description",
                    "Server-sent events until the client goes; the data of an event of agents is a "
                        + "LiveMessage")
                writer.object("content") { $0.object("text/event-stream") { _ in } }
            }
        }
    }

    private static func writeContent(
        _ type: String, schema: String, into writer: inout JSONWriter
    ) {
        writer.object("content") { writeMedia(type, schema: schema, into: &$0) }
    }

    private static func writeMedia(
        _ type: String, schema: String, into writer: inout JSONWriter
    ) {
        writer.object(type) { writer in
            writer.object("schema") { $0.field("$ref", "#/components/schemas/\(schema)") }
        }
    }

    private static func write(
        _ parameter: Parameter, _ style: Endpoint.Style, into writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.field("name", parameter.name)
        writer.field("in", parameter.isInPath ? "path" : "query")
        writer.field("required", parameter.isRequired)
        let isPassedOver = style == .jaeger && !parameter.isRequired
        let standard = parameter.standard.map { "; \($0) when it is not given" } ?? ""
        let empty = isPassedOver ? "; as if it were not given when it is empty" : ""
        writer.field("description", parameter.about + ": " + parameter.allowed + standard + empty)
        func value(_ writer: inout JSONWriter) {
            guard isPassedOver else { return write(parameter.kind, into: &writer) }
            writer.array("anyOf") { writer in
                writer.beginObject()
                write(parameter.kind, into: &writer)
                writer.endObject()
                writer.beginObject()
                writer.field("const", "")
                writer.endObject()
            }
        }
        if case .tags = parameter.kind {
            writer.object("content") { writer in
                writer.object("application/json") { writer in
                    writer.object("schema") { write(parameter.kind, into: &$0) }
                }
            }
            writer.endObject()
            return
        }
        writer.object("schema") { writer in
            guard parameter.isRepeatable else { return value(&writer) }
            writer.field("type", "array")
            writer.object("items") { value(&$0) }
        }
        writer.endObject()
    }

    private static func write(_ kind: Parameter.Kind, into writer: inout JSONWriter) {
        switch kind {
        case .text: writeText(1...Parameter.mostCharacters, into: &writer)
        case .name: writeText(1...Parameter.mostTagCharacters, into: &writer)
        case .pair:
            writeText(2...Parameter.mostCharacters, into: &writer)
            writer.field("pattern", "^[^:]+:")
        case .tags:
            writer.field("type", "object")
            writer.object("additionalProperties") { writer in
                writer.array("type") { writer in
                    for type in ["string", "number", "boolean"] { writer.value(type) }
                }
            }
        case .cursor(let form): writePattern(form.rawValue, into: &writer)
        case .integer(let range):
            writer.field("type", "integer")
            writer.field("minimum", range.lowerBound)
            writer.field("maximum", range.upperBound)
        case .choice(let words):
            writer.field("type", "string")
            writer.array("enum") { writer in for word in words { writer.value(word) } }
        case .time:
            writePattern(timePattern, examples: ["15m", "2026-11-20T08:15:00Z"], into: &writer)
        case .seconds:
            writePattern(
                "^([0-9]{1,9}(\\.[0-9]{1,9})?(ns|us|ms|s)?|[0-9]{1,5}(\\.[0-9]{1,9})?[mh]"
                    + "|[0-9]{1,4}(\\.[0-9]{1,9})?d)$", into: &writer)
        case .goDuration:
            writePattern(
                "^(0|([0-9]{1,5}(\\.[0-9]{1,6})?(ns|us|ms|s|m|h)){1,3})$", examples: ["1h30m"],
                into: &writer)
        case .lookback:
            writePattern(
                "^(custom|0|([0-9]{1,5}(\\.[0-9]{1,6})?(ns|us|ms|s|m|h)){1,3}|[0-9]{1,4}d|[0-9]{1,3}w)$",
                examples: ["1h", "2d"], into: &writer)
        case .boolean: writer.field("type", "boolean")
        case .traceID: writePattern("^(?!0{32}$)[0-9a-fA-F]{32}$", into: &writer)
        case .shortTraceID: writePattern("^(?!0+$)[0-9a-fA-F]{1,32}$", into: &writer)
        }
    }

    private static func writeText(_ lengths: ClosedRange<Int>, into writer: inout JSONWriter) {
        writer.field("type", "string")
        writer.field("minLength", lengths.lowerBound)
        writer.field("maxLength", lengths.upperBound)
    }

    private static func writePattern(
        _ pattern: String, examples: [String] = [], into writer: inout JSONWriter
    ) {
        writer.field("type", "string")
        if !examples.isEmpty {
            writer.array("examples") { writer in for one in examples { writer.value(one) } }
        }
        writer.field("pattern", pattern)
    }

    private static let timePattern =
        "^([0-9]{1,5}(ns|us|ms|s|m|h)|[0-9]{1,4}d|[0-9]{1,3}w|(19[89][0-9]|197[1-9]|2[01][0-9]{2})-("
        + "(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
        + "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]))$"
}

extension Endpoint {
    /// Under which heading it stands.
    fileprivate var tag: String {
        if style == .jaeger { return "jaeger" }
        if case .webSocket = answer { return "live" }
        if case .events = answer { return "live" }
        return String(path.dropFirst(API.root.count).prefix { $0 != "/" && $0 != "." })
    }

    /// The statuses that tell why there is no answer. Those of a connection that is too slow, or that
    /// speaks no HTTP, are not among them.
    fileprivate var faults: [(status: String, about: String)] {
        var faults: [(String, String)] = []
        faults.append(("400", "Something in the request is wrong; the message says what"))
        let most =
            bodySchema == nil
            ? "\(WebHandler.mostPageBytes >> 10) KiB" : "\(APIRequest.mostBodyBytes >> 20) MiB"
        faults.append(("413", "The body is larger than \(most) or `limits.request`"))
        faults.append(("414", "The request's line is longer than 8 KiB"))
        faults.append(("415", "The body's `content-encoding` is not supported"))
        if case .webSocket = answer {
            faults.append(("426", "It is only to be had over WebSocket, version 13"))
        }
        faults.append(("401", "A token is needed, and it is missing or wrong"))
        faults.append(("403", "A foreign Host or Origin, or a token is needed for this"))
        if bodyNamesSomething
            || parameters.contains(where: { $0.isInPath || $0.isTraceID })
        {
            faults.append(("404", "There is nothing with this id"))
        }
        faults.append(("422", "It would read too much; the message says how to narrow it"))
        faults.append(("503", "The part is switched off, or is not able to answer now"))
        return faults
    }
}

extension Parameter {
    fileprivate var isTraceID: Bool {
        switch kind {
        case .traceID, .shortTraceID: true
        default: false
        }
    }
}
