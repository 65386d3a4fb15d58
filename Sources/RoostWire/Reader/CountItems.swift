/// How many spans, data points or log records a validated request holds.
public func countItems(_ body: UnsafeRawBufferPointer, signal: Signal) -> Int {
    0
}
