import Foundation
import RoostCore
import RoostNet
import RoostWire
import Synchronization
import Testing

@testable import RoostCollector

/// Dead letters sent again, to real peers on loopback.
@Suite struct ReplayTests {
    private func settings(_ peer: ExportTestPeer, _ form: ExportProtocol) throws -> ExportSettings {
        let endpoint = try ExportEndpoint("http://\(peer.address)", protocol: form)
        var settings = ExportSettings(
            name: "jaeger", protocol: form, urls: ExportURLs(traces: endpoint.url(for: .traces)))
        settings.retry.initial = .milliseconds(5)
        settings.retry.max = .milliseconds(20)
        return settings
    }

    private func fill(_ place: TestFolder, _ ranges: [Range<UInt64>]) throws -> DeadLetterFolder {
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        for (index, ids) in ranges.enumerated() {
            let payload = traceRequest(ids)
            var letter = letter(UInt64(index + 1), bytes: payload.bytes)
            letter.items = payload.items
            _ = try folder.write(letter, body: payload.slices)
        }
        return folder
    }

    private func replay(
        _ place: TestFolder, to settings: ExportSettings?, patience: Duration = .seconds(60),
        told: @escaping (String) -> Void = { _ in }
    ) throws -> Replay.Summary {
        try Replay(
            folder: place.path, patience: patience,
            target: { name in name == "jaeger" ? settings : nil }, tell: told
        ).run()
    }

    @Test(arguments: ExportProtocol.allCases)
    func `what is taken is removed`(form: ExportProtocol) throws {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let place = try TestFolder()
        _ = try fill(place, [1..<11, 11..<12, 12..<501])
        let summary = try replay(place, to: settings(peer, form))
        #expect(summary.sent == 3 && summary.isComplete && summary.items == [500, 0, 0])
        #expect(peer.spans.count == 500 && peer.spans.values.allSatisfy { $0 == 1 })
        #expect(place.files.isEmpty)
    }

    @Test func `what is refused stays with the new answer`() throws {
        let peer = try ExportTestPeer { number, _ in
            number == 2 ? Response(status: 401) : nil
        }
        defer { peer.stop() }
        let place = try TestFolder()
        let folder = try fill(place, [1..<11, 11..<21, 21..<31])
        let before = try folder.entries()[1]
        let summary = try replay(place, to: settings(peer, .httpProtobuf))
        #expect(summary.sent == 2 && summary.refused == 1 && !summary.isComplete)
        let entry = try #require(try folder.entries().first)
        #expect(try folder.entries().count == 1 && entry.name == before.name)
        let note = try #require(folder.note(of: entry))
        #expect(note.answer?.httpStatus == 401 && note.attempts == 3 && note.unixNano == 2)
        #expect(note.destination == "jaeger" && note.items == 10)
    }

    @Test func `of a letter that is too large only the item that is stays`() throws {
        let peer = try ExportTestPeer { _, bytes in bytes > 2000 ? Response(status: 413) : nil }
        defer { peer.stop() }
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        let parts = [
            traceRequest(1..<101), traceRequest(101..<102, spanBytes: 3000),
            traceRequest(102..<202),
        ]
        _ = try folder.write(letter(bytes: 1), body: parts.flatMap(\.slices))
        let summary = try replay(place, to: settings(peer, .httpProtobuf))
        #expect(summary.refused == 1 && summary.items[0] == 200)
        #expect(peer.spans.count == 200)
        let entry = try #require(try folder.entries().first)
        let note = try #require(folder.note(of: entry))
        #expect(note.reason == .tooLargeForPeer && note.items == 1)
        #expect(try folder.entries().count == 1 && folder.body(of: entry)?.count == note.bytes)
    }

