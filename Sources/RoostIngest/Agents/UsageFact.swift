/// What one point of a metric tells of a service's use of models and tools.
public struct UsageFact: Sendable {
    var service: [UInt8] = []
    var agent: [UInt8] = []
    var model: [UInt8] = []
    var provider: [UInt8] = []
    var tool: [UInt8] = []
    var session: [UInt8] = []
    var user: [UInt8] = []
    var errorType: [UInt8] = []
    var tells = NameMetric.Subject.tokens
    /// In the order of `ActivityTokens`.
    var tokenType = 0
    var value = 0.0
    var isError = false
    /// Its input leaves cached tokens out.
    var isExclusive = false
    /// The value is what has come up since `start`, not since the point before.
    var isCumulative = false
    /// Unix nanoseconds.
    var start: UInt64 = 0
    /// Unix nanoseconds.
    var time: UInt64 = 0
    /// A hash of resource, scope, metric and attributes.
    var stream: UInt64 = 0
}
