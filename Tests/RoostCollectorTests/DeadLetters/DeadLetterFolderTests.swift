import Foundation
import RoostCore
import RoostWire
import Testing

@testable import RoostCollector

/// A folder that is there for one test.
final class TestFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "roost-letters-\(UUID().uuidString)"
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func text(_ file: String) -> String {
        (try? String(contentsOfFile: path + "/" + file, encoding: .utf8)) ?? ""
    }
}

func letter(
    _ time: UInt64 = 1_795_258_800_123_456_789, bytes: Int = 10, signal: Signal = .traces
) -> DeadLetter {
    DeadLetter(
        destination: "jaeger", endpoint: "http://jaeger:4318", protocol: .httpProtobuf,
        signal: signal, items: 3, bytes: bytes, reason: .permanent, attempts: 2, unixNano: time,
        answer: .init(httpStatus: 400, message: "HTTP 400: bad \"data\""))
}

func body(_ bytes: Int, mark: UInt8 = 7) -> [ByteSlice] {
    [ByteBlock([UInt8](repeating: mark, count: bytes)).slice]
}

@Suite struct DeadLetterFolderTests {
    @Test func `a letter is the request's bytes and a side file with what became of it`() throws {
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path + "/deep/er")
        try folder.make()
        let slices = [ByteBlock([1, 2, 3]).slice, ByteBlock([4]).slice]
        let bytes = try folder.write(letter(), body: slices)
        let entry = try #require(try folder.entries().first)
        #expect(entry.bytes == bytes && entry.signal == .traces)
        #expect(try folder.body(of: entry) == [1, 2, 3, 4])
        #expect(folder.note(of: entry) == letter())
        #expect(entry.name.hasPrefix("01795258800123456789-"))
        let note = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: folder.path + "/\(entry.name).json")))
                as? [String: Any])
        #expect(note["time"] as? String == "2026-11-21T11:00:00.123456789Z")
        #expect(note["body"] as? String == entry.name + ".traces.pb")
        #expect((note["answer"] as? [String: Any])?["http_status"] as? Int == 400)
        for file in ["\(entry.name).json", "\(entry.name).traces.pb"] {
            let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + file)
            #expect(mode[.posixPermissions] as? Int == 0o600)
        }
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path)
        #expect(mode[.posixPermissions] as? Int == 0o700)
        try folder.remove(entry)
        #expect(try folder.entries().isEmpty)
        try folder.remove(entry)
    }

    @Test func `a side file of another version, or damaged, is none`() {
        let json = String(decoding: letter().json(body: "x"), as: UTF8.self)
        #expect(DeadLetter(json: Array(json.utf8)) == letter())
        #expect(
            DeadLetter(json: Array(json.replacing("\"version\":1", with: "\"version\":2").utf8))
                == nil)
        for end in 0..<json.utf8.count - 2 {
            #expect(DeadLetter(json: Array(json.utf8.prefix(end))) == nil)
        }
    }

    @Test func `a request without its side file is still a letter, the reverse is none`() throws {
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        for signal in Signal.allCases {
            _ = try folder.write(letter(signal: signal), body: body(4))
        }
        let entries = try folder.entries()
        try FileManager.default.removeItem(atPath: place.path + "/\(entries[0].name).json")
        let lost = place.path + "/\(entries[1].name).\(entries[1].signal.name).pb"
        try FileManager.default.removeItem(atPath: lost)
        #expect(try folder.entries().map(\.name) == [entries[0].name, entries[2].name])
        #expect(try folder.note(of: entries[0]) == nil && folder.body(of: entries[0]) != nil)
        #expect(try folder.body(of: entries[1]) == nil)
    }

    @Test func `a request of more than a gigabyte is none, and not gone`() throws {
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        _ = try folder.write(letter(), body: body(4))
        let entry = try #require(try folder.entries().first)
        let file = try FileHandle(
            forWritingTo: URL(filePath: place.path + "/\(entry.name).traces.pb"))
        try file.truncate(atOffset: 1 << 30 + 1)
        #expect(throws: FileFault.self) { try folder.body(of: entry) }
    }

    @Test func `only what was left long ago is cleaned up, and nothing of others`() throws {
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        _ = try folder.write(letter(), body: body(4))
        let whole = place.files
        for name in [".new-1-2.traces.pb", "17-3.json", "notes.json", "README"] {
            try "x".write(toFile: place.path + "/" + name, atomically: false, encoding: .utf8)
        }
        try folder.removeLeftovers(unixNano: unixNanoseconds())
        #expect(place.files.count == whole.count + 4)
        try folder.removeLeftovers(unixNano: unixNanoseconds() + 3600 * second)
        #expect(place.files == (whole + ["notes.json", "README"]).sorted())
    }

    @Test func `letters sort by age`() throws {
        let place = try TestFolder()
        let folder = DeadLetterFolder(path: place.path)
        try folder.make()
        for time in [5 * second, 1_000_000 * second, 3] {
            _ = try folder.write(letter(time), body: body(1))
        }
        let times = try folder.entries().map { folder.note(of: $0)?.unixNano }
        #expect(times == [3, 5 * second, 1_000_000 * second])
    }
}

