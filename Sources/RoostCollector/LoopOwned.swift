package import RoostNet

/// A value that belongs to a loop's thread, in a wrapping that other threads may hold and pass on.
///
/// `@unchecked Sendable`: the value is only ever touched inside work posted to its loop.
package struct LoopOwned<Value>: @unchecked Sendable {
    package let loop: EventLoop
    private let value: Value

    package init(_ value: Value, on loop: EventLoop) {
        self.value = value
        self.loop = loop
    }

    /// Runs `work` with the value on its loop. False when the loop has ended.
    @discardableResult
    package func post(_ work: @escaping @Sendable (Value) -> Void) -> Bool {
        loop.post { work(value) }
    }
}
