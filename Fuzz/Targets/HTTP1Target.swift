import RoostCore

@testable import RoostNet

/// Bytes of an HTTP/1.1 connection, WebSocket behind it included: the same whichever way they come
/// in pieces.
final class HTTP1Target: FuzzTarget {
    func take(_ input: UnsafeRawBufferPointer) {
        var choices = unsafe Choices(input)
        let whole = unsafe run(input) { unsafe $0.receive(input) }
        let parts = unsafe run(input) { session in
            unsafe choices.cut(input) { unsafe session.receive($0) }
        }
        compare(whole, parts)
        let drained = unsafe run(input) { session in
            unsafe choices.cut(input) {
                unsafe session.receive($0)
                session.drain()
            }
        }
        promise(whole.seen == drained.seen, difference(whole.seen, drained.seen))
        unsafe runInTime(input, &choices)
    }

    private typealias Outcome = (seen: [String], output: [UInt8], mustClose: Bool)

    private func run(
        _ input: UnsafeRawBufferPointer, _ feed: (NetSession) -> Void
    ) -> Outcome {
        let bench = NetBench()
        defer { bench.close() }
        guard let context = bench.context else { return ([], [], false) }
        let session = NetSession(
            HTTP1Session(context: context, peer: Peer(text: "fuzz"), host: bench))
        feed(session)
        session.drain()
        let mustClose = session.session.mustClose
        let seen = bench.seen
        session.end()
        return (seen, withoutDates(session.output), mustClose)
    }

    private func compare(_ one: Outcome, _ other: Outcome) {
        promise(one.seen == other.seen, difference(one.seen, other.seen))
        promise(one.mustClose == other.mustClose, "closed in one case only")
        promise(
            one.output == other.output,
            "answers differ: " + String(decoding: one.output, as: UTF8.self) + " / "
                + String(decoding: other.output, as: UTF8.self))
    }

    /// Answers that come late, draining, deadlines, in any order; nothing is compared.
    private func runInTime(_ input: UnsafeRawBufferPointer, _ choices: inout Choices) {
        let bench = NetBench()
        defer { bench.close() }
        guard let context = bench.context else { return }
        let session = NetSession(
            HTTP1Session(context: context, peer: Peer(text: "fuzz"), host: bench))
        var other = choices
        unsafe choices.cut(input) { piece in
            unsafe session.receive(piece)
            stir(session, bench, &other)
        }
        session.end()
    }
}

/// Something that happens to a connection beside its peer's bytes.
func stir(_ session: NetSession, _ bench: NetBench, _ choices: inout Choices) {
    switch choices.below(6) {
    case 0: session.drain()
    case 1: bench.answerLate()
    case 2:
        bench.clock.now += UInt64(choices.below(20_000))
        session.session.checkDeadlines(now: bench.clock.now)
        _ = session.session.nextDeadline
    case 3 where choices.below(8) == 0: session.session.beginDraining()
    case 4 where choices.below(8) == 0: session.session.peerEnded()
    default: break
    }
    _ = (session.session.idleSince, session.session.wantsInput)
    promise(session.session.heldBytes < 4 << 20, "\(session.session.heldBytes) bytes are held")
}

/// Answers without the lines that tell the time.
private func withoutDates(_ output: [UInt8]) -> [UInt8] {
    let mark = Array("\r\ndate: ".utf8)
    var kept: [UInt8] = []
    var place = 0
    while place < output.count {
        if output[place] == 0x0D, output[place...].starts(with: mark) {
            place = min(output.count, place + mark.count + 29)
        } else {
            kept.append(output[place])
            place += 1
        }
    }
    return kept
}

/// Where two records of the same bytes part.
func difference(_ one: [String], _ other: [String]) -> String {
    for (left, right) in zip(one, other) where left != right { return "\(left) / \(right)" }
    return "\(one.count) events / \(other.count) events: "
        + (one.count > other.count ? one : other).dropFirst(min(one.count, other.count))
        .joined(separator: "; ")
}