    @Test func `of a letter that was cut what was taken is gone when the peer goes away`() throws {
        let state = Mutex((limit: 5, taken: 0))
        let rule: ExportTestPeer.Rule = { _, bytes in
            guard bytes <= 5000 else { return Response(status: 413) }
            let isTaken = state.withLock { state in
                state.taken += 1
                return state.taken <= state.limit
            }
            return isTaken ? nil : Response(status: 503)
        }
        let peer = try ExportTestPeer(rule)
        defer { peer.stop() }
        let place = try TestFolder()
        let folder = try fill(place, [1..<401])
        let told = Mutex<[String]>([])
        let settings = try settings(peer, .httpProtobuf)
        let first = try replay(
            place, to: settings, patience: .milliseconds(30),
            told: { line in told.withLock { $0.append(line) } })
        let taken = peer.spans.count
        #expect(taken > 0 && taken < 400)
        #expect(first.items[0] == taken && first.left == 1)
        #expect(first.sent == 0 && first.refused == 0)
        #expect(told.withLock { $0.last }?.hasSuffix("; what is left of it stays") == true)
        let entry = try #require(try folder.entries().first)
        let note = try #require(folder.note(of: entry))
        #expect(try folder.entries().count == 1)
        #expect(note.items == 400 - taken && note.reason == .permanent && note.unixNano == 1)
        #expect(try folder.body(of: entry)?.count == note.bytes)
        #expect(note.answer?.httpStatus == 400)
        state.withLock { $0.limit = .max }
        let second = try replay(place, to: settings)
        #expect(second.isComplete && second.items[0] == 400 - taken)
        #expect(peer.spans.count == 400 && peer.spans.values.allSatisfy { $0 == 1 })
    }

    @Test func `a letter that was cut and not taken at all stays as it is`() throws {
        let peer = try ExportTestPeer { _, bytes in Response(status: bytes > 5000 ? 413 : 503) }
        defer { peer.stop() }
        let place = try TestFolder()
        _ = try fill(place, [1..<401])
        let files = place.files
        let summary = try replay(
            place, to: settings(peer, .httpProtobuf), patience: .milliseconds(30))
        #expect(summary.left == 1 && summary.items == [0, 0, 0])
        #expect(place.files == files)
    }

    @Test func `a peer that hangs is waited for as long as there is patience`() throws {
        let peer = try HangingPeer()
        let place = try TestFolder()
        _ = try fill(place, [1..<11])
        let endpoint = try ExportEndpoint(
            "http://127.0.0.1:\(peer.port)", protocol: .httpProtobuf)
        var settings = ExportSettings(
            name: "jaeger", protocol: .httpProtobuf,
            urls: ExportURLs(traces: endpoint.url(for: .traces)))
        settings.timeout = .seconds(60)
        let began = ContinuousClock.now
        let summary = try replay(place, to: settings, patience: .seconds(1))
        #expect(summary.left == 1)
        #expect(ContinuousClock.now - began < .seconds(30))
        withExtendedLifetime(peer) {}
    }