@Suite struct DeadLetterBoxTests {
    private func box(_ place: TestFolder, bytes: Int = 1 << 20, count: Int = 1000) -> DeadLetterBox
    {
        var settings = ExportSettings.DeadLetters(path: place.path)
        settings.bytes = bytes
        settings.count = count
        return DeadLetterBox(settings)
    }

    @Test func `the folder is made with the first letter`() throws {
        let place = try TestFolder()
        let box = box(place)
        box.look(unixNano: 0)
        #expect(!FileManager.default.fileExists(atPath: place.path))
        box.put(letter(), body: body(10))
        box.sync()
        #expect(place.files.count == 3 && place.files.contains("lock"))
        #expect(box.status.letters == 1 && box.status.written == 1 && box.status.error == nil)
    }

    @Test func `a letter that is too large says so`() throws {
        let place = try TestFolder()
        let box = box(place, bytes: 1000)
        box.put(letter(bytes: 2000), body: body(2000))
        box.sync()
        let error = try #require(box.status.error)
        #expect(error.contains("is larger than dead_letters.size (1000)"))
        #expect(box.status.lost == [.oversize: 1])
    }

    @Test func `a folder has one owner, which may look at it twice`() throws {
        let place = try TestFolder()
        try DeadLetterFolder(path: place.path).make()
        do {
            let other = try FolderClaim(place.path)
            let box = box(place)
            #expect(box.otherOwner() == .thisProcess)
            box.put(letter(), body: body(10))
            #expect(box.status.error?.contains("in use by this roost already") == true)
            #expect(box.status.lost == [.disk: 1])
            withExtendedLifetime(other) {}
        }
        let (first, second) = (box(place), box(place))
        #expect(first.otherOwner() == nil && second.otherOwner() == nil)
        #expect(throws: FolderClaim.Failure.self) { try FolderClaim(place.path) }
        withExtendedLifetime((first, second)) {}
    }

    @Test func `the oldest make room for the newest, in bytes`() throws {
        let place = try TestFolder()
        let box = box(place, bytes: 20_000)
        for time in 1...40 as ClosedRange<UInt64> {
            box.put(letter(time, bytes: 1000), body: body(1000))
            let entries = try DeadLetterFolder(path: place.path).entries()
            let total = entries.reduce(0) { $0 + $1.bytes }
            #expect(total <= 20_000 && total == box.status.bytes)
        }
        let status = box.status
        let folder = DeadLetterFolder(path: place.path)
        let times = try folder.entries().compactMap { folder.note(of: $0)?.unixNano }
        #expect(times == Array(UInt64(41 - status.letters)...40) && times.count > 10)
        #expect(status.written == 40 && status.lost[.evicted] == 40 - status.letters)
    }

