/// What an agent asks a model for.
struct ModelRequest {
    var model: Model
    var agent: String
    var process: Int
    var parent: UInt64
    var promptTokens: Int
    /// The part of the prompt that the provider has seen in the turn before.
    var cachedTokens: Int
    var answerTokens: Int
    var wantsTools: Bool
}

struct ModelAnswer {
    var end: Int64
    /// nil when there was no answer.
    var usage: Usage?
    var errorType: String?
}

/// How one HTTP request to a provider ends.
private enum Fate {
    case answered
    case filtered
    case refused(status: Int, error: String, message: String)
    case timedOut
    case reset
}

/// What one HTTP request to a provider leads to.
private enum Attempt {
    case answered(firstChunk: Int64, end: Int64)
    case failed(type: String, message: String, end: Int64)
    /// The library sends the request again after a pause.
    case again(end: Int64)
}

extension Recorder {
    /// One `chat` operation as a client library performs it: up to three requests, with a pause
    /// before each repetition, inside one span.
    mutating func call(_ request: ModelRequest, at start: Int64) -> ModelAnswer {
        var span = begin(
            "chat \(request.model.name)", kind: .client, scope: .model, process: request.process,
            parent: request.parent, at: start, chatAttributes(request))
        var now = start + nanoseconds(random.real(0.001...0.004))
        var retries = 0
        while true {
            switch attempt(request, in: &span, retries: retries, at: now) {
            case .answered(let firstChunk, let end):
                return complete(
                    &span, request, retries: retries, firstChunk: firstChunk,
                    at: end + nanoseconds(0.001))
            case .failed(let type, let message, let end):
                return fail(
                    &span, request, retries: retries, type: type, message: message, at: end)
            case .again(let end):
                retries += 1
                now = pause(before: retries, of: request, in: span, at: end)
            }
        }
    }

    /// One HTTP request, and what the library makes of its end.
    private mutating func attempt(
        _ request: ModelRequest, in span: inout FleetSpan, retries: Int, at start: Int64
    ) -> Attempt {
        let fate = drawFate(for: request.model)
        var http = beginRequest(to: request.model, in: span, resend: retries, at: start)
        let result: Attempt
        switch fate {
        case .answered:
            let (firstChunk, end) = answerTimes(request, at: start)
            http.attributes[Key.httpStatus] = 200
            http.end = end
            result = .answered(firstChunk: firstChunk, end: end)
        case .filtered:
            http.end = start + nanoseconds(random.real(0.5...1.5))
            http.attributes[Key.httpStatus] = 200
            span.attributes["gen_ai.response.finish_reasons"] = .strings(["content_filter"])
            result = .failed(
                type: "content_filter",
                message: "the answer was withheld by the provider's filter",
                end: http.end + nanoseconds(0.001))
        case .refused(let status, let error, let message):
            http.end = start + nanoseconds(random.logNormal(median: 0.15, sigma: 0.4))
            http.attributes[Key.httpStatus] = .int(status)
            http.fail(String(status), "HTTP \(status)", at: http.end, exception: false)
            result =
                retries == 2
                ? .failed(type: error, message: message, end: http.end) : .again(end: http.end)
        case .timedOut:
            let message = "no answer within 20 s"
            http.end = start + nanoseconds(20)
            http.fail("timeout", message, at: http.end)
            result =
                retries > 0
                ? .failed(type: "TimeoutError", message: message, end: http.end)
                : .again(end: http.end)
        case .reset:
            http.end = start + nanoseconds(random.real(0.2...4))
            http.fail("ECONNRESET", "connection reset by peer", at: http.end)
            result = .again(end: http.end)
        }
        finish(http, at: http.end)
        return result
    }

    private func chatAttributes(_ request: ModelRequest) -> Attributes {
        [
            Key.operation: "chat",
            Key.provider: .string(request.model.provider),
            Key.requestModel: .string(request.model.name),
            Key.serverAddress: .string(request.model.host),
            Key.serverPort: 443,
            Key.agent: .string(request.agent),
            Key.workflow: .string(workflow),
            Key.conversation: .string(conversation),
            "gen_ai.request.max_tokens": 8_192,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.stream": true,
        ]
    }

    private mutating func drawFate(for model: Model) -> Fate {
        let trouble = model.provider == troubledProvider ? 20.0 : 1.0
        let busy = Fate.refused(
            status: 429, error: model.rateLimitError, message: "too many requests, slow down")
        let down = Fate.refused(
            status: model.provider == "anthropic" ? 529 : 503, error: "ServiceUnavailableError",
            message: "the model is overloaded")
        return random.pick(weighted: [
            (.answered, 95), (busy, 2.6 * trouble), (down, 1 * trouble), (.timedOut, 0.5),
            (.reset, 0.4), (.filtered, 0.5),
        ])
    }

    private mutating func beginRequest(
        to model: Model, in span: FleetSpan, resend: Int, at start: Int64
    ) -> FleetSpan {
        var http = begin(
            "POST", kind: .client, scope: .http, process: span.process, parent: span.id,
            at: start,
            [
                Key.httpMethod: "POST",
                "url.full": .string("https://\(model.host)\(model.path)"),
                Key.serverAddress: .string(model.host),
                Key.serverPort: 443,
                "network.protocol.version": "2",
            ])
        if resend > 0 { http.attributes["http.request.resend_count"] = .int(resend) }
        return http
    }

