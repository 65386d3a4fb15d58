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

        /// Of what is said about a path, whether there is something at it or not.
        init(ofPath path: String) {
            self = path.hasPrefix("/api/") && !path.hasPrefix("/api/v1/") ? .jaeger : .roost
        }
    }

    let method: Method
    /// As OpenAPI writes it, with names of path parameters in braces.
    let path: String
    /// Unique; names the operation in the description.
    let name: String
    let summary: String
    var parameters: [Parameter] = []
    /// Names of parameters of which the second must not be below the first.
    var bounds: [(lower: String, upper: String)] = []
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
        try check(query)
        var values: [String: ParameterValue] = [:]
        for parameter in parameters {
            let name = parameter.name
            var given = parameter.isInPath ? [path[name] ?? ""] : query.all(name)
            // Grafana and Jaeger's own pages send fields that nobody filled in.
            if style == .jaeger, !parameter.isInPath { given.removeAll(where: \.isEmpty) }
            guard !given.isEmpty else {
                guard !parameter.isRequired else {
                    throw .missingParameter(name, allowed: parameter.allowed)
                }
                continue
            }
            guard given.count == 1 || parameter.isRepeatable else {
                throw .repeatedParameter(name)
            }
            for text in given {
                guard !text.isEmpty else { throw .emptyParameter(name, allowed: parameter.allowed) }
                values[name] = try parameter.value(of: text, now: now)
            }
        }
        for (lower, upper) in bounds {
            guard let least = values[lower]?.magnitude, let most = values[upper]?.magnitude,
                least > most
            else { continue }
            throw APIError(
                status: 400, code: "contradicting_parameters",
                message: "\(upper) is below \(lower), so that nothing can be meant")
        }
        return values
    }

    /// Names and values as such.
    private func check(_ query: QueryString) throws(APIError) {
        let known = parameters.filter { !$0.isInPath }.map(\.name)
        if style == .roost {
            for pair in query.pairs where !known.contains(pair.name) {
                throw .unknownParameter(pair.name, allowed: known)
            }
        }
        guard !query.isTooLong else {
            throw APIError(
                status: 400, code: "bad_parameter",
                message: "there are more than \(QueryString.mostPairs) parameters")
        }
        for pair in query.pairs where !pair.isText && known.contains(pair.name) {
            throw APIError(
                status: 400, code: "bad_parameter",
                message: "\(pair.name) is not UTF-8, percent-encoded")
        }
    }
}