    @Test func `what a peer says cannot steer a terminal`() throws {
        let peer = try ExportTestPeer { _, _ in
            Response(
                status: 400, headers: [("content-type", "text/plain")],
                body: .bytes(Array("\u{1B}[2Jno\r\n1 letters: 1 sent\u{9B}1m".utf8)))
        }
        defer { peer.stop() }
        let place = try TestFolder()
        _ = try fill(place, [1..<11])
        let told = Mutex<[String]>([])
        _ = try replay(
            place, to: settings(peer, .httpProtobuf),
            told: { line in told.withLock { $0.append(line) } })
        let list = try Replay(
            folder: place.path, patience: .zero, target: { _ in nil }, tell: { _ in }
        ).list()
        let lines = told.withLock { $0 } + list
        #expect(
            lines.count == 2 && lines.allSatisfy { $0.contains(#"\u{1B}[2Jno\r\n1 letters"#) })
        #expect(
            lines.allSatisfy { line in
                line.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F ~= $0.value) }
            })
    }

    @Test func `what was sent is told when the folder takes no more`() throws {
        let place = try TestFolder()
        let folder = try fill(place, [1..<11, 11..<21, 21..<31])
        let entries = try folder.entries()
        let body = place.path + "/\(entries[1].name).traces.pb"
        let peer = try ExportTestPeer { number, _ in
            guard number == 2 else { return nil }
            // Cannot be removed as a file, not even by root.
            try? FileManager.default.removeItem(atPath: body)
            try? FileManager.default.createDirectory(
                atPath: body, withIntermediateDirectories: false)
            return nil
        }
        defer { peer.stop() }
        let summary = try replay(place, to: settings(peer, .httpProtobuf))
        #expect(summary.letters == 3 && summary.sent == 1 && summary.left == 2)
        #expect(summary.items == [20, 0, 0] && peer.spans.count == 20 && !summary.isComplete)
        #expect(summary.fault?.contains(body) == true)
        #expect(try folder.entries() == [entries[2]])
    }

    @Test func `a letter that cannot be read is left, and one that is gone is not`() throws {
        let place = try TestFolder()
        let folder = try fill(place, [1..<11, 11..<21, 21..<31, 31..<41])
        let bodies = try folder.entries().map { place.path + "/\($0.name).traces.pb" }
        let peer = try ExportTestPeer { number, _ in
            guard number == 1 else { return nil }
            for body in bodies[1...2] { try? FileManager.default.removeItem(atPath: body) }
            // Opens, and cannot be read.
            try? FileManager.default.createDirectory(
                atPath: bodies[1], withIntermediateDirectories: false)
            return nil
        }
        defer { peer.stop() }
        let told = Mutex<[String]>([])
        let summary = try replay(
            place, to: settings(peer, .httpProtobuf),
            told: { line in told.withLock { $0.append(line) } })
        #expect(summary.sent == 2 && summary.left == 1 && !summary.isComplete)
        let lines = told.withLock { $0 }
        #expect(lines.count == 1 && lines[0].hasSuffix("Is a directory; it stays"))
    }

    @Test func `a peer that is busy is asked again`() throws {
        let peer = try ExportTestPeer { number, _ in number < 4 ? Response(status: 503) : nil }
        defer { peer.stop() }
        let place = try TestFolder()
        _ = try fill(place, [1..<11])
        #expect(try replay(place, to: settings(peer, .httpProtobuf)).isComplete)
        #expect(peer.spans.count == 10)
    }

    @Test func `a peer that is not there ends it, and everything stays`() throws {
        let peer = try ExportTestPeer()
        let settings = try settings(peer, .grpc)
        peer.stop()
        let place = try TestFolder()
        _ = try fill(place, [1..<11, 11..<21])
        let files = place.files
        let told = Mutex<[String]>([])
        let summary = try replay(
            place, to: settings, patience: .milliseconds(50),
            told: { line in told.withLock { $0.append(line) } })
        #expect(summary.left == 2 && !summary.isComplete)
        #expect(place.files == files)
        #expect(told.withLock { $0.count } == 1)
        let back = try ExportTestPeer()
        defer { back.stop() }
        #expect(try replay(place, to: self.settings(back, .grpc)).sent == 2)
    }

    @Test func `a letter for nobody stops it before anything is sent`() throws {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let place = try TestFolder()
        let folder = try fill(place, [1..<11])
        var other = letter(9)
        other.destination = "tempo"
        _ = try folder.write(other, body: body(3))
        #expect(throws: Replay.Fault.self) { try replay(place, to: settings(peer, .grpc)) }
        #expect(peer.spans.isEmpty && place.files.count == 4)
    }

    @Test func `letters in the folders below are sent, too, those without side file as well`()
        throws
    {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let place = try TestFolder()
        let below = DeadLetterFolder(path: place.path + "/jaeger")
        try below.make()
        let payload = traceRequest(1..<11)
        _ = try below.write(letter(), body: payload.slices)
        let name = try #require(try below.entries().first).name
        try FileManager.default.removeItem(atPath: below.path + "/\(name).json")
        let summary = try replay(place, to: settings(peer, .grpc))
        #expect(summary.sent == 1 && peer.spans.count == 10)
    }

    @Test func `one replay at a time works on a folder`() throws {
        let peer = try ExportTestPeer()
        defer { peer.stop() }
        let place = try TestFolder()
        _ = try fill(place, [1..<2])
        let settings = try settings(peer, .grpc)
        var inner: (any Error)?
        let outer = try Replay(
            folder: place.path, patience: .seconds(1),
            target: { _ in
                do { _ = try self.replay(place, to: settings) } catch { inner = error }
                return settings
            }, tell: { _ in })
        #expect(try outer.run().isComplete)
        guard case .busy = try #require(inner as? Replay.Fault) else {
            Issue.record("should be busy")
            return
        }
    }
}

/// Takes connections and says nothing.
private final class HangingPeer {
    private let descriptor: CInt
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = unsafe withUnsafeMutablePointer(to: &address) { [descriptor] place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                unsafe bind(descriptor, place, length) == 0 && listen(descriptor, 8) == 0
                    && getsockname(descriptor, place, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        try #require(isBound)
    }

    deinit { close(descriptor) }
}
