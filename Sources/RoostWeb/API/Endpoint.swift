import RoostCore
import RoostNet

/// One path of the API with one method: what it takes, what it answers, and who does the work.
///
/// The router, the checks of parameters and the OpenAPI document are all made from these.
struct Endpoint {
    enum Method: String { case get = "GET", post = "POST", put = "PUT" }

    /// What comes back.
    enum Answer {
        /// A document that the named schema describes.
        case json(schema: String)
        case text(mediaType: String)
        /// A document, or the same to read, as a parameter wants it.
        case jsonOrText(schema: String, mediaType: String)
        /// Server-sent events.
        case events
        /// The connection becomes a WebSocket.
        case webSocket
    }

    /// Whose habits it keeps.
    enum Style {
        case roost
        /// Errors in Jaeger's form, and parameters that it does not know are passed over.
        case jaeger
    }

    let method: Method
    /// As OpenAPI writes it, with names of path parameters in braces.
    let path: String
    /// Unique; names the operation in the description.
    let name: String
    let summary: String
    var parameters: [Parameter] = []
    /// Of the body, for those that take one.
    var bodySchema: String?
    let answer: Answer
    /// Changes something, so that off loopback a token is needed.
    var isAdministrative = false
    /// What its body names may be unknown.
    var bodyNamesSomething = false
    var style = Style.roost
    /// Of a WebSocket: who serves it. Its request has no responder.
    var upgrade: ((APIRequest) throws(APIError) -> WebSocketAcceptance)?
    let handle: (APIRequest) throws(APIError) -> Void
}

/// Finds the endpoint for a path.
struct EndpointTable {
    private struct Template {
        let parts: [Substring]
        let endpoint: Endpoint

        /// The values of the parts in braces; nil when a path is another.
        func match(_ path: [Substring]) -> [String: String]? {
            guard path.count == parts.count else { return nil }
            var values: [String: String] = [:]
            for (part, given) in zip(parts, path) {
                if part.first == "{" {
                    let name = String(part.dropFirst().dropLast())
                    values[name] = QueryString.decoded(given.utf8, plusIsSpace: false)
                } else if part != given {
                    return nil
                }
            }
            return values
        }

        var fixedParts: Int { parts.count { $0.first != "{" } }
    }

    enum Found {
        case endpoint(Endpoint, pathValues: [String: String])
        /// The path is known with these methods only.
        case otherMethods([String])
        case nothing
    }

    private let templates: [Template]
    let endpoints: [Endpoint]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        // A fixed name goes before a parameter: traces/compare before traces/{trace_id}.
        templates = endpoints.map {
            Template(parts: EndpointTable.parts($0.path), endpoint: $0)
        }.sorted { $0.fixedParts > $1.fixedParts }
    }

    /// HEAD is taken for GET.
    func find(_ method: String, _ path: String) -> Found {
        let parts = EndpointTable.parts(path)
        var others: [String] = []
        for template in templates {
            guard let values = template.match(parts) else { continue }
            let wanted = template.endpoint.method.rawValue
            if method == wanted || method == "HEAD" && wanted == "GET" {
                return .endpoint(template.endpoint, pathValues: values)
            }
            if !others.contains(wanted) { others.append(wanted) }
        }
        return others.isEmpty ? .nothing : .otherMethods(others)
    }

    private static func parts(_ path: String) -> [Substring] {
        path.split(separator: "/", omittingEmptySubsequences: true)
    }
}

extension Endpoint {
    /// Checks everything that a request says; names what is wrong.
    func values(
        path: [String: String], query: QueryString, now: UInt64
    ) throws(APIError) -> [String: ParameterValue] {
        var values: [String: ParameterValue] = [:]
        let queries = parameters.filter { !$0.isInPath }
        if style == .roost {
            for pair in query.pairs where !queries.contains(where: { $0.name == pair.name }) {
                throw .unknownParameter(pair.name, allowed: queries.map(\.name))
            }
        }
        for parameter in parameters {
            guard
                let text = parameter.isInPath
                    ? path[parameter.name] : query.last(parameter.name),
                !text.isEmpty || parameter.isInPath
            else {
                guard !parameter.isRequired else {
                    throw .missingParameter(parameter.name, allowed: parameter.allowed)
                }
                continue
            }
            values[parameter.name] = try parameter.value(of: text, now: now)
        }
        return values
    }
}
