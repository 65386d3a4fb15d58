/// What an attribute can say about an agent's work, whatever its key is.
public enum NameConcept: UInt8, Sendable, CaseIterable {
    case kind, workflow, agent, entity, agentID, tool, session, user
    case modelAnswered, modelRequested, modelParameters, provider, server
    case inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens
    case usageDetails, cacheDetails, reasoningDetails
    case totalTokens, otherInputTokens, otherOutputTokens
    case cost, costDetails, costCurrency, serviceTier
    case errorType, success, statusCode, outcome, finishReason
    case secondsToFirstToken, millisecondsToFirstToken, timeToFirstToken, firstTokenTime
    case callID, spanType, pendingParent
    case arguments
    case eventName, prompt, errorMessage, durationMilliseconds

    /// As the tables spell it: `cache_read_tokens`.
    public var name: String {
        var name = ""
        var isAfterSmall = false
        for character in "\(self)" {
            if character.isUppercase, isAfterSmall { name += "_" }
            isAfterSmall = character.isLowercase
            name += character.lowercased()
        }
        return name
    }
}

extension ActivityKind {
    /// As the tables spell it.
    public var name: String { self == .humanWait ? "human_wait" : "\(self)" }
}
