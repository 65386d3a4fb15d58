import Synchronization

/// Whether `/metrics` tells of the machine, whose names applications may then not have. Any thread.
final class HostSwitch: Sendable {
    private let state: Atomic<Bool>

    init(_ isOn: Bool) { state = Atomic(isOn) }

    var isOn: Bool { state.load(ordering: .relaxed) }

    /// Says whether that changed anything.
    func turn(_ isOn: Bool) -> Bool { state.exchange(isOn, ordering: .relaxed) != isOn }
}
