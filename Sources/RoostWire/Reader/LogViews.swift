/// One well-formed log record. Ids are empty or have been checked.
@frozen public struct LogRecordView {
    public var timeUnixNano: UInt64 = 0
    public var observedTimeUnixNano: UInt64 = 0
    /// As on the wire: 0 unspecified, 1 to 24.
    public var severityNumber: Int32 = 0
    public var severityText = WireBytes.empty
    public var body = AnyValueView()
    public var attributes = AttributeList(number: 6)
    public var droppedAttributesCount: UInt32 = 0
    public var flags: UInt32 = 0
    public var traceID = WireBytes.empty
    public var spanID = WireBytes.empty
    public var eventName = WireBytes.empty
    /// The LogRecord message as it came.
    public var bytes = WireBytes.empty

    @inlinable @inline(__always) init() {}
}
