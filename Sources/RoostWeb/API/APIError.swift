import RoostCore
import RoostNet

/// Why a request to the API gets no answer, worded for its sender.
struct APIError: Error, Equatable {
    let status: Int
    let code: String
    let message: String
    /// Seconds.
    var retryAfter: Int?

    /// `allowed` says what would be right.
    static func badParameter(_ name: String, _ text: String, allowed: String) -> APIError {
        APIError(
            status: 400, code: "bad_parameter",
            message: "\(name)=\(text.shortened()) is not understood; \(name) is \(allowed)")
    }

    static func unknownParameter(_ name: String, allowed: [String]) -> APIError {
        let known =
            allowed.isEmpty
            ? "this path takes none" : "known here are " + allowed.joined(separator: ", ")
        return APIError(
            status: 400, code: "unknown_parameter",
            message: "there is no parameter \(name.shortened()); \(known)")
    }

    static func missingParameter(_ name: String, allowed: String) -> APIError {
        APIError(
            status: 400, code: "missing_parameter", message: "\(name) is missing; it is \(allowed)")
    }

    static func emptyParameter(_ name: String, allowed: String) -> APIError {
        APIError(
            status: 400, code: "bad_parameter",
            message: "\(name) is empty; \(name) is \(allowed), or left out")
    }

    static func repeatedParameter(_ name: String) -> APIError {
        APIError(
            status: 400, code: "bad_parameter",
            message: "\(name) is given more than once; \(name) has one value")
    }

    static func badBody(_ reason: String) -> APIError {
        APIError(status: 400, code: "bad_body", message: reason)
    }

    static func notFound(_ what: String, _ id: String) -> APIError {
        APIError(status: 404, code: "not_found", message: "there is no \(what) \(id.shortened())")
    }

    static func switchedOff(_ part: String) -> APIError {
        APIError(
            status: 503, code: "switched_off",
            message: "\(part) is switched off; switch it on with enable.\(part) or PUT switches")
    }

    static let noMemory = APIError(
        status: 503, code: "no_memory",
        message: "there is no memory for this answer now; ask again, or for less of it",
        retryAfter: 1)

    /// There will never be memory for it.
    static func tooLarge(_ what: String, _ id: String) -> APIError {
        APIError(
            status: 422, code: "too_much",
            message: "\(what) \(id.shortened()) takes more memory than one answer may have; "
                + "a larger limits.memory allows it")
    }

    static let answerTooLarge = APIError(
        status: 422, code: "too_much",
        message: "the answer takes more memory than one may have; ask for less of it, or allow it "
            + "with a larger limits.memory")

    /// Spans have to be looked at for it, and never can be.
    static let searchTooLarge = APIError(
        status: 422, code: "too_much",
        message: "a part of a trace that may be meant takes more memory than one answer may have; "
            + "a larger limits.memory allows it, or start and end that leave the trace out")

    /// There is no memory for the answer now, or there never will be.
    var isAboutMemory: Bool { self == .noMemory || code == "too_much" }

    static let busy = APIError(
        status: 503, code: "busy",
        message: "too many questions wait for the store, ask again later", retryAfter: 1)

    static func tooManyStreams(_ limit: Int) -> APIError {
        APIError(
            status: 503, code: "busy",
            message: "\(limit) live streams are open, and no more are allowed", retryAfter: 1)
    }

    static func forbidden(_ message: String) -> APIError {
        APIError(status: 403, code: "forbidden", message: message)
    }

    func response(_ style: Endpoint.Style) -> Response {
        var response =
            switch style {
            case .roost: WebAnswer.error(status, code, message)
            case .jaeger: WebAnswer.json(status, JaegerAnswer.error(status, message))
            }
        if let retryAfter { response.headers.append(("retry-after", "\(retryAfter)")) }
        return response
    }
}