    @Test func `the oldest make room for the newest, in number`() throws {
        let place = try TestFolder()
        let box = box(place, count: 3)
        for time in 1...10 as ClosedRange<UInt64> { box.put(letter(time), body: body(10)) }
        let folder = DeadLetterFolder(path: place.path)
        #expect(try folder.entries().compactMap { folder.note(of: $0)?.unixNano } == [8, 9, 10])
        #expect(box.status.lost == [.evicted: 7])
    }

    @Test func `lower bounds hold as soon as the folder is looked at for them`() throws {
        let place = try TestFolder()
        let counts = DeadLetterCounts()
        var settings = ExportSettings.DeadLetters(path: place.path)
        let before = DeadLetterBox(settings, counts: counts)
        for time in 1...10 as ClosedRange<UInt64> {
            before.put(letter(time, bytes: 1000), body: body(1000))
        }
        settings.count = 7
        let after = DeadLetterBox(settings, counts: counts)
        after.look(unixNano: 0)
        #expect(after.status.letters == 10 && after.status.written == 10)
        after.look(unixNano: 0, isBounded: true)
        #expect(after.status.letters == 7 && after.status.lost == [.evicted: 3])
        settings.bytes = 4000
        let small = DeadLetterBox(settings, counts: counts)
        small.look(unixNano: 0, isBounded: true)
        let folder = DeadLetterFolder(path: place.path)
        let times = try folder.entries().compactMap { folder.note(of: $0)?.unixNano }
        #expect(times == [8, 9, 10] && small.status.bytes <= 4000)
        #expect(small.status.written == 10 && small.status.lost == [.evicted: 7])
    }

    @Test func `counts go on when settings change, and when a destination comes back`() throws {
        let place = try TestFolder()
        let ledger = Ledger()
        func destination(_ count: Int) -> Destination {
            var settings = settings { $0.deadLetters = .init(path: place.path) }
            settings.deadLetters?.count = count
            let index = ledger.exporterIndex(named: settings.name)
            return Destination(
                settings, index: index, log: Log(level: .error),
                letterCounts: ledger.deadLetterCounts(exporter: index))
        }
        let first = destination(3)
        for time in 1...4 as ClosedRange<UInt64> {
            first.letters?.put(letter(time), body: body(10))
        }
        let altered = Destination(destination(5).settings, altering: first)
        #expect(altered.letters !== first.letters)
        altered.letters?.put(letter(5), body: body(10))
        let back = destination(5)
        for box in [first.letters, altered.letters, back.letters] {
            #expect(box?.status.written == 5 && box?.status.lost == [.evicted: 1])
        }
    }

    @Test func `one that is larger than the bound is counted and removes nothing`() throws {
        let place = try TestFolder()
        let box = box(place, bytes: 5000)
        box.put(letter(), body: body(10))
        box.put(letter(bytes: 6000), body: body(6000))
        #expect(box.status.letters == 1 && box.status.lost == [.oversize: 1])
    }

    @Test func `what others removed is noticed`() throws {
        let place = try TestFolder()
        let box = box(place, count: 3)
        for time in 1...3 as ClosedRange<UInt64> { box.put(letter(time), body: body(10)) }
        let folder = DeadLetterFolder(path: place.path)
        for entry in try folder.entries().dropFirst() { try folder.remove(entry) }
        box.put(letter(4), body: body(10))
        #expect(box.status.letters == 2 && box.status.lost.isEmpty)
        try folder.remove(folder.entries()[0])
        box.look(unixNano: 0)
        #expect(box.status.letters == 1)
    }

    @Test func `a folder that cannot be made is counted and told`() throws {
        let place = try TestFolder()
        try "x".write(toFile: place.path, atomically: false, encoding: .utf8)
        var settings = ExportSettings.DeadLetters(path: place.path + "/below")
        settings.bytes = 1000
        let box = DeadLetterBox(settings)
        box.put(letter(), body: body(10))
        #expect(box.status.lost == [.disk: 1] && box.status.written == 0)
        #expect(box.status.error?.contains("below") == true)
    }
}
