import RoostCore
import RoostNet

/// Sends a client the figures of now, every so often. Confined to the web loop.
final class LiveMeter {
    private(set) weak var client: (any LiveClient)?
    private let milliseconds: UInt64
    private let render: () -> LiveText?
    private var timer: LoopTimer?

    /// `render` may be asked for every `milliseconds`; nil is nothing to tell.
    init(_ client: any LiveClient, milliseconds: UInt64, render: @escaping () -> LiveText?) {
        self.client = client
        self.milliseconds = milliseconds
        self.render = render
    }

    func start(on loop: EventLoop, _ delivery: LiveDelivery) {
        timer = loop.schedule(afterMilliseconds: milliseconds, repeatMilliseconds: milliseconds) {
            [weak self] in self?.tell(delivery)
        }
        // Last: where this finds the client gone, it is stopped.
        tell(delivery)
    }

    var isRunning: Bool { timer != nil }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func tell(_ delivery: LiveDelivery) {
        guard let client, let text = render() else { return }
        delivery.send(text, to: client)
        client.flush()
    }
}
