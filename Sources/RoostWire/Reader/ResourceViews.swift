/// Who sent the telemetry; the attributes of all that came if it came more than once.
@frozen public struct ResourceView {
    public var attributes = AttributeList(number: 1)
    public var droppedAttributesCount: UInt32 = 0
    /// Of the enclosing entry (`ResourceSpans.schema_url` and the like).
    public var schemaURL = WireBytes.empty
    /// Of the enclosing entry: all but its scopes.
    public var fields = OtherFields(WireCursor(WireBytes.empty))

    @inlinable init() {}
}

/// The library that made the telemetry.
@frozen public struct ScopeView {
    public var name = WireBytes.empty
    public var version = WireBytes.empty
    public var attributes = AttributeList(number: 3)
    public var droppedAttributesCount: UInt32 = 0
    /// Of the enclosing entry (`ScopeSpans.schema_url` and the like).
    public var schemaURL = WireBytes.empty
    /// Of the enclosing entry: all but its items.
    public var fields = OtherFields(WireCursor(WireBytes.empty))

    @inlinable init() {}
}
