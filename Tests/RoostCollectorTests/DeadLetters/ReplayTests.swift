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