    /// When the first part of the answer came, and when the last; now and then much later.
    private mutating func answerTimes(_ request: ModelRequest, at start: Int64) -> (Int64, Int64) {
        let model = request.model
        let slow = random.chance(0.02) ? random.real(4...9) : 1
        let first =
            random.logNormal(median: model.firstToken, sigma: 0.35)
            + Double(request.promptTokens - request.cachedTokens) / 60_000
        let rest =
            Double(request.answerTokens)
            / random.logNormal(median: model.tokensPerSecond, sigma: 0.2)
        let firstChunk = start + nanoseconds(min(first * slow, 60))
        return (firstChunk, firstChunk + nanoseconds(min(rest * slow, 60)))
    }

    private mutating func pause(
        before retry: Int, of request: ModelRequest, in span: FleetSpan, at time: Int64
    ) -> Int64 {
        let wait = random.real(0.4...0.9) * Double(1 << retry)
        let tenths = Int(wait * 10)
        log(
            .warn,
            "\(request.model.provider) did not answer, trying again in \(tenths / 10).\(tenths % 10) s",
            in: span, at: time,
            [
                Key.provider: .string(request.model.provider),
                Key.requestModel: .string(request.model.name), "retry.attempt": .int(retry),
            ])
        measure(
            .retries, 1, in: span, at: time,
            [
                Key.provider: .string(request.model.provider),
                Key.requestModel: .string(request.model.name),
            ])
        return time + nanoseconds(wait)
    }

    private mutating func complete(
        _ span: inout FleetSpan, _ request: ModelRequest, retries: Int, firstChunk: Int64,
        at end: Int64
    ) -> ModelAnswer {
        let usage = drawUsage(request)
        let bill = ModelBill(usage, by: request.model)
        span.attributes[Key.responseModel] = .string(request.model.responseName)
        span.attributes["gen_ai.response.id"] = .string("resp_" + random.hex(20))
        span.attributes["gen_ai.response.finish_reasons"] = .strings([
            request.wantsTools ? "tool_calls" : "stop"
        ])
        span.attributes["gen_ai.response.time_to_first_chunk"] = .double(
            seconds(from: span.start, to: firstChunk))
        span.attributes[Key.inputTokens] = .int(usage.allInput)
        span.attributes[Key.outputTokens] = .int(usage.allOutput)
        if usage.cacheRead > 0 {
            span.attributes["gen_ai.usage.cache_read.input_tokens"] = .int(usage.cacheRead)
        }
        if usage.cacheWrite > 0 {
            span.attributes["gen_ai.usage.cache_creation.input_tokens"] = .int(usage.cacheWrite)
        }
        if usage.reasoning > 0 {
            span.attributes["gen_ai.usage.reasoning.output_tokens"] = .int(usage.reasoning)
        }
        span.account = .modelCall(bill, retries: retries)
        measure(bill, of: request, in: span, firstChunk: firstChunk, at: end)
        finish(span, at: end)
        return ModelAnswer(end: end, usage: usage)
    }

    private mutating func drawUsage(_ request: ModelRequest) -> Usage {
        var usage = Usage()
        usage.cacheRead = min(request.cachedTokens, request.promptTokens)
        let fresh = request.promptTokens - usage.cacheRead
        // Anthropic's caches are written to on demand and billed; the others' fill themselves.
        if request.model.provider == "anthropic", fresh > 1_024 { usage.cacheWrite = fresh / 2 }
        usage.input = fresh - usage.cacheWrite
        usage.reasoning = Int(
            Double(request.answerTokens) * request.model.reasoning * random.real(0.6...1.2))
        usage.reasoning = min(usage.reasoning, request.answerTokens - 1)
        usage.output = request.answerTokens - usage.reasoning
        return usage
    }

    private mutating func measure(
        _ bill: ModelBill, of request: ModelRequest, in span: FleetSpan, firstChunk: Int64,
        at end: Int64
    ) {
        let labels = span.attributes.only(
            Key.operation, Key.provider, Key.requestModel, Key.responseModel, Key.serverAddress)
        measure(
            .operationDuration, seconds(from: span.start, to: end), in: span, at: end, labels)
        measure(.firstChunk, seconds(from: span.start, to: firstChunk), in: span, at: end, labels)
        measure(
            .tokenUsage, Double(bill.usage.allInput), in: span, at: end,
            labels.merging([Key.tokenType: "input"]))
        measure(
            .tokenUsage, Double(bill.usage.allOutput), in: span, at: end,
            labels.merging([Key.tokenType: "output"]))
        let model = labels.only(Key.provider, Key.requestModel)
        if let dollars = bill.dollars { measure(.cost, dollars, in: span, at: end, model) }
        measure(.promptSize, Double(request.promptTokens) * 4.1, in: span, at: end, model)
        measure(
            .contextUse, Double(request.promptTokens) / Double(request.model.contextWindow),
            in: span, at: end, model)
    }

    private mutating func fail(
        _ span: inout FleetSpan, _ request: ModelRequest, retries: Int, type: String,
        message: String, at end: Int64
    ) -> ModelAnswer {
        span.fail(type, message, at: end)
        span.account = .modelCall(ModelBill(Usage(), by: request.model), retries: retries)
        let labels = span.attributes.only(
            Key.operation, Key.provider, Key.requestModel, Key.serverAddress, Key.errorType)
        measure(
            .operationDuration, seconds(from: span.start, to: end), in: span, at: end, labels)
        log(
            .error, message, in: span, at: end, event: "gen_ai.client.operation.exception",
            labels.merging([
                "exception.type": .string(type), "exception.message": .string(message),
            ]))
        finish(span, at: end)
        return ModelAnswer(end: end, errorType: type)
    }
}
