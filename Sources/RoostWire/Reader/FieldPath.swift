/// Turns what the cursor threw into what a sender is told. Only for requests that are refused.
@usableFromInline @inline(never)
func wireError(_ fault: WireFault, in body: UnsafeRawBufferPointer, signal: Signal) -> WireError {
    WireError(
        reason: fault.reason, offset: fault.offset,
        field: "")
}
