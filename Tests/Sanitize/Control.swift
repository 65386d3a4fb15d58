import Glibc
import Synchronization

/// For `make sanitize`: four threads that do everything under a `Mutex`, so that nothing may be
/// reported; with the argument `race` one thing more, which must be.
@main enum Control {
    static let texts = Mutex<[Int]>([])
    static let count = Mutex(0)
    nonisolated(unsafe) static var unguarded = 0
    static let races = CommandLine.arguments.contains("race")

    static func main() {
        var threads: [pthread_t] = []
        for _ in 0..<4 {
            var thread = pthread_t()
            unsafe pthread_create(
                &thread, nil,
                { _ in
                    Control.work()
                    return nil
                }, nil)
            threads.append(thread)
        }
        for thread in threads { unsafe pthread_join(thread, nil) }
        print(count.withLock { $0 })
    }

    static func work() {
        for number in 0..<20_000 {
            texts.withLock { texts in
                if texts.count > 100 { texts = [] }
                texts.append(number)
            }
            count.withLock { $0 += 1 }
            if races { unguarded += 1 }
        }
    }
}
