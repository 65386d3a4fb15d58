import RoostCollector
import RoostCore
import RoostWeb

/// The signals that `serve` answers.
enum ServeSignals {
    static let all = [SignalWaiter.terminate, SignalWaiter.interrupt, SignalWaiter.hangUp]
}

/// Runs the collector until a signal ends it; the exit code of the program.
///
/// `reload` reads the configuration again, for a collector that runs, and tells what is wrong with
/// it; nil changes nothing.
func serve(
    _ config: Config, log: Log, version: String, reload: (ConfigLoader.Running) -> Config?
) -> Int32 {
    keepMemoryOutOfCoreFiles()
    // Blocked before the first thread is made, so that every thread leaves them to this one.
    let signals = SignalWaiter(ServeSignals.all)
    let collector = Collector(config: config, log: log, version: version)
    do throws(StartError) {
        try collector.start { view, loop in WebHandler(collector: view, loop: loop) }
    } catch {
        log.error("cannot start: \(error)")
        return 1
    }
    while signals.next() == SignalWaiter.hangUp {
        let running = ConfigLoader.Running(listeners: collector.listeners)
        if let new = reload(running) { collector.apply(new) }
    }
    collector.drain()
    return 0
}
